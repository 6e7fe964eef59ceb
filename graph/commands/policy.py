"""`motcua policy`: which fields of a query a consumer may read for a purpose, and by which rule."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import App, Parameter
from graphql import FieldNode, GraphQLError
from graphql.language import get_location

from graph.access.consumers import read_registry
from graph.access.coordinates import Coordinates
from graph.access.policy import Policy, Told
from graph.access.registry import Identity, Purpose, Registry
from graph.access.rights import META, Rights
from graph.app import load_schema
from graph.commands.terminal import ERRORS, SettingsFile, err
from graph.errors import SettingsWrong
from graph.execution.documents import Document
from graph.execution.explain import coordinate, planned, walk
from graph.execution.schema import FastSchema
from graph.gateway import shown
from graph.settings import DEFAULT_FILE, load_settings

policy = App(name="policy", help="Tell which fields of a query somebody may read for a purpose, and by which rule.")

# Headers are judged for each request; here they count as sent.
SENT: Final = Told("sent", "sent", "sent")


class Explained(msgspec.Struct, frozen=True, rename="camel"):
    """A field of a query: where it stands first, what was decided and why, and what is looked at in each record besides."""

    field: str
    line: int
    column: int
    state: str
    rule: str
    looked_at: tuple[str, ...] = ()


@policy.command
def explain(
    file: Annotated[Path, Parameter(help="A file with a query.")],
    *,
    consumer: Annotated[str | None, Parameter(help="For whom; without it, for somebody unknown.")] = None,
    purpose: Annotated[str | None, Parameter(help="For which purpose; without it, the consumer's usual one.")] = None,
    operation: Annotated[str | None, Parameter(help="Only this operation of the document.")] = None,
    as_json: Annotated[bool, Parameter(name="--json", help="Print it as JSON.", negative=())] = False,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Say of each field of a query whether it is given, given masked or refused, and by which rule."""
    found = load_settings(settings, secrets=False)
    schema = load_schema(found)
    core = schema.documents.schema
    registry = read_registry(found.beside(found.access.consumers), core, demo=found.is_sandboxed)
    rights = _rights(Policy(core, (), lambda: registry), registry, consumer, purpose)
    document = schema.documents.document(_text(file))
    for error in document.errors:
        err.print(f"[red]{file}:[/] {shown(error, '')['message']}")
    if document.errors:
        return ERRORS
    fields = list(explained(schema, document, rights, operation))
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(fields)).decode() + "\n")
    else:
        sys.stdout.write("".join(_line(file, each) for each in fields))
    counts = Counter(each.state for each in fields)
    err.print(f"{len(fields)} fields: {', '.join(f'{counts[state]} {state}' for state in ('allowed', 'masked', 'refused'))}")
    return ERRORS if counts["refused"] else 0


def explained(schema: FastSchema, document: Document, rights: Rights, operation: str | None) -> Iterator[Explained]:
    """Explain each field of a document once, in the order in which they stand there; under a refused field those that it would hold."""
    known = Coordinates(schema.documents.schema)
    nodes = _nodes(schema, document, operation)
    for name, node in sorted(nodes.items(), key=lambda pair: _place(pair[1])):
        parent, _, field = name.partition(".")
        ruling = rights.ruling(parent, field)
        personal = not field.startswith(META) and not parent.startswith(META) and known.is_personal(name)
        rules = _looked_at(rights.purpose, has_mask=known.has_mask(name)) if personal and ruling.error is None else ()
        rule = ruling.rule if ruling.error is None else f"{ruling.error.message} ({ruling.rule})"
        yield Explained(name, *_place(node), ruling.state, rule, tuple(rules))


def _nodes(schema: FastSchema, document: Document, operation: str | None) -> dict[str, FieldNode]:
    """Find where each field of the chosen operations stands first."""
    chosen = list(document.operations.values())
    if operation is not None:
        one = document.operation(operation)
        if isinstance(one, GraphQLError):
            raise SettingsWrong(f"--operation: {operation}: expected an operation of the document")
        chosen = [one]
    found: dict[str, FieldNode] = {}
    for each in chosen:
        plan, variables, _ = planned(schema, document, each, None)
        for step in walk(plan, variables):
            if step.found.kind != "typename":
                found.setdefault(coordinate(step.found), step.found.nodes[0])
    return found


def _looked_at(purpose: Purpose | None, *, has_mask: bool) -> Iterator[str]:
    """Say what decides about each record of a person."""
    if purpose is None:
        return
    if purpose.consent:
        yield "the person's consent"
    if purpose.min_age:
        yield f"an age from {purpose.min_age} on"
    if purpose.protected in {"refuse", "absent"} or (purpose.protected == "mask" and has_mask):
        yield f"protection: {purpose.protected}"


def _rights(policy: Policy, registry: Registry, consumer: str | None, purpose: str | None) -> Rights:
    if consumer is None:
        return policy.rights(None, None, SENT)
    found = registry.consumers.get(consumer)
    if found is None:
        raise SettingsWrong(f"There is no consumer {consumer}")
    return policy.rights(Identity(found, "key", found.scopes, float("inf")), purpose, SENT)


def _line(file: Path, found: Explained) -> str:
    besides = f"; looked at in each record: {', '.join(found.looked_at)}" if found.looked_at else ""
    return f"{file}:{found.line}:{found.column} {found.state} {found.field}: {found.rule}{besides}\n"


def _place(node: FieldNode) -> tuple[int, int]:
    if node.loc is None:
        return 1, 1
    place = get_location(node.loc.source, node.loc.start)
    return place.line, place.column


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsWrong(f"{file}: cannot be read: {error}") from None
