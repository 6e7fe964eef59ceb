"""`motcua cache`: look at the caches of a running gateway, try a change out, make it, and purge; in all its workers at once."""

import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from cyclopts import App, Parameter

from graph.commands.png import png_of
from graph.commands.quantities import knob_value
from graph.commands.tables import cache_table, knob_table, prediction_table, prediction_words, purge_words, turn_table
from graph.commands.terminal import ERRORS, GATEWAY, SettingsFile, Url, err, out, print_table
from graph.errors import SettingsWrong
from graph.loading.drawing import drawn_text
from graph.operating.answers import CacheState, CacheStates, PurgeReport, Tuned, WhatIf
from graph.operating.client import AdminClient
from graph.operating.knobs import NAMES
from graph.settings import DEFAULT_FILE

cache = App(name="cache", help="Look at the resolver caches of a running gateway, tune them live, and purge them.")

Name = Annotated[str, Parameter(help="The batch function, as `motcua cache` lists it.")]
AsJson = Annotated[bool, Parameter(name="--json", help="Print it as JSON.", negative=())]
Text = str | None


@Parameter(name="*")
@dataclass(frozen=True)
class Turns:
    """The knobs of a batch function, each as an option."""

    ttl: Annotated[Text, Parameter(help="How long an answer is served, such as 30m.")] = None
    negative_ttl: Annotated[Text, Parameter(help='How long "there is none" is served.')] = None
    longest_ttl: Annotated[Text, Parameter(help="What the owner of the data allows at most.")] = None
    jitter: Annotated[Text, Parameter(help="By which share of it a time to live is shortened at random.")] = None
    stale_while_revalidate: Annotated[Text, Parameter(help="How long after that it is still served while a new one is fetched.")] = None
    stale_if_error: Annotated[Text, Parameter(help="How long after that it is served when the system fails.")] = None
    stale_if_error_on: Annotated[Text, Parameter(help="Which failures count: timeout,unavailable,throttled.")] = None
    early_refresh: Annotated[Text, Parameter(help="How eagerly an entry is fetched again before its end; 0 never.")] = None
    max_bytes: Annotated[Text, Parameter(help="What all entries may weigh in one worker, such as 64MiB.")] = None
    max_entry_bytes: Annotated[Text, Parameter(help="What one entry may weigh.")] = None
    eviction: Annotated[Text, Parameter(help="Which entry leaves when there is no room: s3fifo, lru or lfu.")] = None
    sharing: Annotated[Text, Parameter(help="Who may share an answer: shared, purpose, caller or none; never wider than declared.")] = None
    max_keys: Annotated[Text, Parameter(help="How many keys one call carries.")] = None
    patience: Annotated[Text, Parameter(help="How long keys are gathered while the system is busy.")] = None
    quarantine: Annotated[Text, Parameter(help="How long a key that spoils calls is asked for alone.")] = None
    client_cache: Annotated[Text, Parameter(help="What clients are told about keeping answers: never, private or public.")] = None
    stale_share: Annotated[Text, Parameter(help="Which share of answers may be out of date, such as 1%.")] = None

    def changes(self) -> dict[str, Any]:
        """Return the knobs that were given, with their values."""
        given = {field.name: getattr(self, field.name) for field in fields(self) if getattr(self, field.name) is not None}
        return {knob: knob_value(knob, text) for name, text in given.items() for knob in [knob_named(name)]}


def listed(*, url: Url = GATEWAY, as_json: AsJson = False, settings: SettingsFile = DEFAULT_FILE) -> int:
    """List the batch functions with what their caches do (also without `list`)."""
    answer = AdminClient(url, settings).get("/caches")
    if as_json:
        return _printed(answer)
    found = msgspec.json.decode(answer, type=CacheStates)
    print_table(cache_table(found.caches))
    return _heard(found.silent)


cache.default(listed)
cache.command(listed, name="list")


@cache.command
def show(name: Name, *, url: Url = GATEWAY, as_json: AsJson = False, settings: SettingsFile = DEFAULT_FILE) -> int:
    """Show all knobs of a batch function: the value of each, and where it comes from."""
    answer = AdminClient(url, settings).get(_path(name))
    if as_json:
        return _printed(answer)
    print_table(knob_table(msgspec.json.decode(answer, type=CacheState)))
    return 0


@cache.command
def tune(
    name: Name,
    *,
    turns: Turns = Turns(),
    dry_run: Annotated[bool, Parameter(help="Only say what it would change.", negative=())] = False,
    url: Url = GATEWAY,
    as_json: AsJson = False,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Change knobs, and say what that is expected to do to hits, calls a day and out-of-date answers."""
    if not (changes := turns.changes()):
        raise SettingsWrong("expected at least one knob, such as --ttl 30m")
    answer = AdminClient(url, settings).send("PATCH", _path(name), {"changes": changes, "dry_run": dry_run})
    if as_json:
        return _printed(answer)
    tuned = msgspec.json.decode(answer, type=Tuned)
    print_table(turn_table(tuned))
    if tuned.prediction is not None:
        if tuned.prediction.enough_data:
            print_table(prediction_table(tuned.prediction))
        out.print(prediction_words(tuned.prediction))
    return _made(tuned)


@cache.command(name="set")
def set_knobs(
    name: Name,
    *knobs: Annotated[str, Parameter(name="KNOB=VALUE", help="Such as ttl=30m, max_bytes=64MiB, eviction=lru.")],
    url: Url = GATEWAY,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Change knobs at once, in all workers, with effect on entries that are there; a restart keeps the change."""
    changes = {}
    for given in knobs:
        knob, is_there, text = given.partition("=")
        if not is_there:
            raise SettingsWrong(f"{given}: expected KNOB=VALUE, such as ttl=30m")
        changes[knob_named(knob)] = knob_value(knob_named(knob), text)
    if not changes:
        raise SettingsWrong("expected at least one KNOB=VALUE, such as ttl=30m")
    order = {"changes": changes, "predicted": False}
    return _turned(AdminClient(url, settings).send("PATCH", _path(name), order))


@cache.command
def reset(
    name: Name,
    knob: Annotated[str | None, Parameter(help="One knob; without it all of them.")] = None,
    *,
    url: Url = GATEWAY,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Go back to what the settings file says, for one knob or for all."""
    path = _path(name) if knob is None else f"{_path(name)}/{quote(knob_named(knob), safe='')}"
    return _turned(AdminClient(url, settings).send("DELETE", path))


@cache.command
def purge(  # noqa: PLR0913 - each is an option of the command
    *,
    person: Annotated[
        Text, Parameter(help="Everything about this person, by personal id; - reads it from standard input.", allow_leading_hyphen=True)
    ] = None,
    batch: Annotated[Text, Parameter(help="Everything of this batch function.")] = None,
    key: Annotated[Text, Parameter(help="With --batch: this key alone; - reads it from standard input.", allow_leading_hyphen=True)] = None,
    system: Annotated[Text, Parameter(help="Everything of this system.")] = None,
    tag: Annotated[Text, Parameter(help="Everything under this tag.")] = None,
    url: Url = GATEWAY,
    as_json: AsJson = False,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Forget: what is confirmed is served nowhere one second later. Without a confirmation the exit code is 1."""
    given = {"person": person, "batch": batch, "key": key, "system": system, "tag": tag}
    order = {by: sys.stdin.readline().strip() if value == "-" else value for by, value in given.items() if value is not None}
    if order.keys() != {"batch", "key"} and (len(order) != 1 or key is not None):
        raise SettingsWrong("expected exactly one of --person, --batch (with or without --key), --system, --tag")
    answer = AdminClient(url, settings).send("POST", "/purge", order)
    report = msgspec.json.decode(answer, type=PurgeReport)
    if as_json:
        _printed(answer)
    else:
        out.print(purge_words(report))
    return 0 if report.confirmed else ERRORS


@cache.command
def whatif(
    name: Name,
    *,
    svg: Annotated[Path | None, Parameter(help="Write the curves to this file as SVG.")] = None,
    png: Annotated[Path | None, Parameter(help="Write the curves to this file as PNG.")] = None,
    url: Url = GATEWAY,
    as_json: AsJson = False,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Draw what other sizes and times to live would do, from what this gateway has been asked so far."""
    client = AdminClient(url, settings)
    answer = client.get(f"{_path(name)}/whatif")
    if as_json:
        return _printed(answer)
    found = msgspec.json.decode(answer, type=WhatIf)
    out.print(drawn_text(found.curves, found.knobs), markup=False)
    drawing = client.get(f"{_path(name)}/whatif?format=svg") if svg or png else b""
    if svg is not None:
        _written(svg, drawing)
    if png is not None:
        _written(png, png_of(drawing.decode()))
    return 0


def knob_named(name: str) -> str:
    """Find a knob by its name as people write it: with hyphens or underscores, with or without its unit."""
    knob = name.strip().replace("-", "_")
    return knob if knob in NAMES or f"{knob}_seconds" not in NAMES else f"{knob}_seconds"


def _path(name: str) -> str:
    return f"/caches/{quote(name, safe='')}"


def _printed(answer: bytes) -> int:
    sys.stdout.write(msgspec.json.format(answer).decode() + "\n")
    return 0


def _turned(answer: bytes) -> int:
    tuned = msgspec.json.decode(answer, type=Tuned)
    print_table(turn_table(tuned))
    return _made(tuned)


def _made(tuned: Tuned) -> int:
    out.print("Done, in all workers." if tuned.applied and not tuned.silent else "" if tuned.applied else "A dry run: nothing was changed.")
    return _heard(tuned.silent)


def _heard(silent: list[int]) -> int:
    if silent:
        err.print(f"[yellow]No answer from the worker{'s' if len(silent) > 1 else ''} with process id {', '.join(map(str, silent))}[/]")
    return ERRORS if silent else 0


def _written(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise SettingsWrong(f"{file}: cannot be written: {error}") from None
    err.print(f"{file} written")
