"""Lint: what in a schema or in a query will cost many calls, give endless lists, or put personal data where it does not belong."""

import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from graphql import (
    DocumentNode,
    GraphQLAbstractType,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLUnionType,
    Node,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_specified_scalar_type,
    visit,
)
from graphql.language import SKIP, VisitorAction, get_location
from strawberry.types.field import StrawberryField

from graph.access.directives import Personal
from graph.access.marks import Marks, marks_of
from graph.access.rights import GUARDS
from graph.execution.explain import Step, coordinate, planned, walk
from graph.execution.plan import DEFINITION
from graph.execution.schema import FastSchema
from graph.gateway import shown
from graph.loading.batch import Batch
from graph.loading.link import Link

Severity = Literal["error", "warning", "info"]
BOUNDS = frozenset({"first", "last", "limit"})
HARMLESS = frozenset({"Int", "Float", "Boolean"})
MOST_NAMED = 3


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that was found, and where."""

    file: str
    line: int
    column: int
    code: str
    message: str
    severity: Severity

    def __str__(self) -> str:
        """Write it on one line, as compilers do."""
        return f"{self.file}:{self.line}:{self.column} {self.severity} {self.code} {self.message}"


@dataclass(frozen=True)
class _Place:
    """A field of the schema; `listed` where it can be reached through a list."""

    parent: GraphQLObjectType
    name: str
    field: GraphQLField
    listed: bool

    @property
    def coordinate(self) -> str:
        return f"{self.parent.name}.{self.name}"

    @property
    def strawberry(self) -> StrawberryField | None:
        found = self.field.extensions.get(DEFINITION)
        return found if isinstance(found, StrawberryField) else None

    @property
    def link(self) -> Link | None:
        found = self.strawberry.metadata.get("link") if self.strawberry is not None else None
        return found if isinstance(found, Link) else None

    def finding(self, severity: Severity, code: str, message: str) -> Finding:
        file, line, column = _declared(self.parent, self.strawberry)
        return Finding(file, line, column, code, f"{self.coordinate}: {message}", severity)


# ── the schema ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def lint_schema(schema: FastSchema) -> list[Finding]:
    """Find what is doubtful in a schema, whatever is asked of it."""
    places = list(_reachable(schema))
    by_field = {place.coordinate: place for place in sorted(places, key=lambda place: place.listed)}  # the listed one wins
    marks = marks_of(schema.documents.schema)
    found = [*_unbatched(by_field.values()), *_undescribed_types(places), *_guards_of_nobody(schema, marks), *_nobodys(places, marks)]
    for place in by_field.values():
        found += _about_field(place)
        found += _about_length(place, marks)
    return sorted(set(found))


def _reachable(schema: FastSchema) -> Iterator[_Place]:
    """Walk from the root types; a field that can be reached with and without a list above it comes twice."""
    core = schema.documents.schema
    waiting: list[tuple[Any, bool]] = [(root, False) for root in (core.query_type, core.mutation_type, core.subscription_type) if root]
    seen = set(waiting)
    while waiting:
        kind, listed = waiting.pop()
        for name, field in kind.fields.items():
            yield _Place(kind, name, field, listed)
            inner = get_named_type(field.type)
            below = listed or _is_list(field.type)
            kinds = core.get_possible_types(inner) if isinstance(inner, GraphQLAbstractType) else [inner]
            new = {(each, below) for each in kinds if isinstance(each, GraphQLObjectType)} - seen
            seen |= new
            waiting += sorted(new, key=lambda pair: pair[0].name)


def _about_field(place: _Place) -> Iterator[Finding]:
    field, link = place.field, place.link
    if not field.description:
        yield place.finding("warning", "no-description", "has no description")
    for name, argument in field.args.items():
        if not argument.description:
            yield place.finding("warning", "no-description", f"its argument {name} has no description")
    if link is None:
        if place.listed and place.strawberry is not None and place.strawberry.base_resolver is not None and place.strawberry.is_async:
            yield place.finding("warning", "unbatched", "a resolver that waits is called for each item of a list; expected a link")
        return
    item = field.type.of_type if link.each and isinstance(field.type, GraphQLList) else None
    if isinstance(field.type, GraphQLNonNull) or isinstance(item, GraphQLNonNull):
        trouble = f"must be nullable, or a failure of {link.batch.system.name} takes what stands above it away, too"
        yield place.finding("error", "nonnull-link", trouble)
    if link.each and link.at_most is None and any(_is_list(argument.type) for argument in field.args.values()):
        yield place.finding("warning", "unbounded-list", "nothing bounds how many keys a caller may list; link_each takes at_most")


def _about_length(place: _Place, marks: Marks) -> Iterator[Finding]:
    """Say where nobody can tell how long a list may be, so that no query for it can be weighed."""
    link = place.link
    if not _is_list(place.field.type) or BOUNDS & place.field.args.keys() or marks.list_size(place.coordinate) is not None:
        return
    if link is None or (link.each and not any(_is_list(argument.type) for argument in place.field.args.values())):
        yield place.finding("warning", "unbounded-list", "nothing says how long it may be; expected @listSize")
    elif link.batch.many and not link.each:
        yield place.finding("warning", "unbounded-list", f"nothing bounds how many records {link.batch.name} gives for a key")


def _guards_of_nobody(schema: FastSchema, marks: Marks) -> Iterator[Finding]:
    """Refuse rules on interfaces: rights are decided about the fields of objects, so nobody would look at them."""
    for kind in schema.documents.schema.type_map.values():
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            fields = kind.fields if isinstance(kind, GraphQLInterfaceType) else ()
            guarded = [kind.name, *(f"{kind.name}.{name}" for name in fields)]
            for where in guarded:
                if any(isinstance(mark, GUARDS) for mark in (*marks.of_type(where), *marks.of_field(where))):
                    file, line, column = _declared(kind, None)
                    message = f"{where}: who may read it is decided by the object types; expected the directive there"
                    yield Finding(file, line, column, "guarded-interface", message, "error")


def _nobodys(places: list[_Place], marks: Marks) -> Iterator[Finding]:
    """Say where records that systems send are personal and do not say about whom, nor hold anything that does."""
    for place in places:
        inner = get_named_type(place.field.type)
        if place.link is None or not isinstance(inner, GraphQLObjectType):
            continue
        if any(isinstance(mark, Personal) for mark in marks.of_type(inner.name)) and not _has_subject(inner, place.parent, marks):
            file, line, column = _declared(inner, None)
            yield Finding(file, line, column, "no-subject", f"{inner.name}: is personal and names nobody; expected @subject", "warning")


def _has_subject(kind: GraphQLObjectType, parent: GraphQLObjectType, marks: Marks) -> bool:
    """Tell whether a record, what stands inside it, or the only record that leads to it says about whom it is."""
    inside = [get_named_type(field.type).name for field in kind.fields.values()]
    return any(marks.subject(name) is not None for name in (kind.name, parent.name, *inside))


def _unbatched(places: Iterable[_Place]) -> Iterator[Finding]:
    """Say once for each batch function that takes one key a call where that multiplies calls. It is declared, so it is information."""
    fields: dict[Batch[Any, Any], list[str]] = {}
    for place in places:
        if (link := place.link) is not None and link.batch.max_keys == 1 and (place.listed or link.each):
            fields.setdefault(link.batch, []).append(place.coordinate)
    for batch, names in fields.items():
        code = getattr(batch.fetch, "__code__", None)
        line = 1 if code is None else code.co_firstlineno
        listed = ", ".join(sorted(names)[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
        message = f"{batch.name} takes one key a call, so under a list each item costs a call: {listed}"
        yield Finding("" if code is None else _relative(code.co_filename), line, 1, "unbatched", message, "info")


def _undescribed_types(places: list[_Place]) -> Iterator[Finding]:
    for place in places:
        if not place.parent.description:
            file, line, column = _declared(place.parent, None)
            yield Finding(file, line, column, "no-description", f"{place.parent.name}: has no description", "warning")


def _declared(kind: GraphQLNamedType, field: StrawberryField | None) -> tuple[str, int, int]:
    """Find where a type, or a field in it, is declared; the file's beginning where that cannot be told."""
    origin: Any = getattr(kind.extensions.get(DEFINITION), "origin", None)
    if field is not None and isinstance(field.origin, type):
        origin = field.origin
    try:
        file = _relative(inspect.getsourcefile(origin) or "")
        lines, first = inspect.getsourcelines(origin)
    except (TypeError, OSError):
        return "schema", 1, 1
    if field is not None:
        for number, line in enumerate(lines):
            if found := re.match(rf"\s+(?:async def |def )?(?={re.escape(field.python_name)}\b\s*[:(=])", line):
                return file, first + number, found.end() + 1
    return file, first, 1


def _relative(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def _is_list(kind: Any) -> bool:
    while isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    return isinstance(kind, GraphQLList)


# ── documents ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def lint_document(schema: FastSchema, file: str, text: str) -> list[Finding]:
    """Find what is wrong or doubtful in a document with queries."""
    document = schema.documents.document(text)
    if document.errors or document.node is None:
        return [_invalid(file, error) for error in document.errors]
    found, marks = set(_literals(schema, file, document.node)), marks_of(schema.documents.schema)
    for operation in document.operations.values():
        plan, variables, _ = planned(schema, document, operation, None)
        for step in walk(plan, variables):
            found |= set(_about_step(file, step, marks))
    return sorted(found)


def _invalid(file: str, error: GraphQLError) -> Finding:
    line, column = (error.locations[0].line, error.locations[0].column) if error.locations else (1, 1)
    return Finding(file, line, column, "invalid", str(shown(error, "")["message"]), "error")


def _about_step(file: str, step: Step, marks: Marks) -> Iterator[Finding]:
    link = step.found.link
    if link is None or step.free:
        return
    if link.batch.max_keys == 1 and (step.listed or link.each):
        message = f"{step.path}: one call for each item, because {link.batch.name} takes one key a call"
        yield _at(file, step.found.nodes[0], "warning", "unbatched", message)
    bounded = BOUNDS & step.found.definition.args.keys() or marks.list_size(coordinate(step.found)) is not None
    if link.batch.many and not link.each and not bounded:
        many = ", and it stands under a list itself" if step.listed else ""
        message = f"{step.path}: nothing bounds {coordinate(step.found)}{many}"
        yield _at(file, step.found.nodes[0], "warning" if step.listed else "info", "unbounded-list", message)


def _at(file: str, node: Node, severity: Severity, code: str, message: str) -> Finding:
    if node.loc is None:
        return Finding(file, 1, 1, code, message, severity)
    place = get_location(node.loc.source, node.loc.start)
    return Finding(file, place.line, place.column, code, message, severity)


def _literals(schema: FastSchema, file: str, document: DocumentNode) -> list[Finding]:
    types = TypeInfo(schema.documents.schema)
    visitor = _Literals(types, file)
    visit(document, TypeInfoVisitor(types, visitor))
    return visitor.found


class _Literals(Visitor):
    """Looks for values in a document that belong in its variables."""

    def __init__(self, types: TypeInfo, file: str) -> None:
        super().__init__()
        self.types = types
        self.file = file
        self.found: list[Finding] = []

    def enter_variable_definition(self, *_: Any) -> VisitorAction:
        """Pass over default values: they are examples."""
        return SKIP

    def enter_string_value(self, node: Node, *_: Any) -> None:
        self._look(node)

    def enter_int_value(self, node: Node, *_: Any) -> None:
        self._look(node)

    def _look(self, node: Node) -> None:
        kind: GraphQLOutputType | Any = self.types.get_input_type()
        named = get_named_type(kind) if kind is not None else None
        if not isinstance(named, GraphQLScalarType) or named.name in HARMLESS:
            return
        argument = self.types.get_argument()
        name = next((name for name, known in self._arguments().items() if known is argument), "an argument")
        what = "text" if is_specified_scalar_type(named) else f"a {named.name}"
        message = f"{name}: {what} stands in the query itself; expected a variable, because queries are kept and logged, variables are not"
        self.found.append(_at(self.file, node, "warning", "literal", message))

    def _arguments(self) -> dict[str, Any]:
        directive, field = self.types.get_directive(), self.types.get_field_def()
        return directive.args if directive is not None else field.args if field is not None else {}
