"""Rights: which fields one consumer may read for one purpose, in full or masked, and by which rule it is so."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Literal, NamedTuple

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, get_named_type

from graph.access import directives
from graph.access.directives import Directive
from graph.access.marks import Marks
from graph.access.registry import Consumer, Purpose
from graph.errors import ForbiddenField
from graph.execution.permits import Permits
from graph.loading.batch import Batch
from graph.loading.screening import Screen

META: Final = "__"
GUARDS: Final = (directives.Authenticated, directives.RequiresScopes, directives.Policy, directives.PurposeIn, directives.Personal)

Screens = Mapping[Batch[Any, Any], Screen]


class Ruling(NamedTuple):
    """What was decided about a field, the rule that decided it in words, and what is said in its place where it is refused."""

    state: Literal["allowed", "masked", "refused"]
    rule: str
    error: ForbiddenField | None = None


class Guards:
    """The directives that decide about each field: on its type, on itself, and on the type that it gives, in this order."""

    def __init__(self, schema: GraphQLSchema, marks: Marks) -> None:
        """Read what stands on types and fields; what a field needs is put together when it is first asked for."""
        self.marks = marks
        self._schema = schema
        self._known: dict[str, tuple[Directive, ...]] = {}

    def of(self, coordinate: str) -> tuple[Directive, ...]:
        """Return what has to hold for a field."""
        found = self._known.get(coordinate)
        if found is None:
            found = self._known[coordinate] = tuple(mark for mark in self._about(coordinate) if isinstance(mark, GUARDS))
        return found

    def _about(self, coordinate: str) -> tuple[Directive, ...]:
        parent, _, name = coordinate.partition(".")
        kind = self._schema.type_map.get(parent)
        field = kind.fields.get(name) if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) else None
        given = () if field is None else self.marks.of_type(get_named_type(field.type).name)
        return (*self.marks.of_type(parent), *self.marks.of_field(coordinate), *given)


class Rights(Permits):
    """What may be read for a purpose; without a consumer, what is open to everybody. Compared by identity.

    `until` is when the purpose is over for the consumer, in seconds since 1970.
    """

    __slots__ = ("_all_screens", "_guards", "_open", "_ruled", "_screens", "consumer", "explorer", "purpose", "scopes", "until")

    def __init__(  # noqa: PLR0913 - what a right stands on
        self, guards: Guards, consumer: Consumer | None = None, purpose: Purpose | None = None, *,
        scopes: frozenset[str] = frozenset(), readable: frozenset[str] = frozenset(), until: float = float("inf"),
        screens: Callable[[Collection[str] | None], Screens] | None = None,
    ) -> None:  # fmt: skip
        """Take who asks and what for; `readable` is what everybody may read, and counts only where there is no purpose."""
        self.consumer = consumer
        self.purpose = purpose
        self.scopes = scopes
        self.explorer = consumer is not None and consumer.explorer
        self.until = until
        self._guards = guards
        self._open = readable
        self._screens = screens
        self._all_screens: Screens | None = None
        self._ruled: dict[tuple[str, str], Ruling] = {}

    def refusal(self, parent: str, field: str) -> ForbiddenField | None:
        """Say why a field may not be read; None where it may, be it masked."""
        return self.ruling(parent, field).error

    def ruling(self, parent: str, field: str) -> Ruling:
        """Decide about a field, once."""
        found = self._ruled.get((parent, field))
        if found is None:
            found = self._ruled[parent, field] = self._rule(parent, field)
        return found

    def screens(self, coordinates: Collection[str] | None) -> Screens:
        """Return what looks at records, where these fields are read; None stands for any."""
        if self._screens is None:
            return {}
        if coordinates is not None:
            return self._screens(coordinates)
        if self._all_screens is None:
            self._all_screens = self._screens(None)
        return self._all_screens

    def _rule(self, parent: str, field: str) -> Ruling:
        if field == "__typename":
            return Ruling("allowed", "the name of a type says nothing")
        if field.startswith(META) or parent.startswith(META):
            return self._about_the_schema()
        coordinate = f"{parent}.{field}"
        covered = self._covered(coordinate)
        if covered.error is not None:
            return covered
        broken = next((mark for mark in self._guards.of(coordinate) if not self._holds(mark)), None)
        if broken is None:
            return covered
        return _refused(f"{coordinate} may be read only where {worded(broken)} holds", worded(broken))

    def _about_the_schema(self) -> Ruling:
        if self.explorer:
            return Ruling("allowed", "an explorer may look at the schema")
        return _refused("Only explorers may look at the schema", "explorer")

    def _covered(self, coordinate: str) -> Ruling:
        """Tell whether a purpose covers a field, or everybody may read it."""
        purpose = self.purpose
        if purpose is None:
            if coordinate in self._open:
                return Ruling("allowed", "open to everybody")
            return _refused(f"{coordinate} is not open to everybody; say who asks by X-API-Key, an access token or a certificate", "open")
        if coordinate in purpose.fields:
            return Ruling("allowed", f"the purpose {purpose.name} covers it ({purpose.ground})")
        # Nobody has laid down how a field without a mask looks masked, so it is not given at all.
        if coordinate in purpose.masked and self._guards.marks.mask(coordinate) is not None:
            return Ruling("masked", f"the purpose {purpose.name} covers it masked ({purpose.ground})")
        return _refused(f"The purpose {purpose.name} does not cover {coordinate}", purpose.ground)

    def _holds(self, mark: Directive) -> bool:
        match mark:
            case directives.RequiresScopes():
                return any(self.scopes.issuperset(together) for together in mark.scopes)
            case directives.Policy():
                held = frozenset() if self.consumer is None else self.consumer.policies
                return any(held.issuperset(together) for together in mark.policies)
            case directives.PurposeIn():
                return self.purpose is not None and self.purpose.name in mark.purposes
            case _:
                return self.consumer is not None


def worded(mark: Directive) -> str:
    """Write a directive that decides about a field as it stands in the schema."""
    match mark:
        case directives.RequiresScopes():
            return f"@requiresScopes(scopes: {_listed(mark.scopes)})"
        case directives.Policy():
            return f"@policy(policies: {_listed(mark.policies)})"
        case directives.PurposeIn():
            return f"@purpose(in: {_listed(mark.purposes)})"
        case directives.Personal():
            return f"@personal(class: {mark.class_.name})"
        case _:
            return "@authenticated"


def _listed(value: str | list[str] | list[list[str]]) -> str:
    return f'"{value}"' if isinstance(value, str) else f"[{', '.join(map(_listed, value))}]"


def _refused(message: str, rule: str) -> Ruling:
    return Ruling("refused", rule, ForbiddenField(message, ground=rule))
