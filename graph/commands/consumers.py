"""`motcua consumers`: who may ask, with which keys and for what; a running gateway follows the file within half a second."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from cyclopts import App, Parameter
from rich.markup import escape
from rich.table import Table

from graph.access.consumers import read_registry
from graph.access.coordinates import Coordinates
from graph.access.editing import NewConsumer, RegistryFile
from graph.access.keys import new_key
from graph.access.registry import ApiKey, Consumer, PriorityName, Purpose, Registry
from graph.app import load_schema
from graph.commands.quantities import seconds_of
from graph.commands.terminal import SettingsFile, err, out, print_table
from graph.settings import DEFAULT_FILE, Settings, load_settings

consumers = App(name="consumers", help="List the consumers, add one, change its keys, take them away, and check what purposes may read.")

Name = Annotated[str, Parameter(help="The consumer, as in the file of consumers.")]
RIGHT = {"fields", "masked", "personal", "min. age"}
SHOWN_ONCE = "This key is shown now and never again; it goes into the header X-API-Key."


class ListedKey(msgspec.Struct, frozen=True):
    """A key, without anything that could be guessed from."""

    id: str
    made: datetime
    expires: datetime | None


class ListedConsumer(msgspec.Struct, frozen=True):
    """A consumer as `list --json` shows it."""

    name: str
    organisation: str
    kind: str
    priority: str
    purposes: dict[str, datetime | None]
    explorer: bool
    demo: bool
    keys: list[ListedKey]
    tokens: int
    certificates: int


@consumers.command(name="list")
def listed(
    *,
    as_json: Annotated[bool, Parameter(name="--json", help="Print it as JSON.", negative=())] = False,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """List the consumers with their purposes, and how each proves who it is."""
    registry = _registry(load_settings(settings, secrets=False))
    if as_json:
        shown = {"version": registry.version, "consumers": [_listed(consumer) for consumer in registry.consumers.values()]}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(shown)).decode() + "\n")
    else:
        print_table(consumer_table(registry.consumers.values(), datetime.now(UTC)))
    return 0


consumers.default(listed)


@consumers.command
def add(  # noqa: PLR0913 - each is an option of the command
    name: Name,
    *,
    organisation: Annotated[str, Parameter(help="Whose information system it is.")],
    kind: Annotated[Literal["state", "private"], Parameter(help="A state body's, or anybody else's, who needs consent for personal data.")],
    purpose: Annotated[list[str], Parameter(help="A purpose that it may read for; several times for several.")],
    priority: Annotated[PriorityName, Parameter(help="How urgent its requests are at most.")] = "citizen",
    explorer: Annotated[bool, Parameter(help="A developer's: may send queries of its own and look at the schema.", negative=())] = False,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Add a consumer with a first key, which is shown once."""
    secret, key = new_key()
    new = NewConsumer(name, organisation, kind, tuple(dict.fromkeys(purpose)), priority, explorer)
    registry = _file(settings).add(new, key)
    return _given(secret, f"{name} is a consumer since version {registry.version}.")


@consumers.command
def rotate(
    name: Name,
    *,
    overlap: Annotated[str, Parameter(help="How long its other keys still hold, such as 24h.")] = "24h",
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Give a consumer a new key, which is shown once; its other keys end after the overlap."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds_of(overlap))
    secret, key = new_key()
    registry = _file(settings).rotate(name, key, end)
    return _given(secret, f"{name} has a new key since version {registry.version}; its others end at {_moment(end)} at the latest.")


@consumers.command
def revoke(
    name: Name,
    key_id: Annotated[
        str | None, Parameter(help="One key, by its id as `list` shows it; without it every key, token and certificate.")
    ] = None,
    *,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Take a key away from a consumer, or all that it could prove who it is by."""
    registry = _file(settings).revoke(name, key_id)
    what = "every key, token and certificate" if key_id is None else f"the key {key_id}"
    out.print(f"{name} has lost {what} since version {registry.version}; a gateway that runs follows within half a second.")
    return 0


@consumers.command
def check(*, settings: SettingsFile = DEFAULT_FILE) -> int:
    """Check the file, and show what each purpose may read."""
    found = load_settings(settings, secrets=False)
    registry = _registry(found)
    print_table(purpose_table(registry, Coordinates(load_schema(found).documents.schema)))
    file = found.beside(found.access.consumers)
    out.print(
        f"\n{file}: version {registry.version} is right: {len(registry.consumers)} consumers, {len(registry.purposes)} purposes, "
        f"{len(registry.open)} fields open to everybody"
    )
    return 0


def consumer_table(found: Iterable[Consumer], now: datetime) -> Table:
    """Show each consumer on a line; of its keys those that still hold."""
    table = _table("consumer", "organisation", "kind", "priority", "purposes", "keys", "other proofs", "is")
    for consumer in found:
        proofs = [("tokens of", len(consumer.tokens)), ("certificates:", len(consumer.certificates))]
        table.add_row(
            consumer.name,
            escape(consumer.organisation),
            consumer.kind,
            consumer.priority,
            ", ".join(_until(name, until) for name, until in consumer.purposes.items()) or "-",
            ", ".join(_until(key.id, key.expires) for key in consumer.keys if _holds(key, now)) or "-",
            ", ".join(f"{what} {count}" for what, count in proofs if count) or "-",
            ", ".join(word for word, so in (("explorer", consumer.explorer), ("demo", consumer.demo)) if so) or "-",
        )
    return table


def purpose_table(registry: Registry, coordinates: Coordinates) -> Table:
    """Show each purpose on a line: how many fields it may read, how many of them say something about people, and who has it."""
    table = _table("purpose", "basis", "fields", "masked", "personal", "consent", "protected", "min. age", "ends", "consumers")
    for purpose in registry.purposes.values():
        held_by = [consumer.name for consumer in registry.consumers.values() if purpose.name in consumer.purposes]
        table.add_row(
            purpose.name,
            purpose.legal_basis,
            f"{len(purpose.fields):,}",
            f"{len(purpose.masked):,}",
            f"{_personal(purpose, coordinates):,}",
            "needed" if purpose.consent else "-",
            purpose.protected,
            str(purpose.min_age or "-"),
            "-" if purpose.expires is None else _moment(purpose.expires),
            ", ".join(held_by) or "-",
        )
    return table


def _personal(purpose: Purpose, coordinates: Coordinates) -> int:
    return sum(coordinates.is_personal(coordinate) for coordinate in purpose.fields | purpose.masked)


def _holds(key: ApiKey, now: datetime) -> bool:
    return key.expires is None or key.expires > now


def _until(name: str, until: datetime | None) -> str:
    return name if until is None else f"{name} until {_moment(until)}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _listed(consumer: Consumer) -> ListedConsumer:
    return ListedConsumer(
        consumer.name, consumer.organisation, consumer.kind, consumer.priority, dict(consumer.purposes), consumer.explorer, consumer.demo,
        [ListedKey(key.id, key.made, key.expires) for key in consumer.keys], len(consumer.tokens), len(consumer.certificates),
    )  # fmt: skip


def _given(secret: str, said: str) -> int:
    """Print the key alone to standard output, so that it can be led into a file, and all words about it beside."""
    sys.stdout.write(f"{secret}\n")
    err.print(f"{said} {SHOWN_ONCE}")
    return 0


def _registry(settings: Settings) -> Registry:
    schema = load_schema(settings).documents.schema
    return read_registry(settings.beside(settings.access.consumers), schema, demo=settings.is_sandboxed)


def _file(settings_file: SettingsFile) -> RegistryFile:
    settings = load_settings(settings_file, secrets=False)
    coordinates = Coordinates(load_schema(settings).documents.schema)
    return RegistryFile(settings.beside(settings.access.consumers), coordinates, demo=settings.is_sandboxed)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in RIGHT else "left", no_wrap=True)
    return table
