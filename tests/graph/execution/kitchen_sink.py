"""A schema with everything in it, over a world that is drawn."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, NewType
from uuid import UUID

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from graph.seam import FastSchema, link, link_each
from tests.graph.execution.rows import by_id, by_ids, group, listed_keys, row_by_id, rows_by_group, sure_row_by_id, wanted
from tests.graph.execution.world import (
    ABSENT,
    FLAG,
    NODE,
    NUMBER,
    PET,
    TEXT,
    Code,
    Colour,
    Context,
    Draw,
    Trouble,
    drawn,
    listed,
    taken,
)

Picky = NewType("Picky", str)
Info = strawberry.Info[Context, None]


def picked(value: Any) -> str:
    """Serialise a picky value; many are refused."""
    if value == "bad" or not isinstance(value, str):
        raise Trouble(f"{type(value).__name__} is not fine")
    return value.upper()


SCALARS: dict[object, Any] = {
    Picky: strawberry.scalar(name="Picky", serialize=picked, parse_value=picked),
    Code: strawberry.scalar(name="Code", serialize=str, parse_value=Code),
}


@strawberry.type
class Inner:
    """A part of a row."""

    note: str
    number: int | None


@strawberry.type
class Row:
    """What links lead to."""

    id: int
    name: str
    size: int | None
    hue: Colour | None
    inner: Inner | None
    inners: list[Inner]
    parent: "Row | None" = link(row_by_id, key="parent_id", description="")
    sure_parent: "Row | None" = link(sure_row_by_id, key="parent_id", description="", proves="id")
    children: "list[Row | None] | None" = link_each(row_by_id, keys="child_ids", description="")
    group: "list[Row] | None" = link(rows_by_group, key=group, description="")

    @strawberry.field
    def where(self, info: Info) -> str:
        """Tell where this is."""
        return place(info)


# ── hand-written fields ──────────────────────────────────────────────────────────────────────────────────────────────────────


def place(info: Info) -> str:
    """Say all that a resolver is told of where it is."""
    raw = info._raw_info
    nodes = [node.name.value for node in raw.field_nodes]
    given: Any = raw.variable_values
    variables = sorted(given.items(), key=lambda pair: pair[0])
    around = f"{sorted(raw.fragments)} {raw.operation.operation}"
    return f"{raw.path.as_list()} {raw.parent_type} {raw.return_type} {raw.field_name} {nodes} {variables} {around}"


def fate(info: Info, draw: Draw) -> Any:
    """Draw what a resolver returns, by its place in the answer."""
    value = drawn(info.context.world, f"fate {info.path.as_list()}", draw)
    return None if value is ABSENT else taken(value)


async def late_fate(info: Info, draw: Draw) -> Any:
    """Draw it, after a while."""
    world = info.context.world
    await world.tick(world.random("late", info.path.as_list()))
    return fate(info, draw)


class Allowed(BasePermission):
    """Decides at once."""

    message = "not allowed"

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:  # noqa: ARG002 - the signature is Strawberry's
        world = info.context.world
        return not world.is_odd(world.random("allowed", info.path.as_list()))


class AllowedLater(BasePermission):
    """Decides after a while."""

    message = "not allowed, as was found later"

    async def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:  # noqa: ARG002 - the signature is Strawberry's
        world = info.context.world
        random = world.random("allowed later", info.path.as_list())
        await world.tick(random)
        return not world.is_odd(random)


def only_if(permission: type[BasePermission]) -> Callable[[Callable[..., Any]], Any]:
    """Declare a resolver that a permission guards."""
    return lambda resolver: strawberry.field(resolver=resolver, permission_classes=[permission])


class Shouting(FieldExtension):
    """Makes a text loud."""

    def resolve(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        value = next_(source, info, **kwargs)
        return value.upper() if isinstance(value, str) else value


@strawberry.input
class Point:
    """An input with defaults, nested in itself."""

    x: int = 1
    y: float | None = None
    hue: Colour = Colour.RED
    more: "list[Point] | None" = strawberry.UNSET


@strawberry.input(one_of=True)
class Choice:
    """Exactly one of two."""

    number: strawberry.Maybe[int]
    text: strawberry.Maybe[str]


@strawberry.interface
class Named:
    """What has a name."""

    name: str

    @strawberry.field
    def label(self, info: Info) -> str | None:
        """Name a place."""
        return place(info)


class OfKind:
    """Tells by the kind of a thing whether it is of a type."""

    @classmethod
    def is_type_of(cls, value: Any, info: Any) -> bool:
        world = info.context.world
        if getattr(value, "kind", None) == "Nothing" and world.is_odd(world.random("kind", value.key)):
            raise Trouble("cannot tell its kind")
        return getattr(value, "kind", None) == cls.__name__


@strawberry.type
class Cat(OfKind, Named):
    """An animal with lives."""

    lives: int
    child: "Sink | None"

    @strawberry.field
    def friend(self, info: Info) -> Named | None:
        """Find another."""
        return fate(info, PET)  # type: ignore[no-any-return]


@strawberry.type
class Dog(OfKind, Named):
    """An animal that barks."""

    barks: bool | None
    name: str
    pets: "list[Named | None] | None"

    @strawberry.field
    async def chases(self, info: Info) -> Cat | None:
        """Find a cat, after a while."""
        return await late_fate(info, PET)  # type: ignore[no-any-return]


@strawberry.type
class Robot(OfKind):
    """No animal."""

    model: str | None
    number: int


Pet = Annotated[Cat | Dog | Robot, strawberry.union("Pet")]


MATRICES = (
    list[list[int]],
    list[list[int | None]],
    list[list[int] | None],
    list[list[int | None] | None],
    list[list[int]] | None,
    list[list[int | None]] | None,
    list[list[int] | None] | None,
    list[list[int | None] | None] | None,
)


@strawberry.type
class Everything:
    """An object that has everything."""

    text: str | None
    sure_text: str
    number: int | None
    sure_number: int
    ratio: float | None
    flag: bool | None
    ident: strawberry.ID | None
    code: Code | None
    sure_code: Code
    picky: Picky | None
    colour: Colour | None
    sure_colour: Colour
    day: date | None
    amount: Decimal | None
    uuid: UUID | None
    json: JSON | None
    child: "Sink | None"
    sure_child: "Sink"
    children: "list[Sink | None] | None"
    sure_children: "list[Sink]"
    grid: "list[list[Sink | None] | None] | None"
    sure_grid: "list[list[Sink]]"
    numbers: list[int | None] | None
    sure_numbers: list[int]
    texts: list[str] | None
    colours: list[Colour | None] | None
    matrix0: MATRICES[0]  # type: ignore[valid-type]  # the variants are computed
    matrix1: MATRICES[1]  # type: ignore[valid-type]
    matrix2: MATRICES[2]  # type: ignore[valid-type]
    matrix3: MATRICES[3]  # type: ignore[valid-type]
    matrix4: MATRICES[4]  # type: ignore[valid-type]
    matrix5: MATRICES[5]  # type: ignore[valid-type]
    matrix6: MATRICES[6]  # type: ignore[valid-type]
    matrix7: MATRICES[7]  # type: ignore[valid-type]
    cube: list[list[list[int] | None]] | None
    pet: Pet | None
    pets: list[Pet | None] | None
    sure_pets: list[Pet]
    named: Named | None
    nameds: list[Named | None] | None
    guarded: str | None = strawberry.field(permission_classes=[Allowed])
    shouted: str | None = strawberry.field(extensions=[Shouting()])

    row: Row | None = link(row_by_id, key=wanted, description="")
    sure_row: Row | None = link(sure_row_by_id, key=wanted, description="", proves="id")
    rows: list[Row | None] | None = link_each(row_by_id, keys=listed_keys, description="")
    row_by_id: Row | None = link(row_by_id, key=by_id, description="")
    rows_by_ids: list[Row | None] | None = link_each(sure_row_by_id, keys=by_ids, description="")
    group: list[Row] | None = link(rows_by_group, key=group, description="")

    @strawberry.field
    def where(self, info: Info) -> str:
        """Tell where this is."""
        return place(info)

    @strawberry.field
    async def late_where(self, info: Info) -> str:
        """Tell where this is, after a while."""
        world = info.context.world
        await world.tick(world.random(info.path.as_list()))
        return place(info)

    @strawberry.field
    def fated(self, info: Info) -> str:
        """Return a text, which must be there."""
        return fate(info, TEXT)  # type: ignore[no-any-return]

    @only_if(Allowed)
    def allowed(self, info: Info) -> int | None:
        """Return a number to some."""
        return fate(info, NUMBER)  # type: ignore[no-any-return]

    @only_if(AllowedLater)
    async def allowed_later(self, info: Info) -> bool:
        """Return a flag to some, after a while."""
        return await late_fate(info, FLAG)  # type: ignore[no-any-return]

    @strawberry.field
    def met(self, info: Info) -> "Sink | None":
        """Return an object."""
        return fate(info, NODE)  # type: ignore[no-any-return]

    @strawberry.field
    async def met_later(self, info: Info) -> "Sink":
        """Return an object that must be there, after a while."""
        return await late_fate(info, NODE)  # type: ignore[no-any-return]

    @strawberry.field
    def many(self, info: Info, first: int = 2) -> "list[Sink | None] | None":
        """Return objects."""
        listing = fate(info, listed(NODE))
        return listing[:first] if isinstance(listing, list) and first >= 0 else listing

    @strawberry.field
    async def many_later(self, info: Info) -> list[Pet]:
        """Return animals, after a while."""
        return await late_fate(info, listed(PET))  # type: ignore[no-any-return]

    @strawberry.field
    def echo(
        self,
        number: int = 3,
        texts: list[str | None] | None = None,
        point: Point | None = None,
        points: list[Point] = strawberry.UNSET,
        choice: Choice | None = None,
        hue: Colour = Colour.GREEN,
        code: Code | None = strawberry.UNSET,
        ident: strawberry.ID | None = None,
        ratio: float = 0.5,
    ) -> str:
        """Say what was given."""
        return repr((number, texts, point, points, choice, hue, code, ident, ratio))

    @strawberry.field
    def picky_echo(self, picky: Picky) -> Picky | None:
        """Say what was given, if it is fine."""
        return picky


@strawberry.type
class Sink(Everything):
    """An object below the root."""


@strawberry.type
class Query(Everything):
    """The root."""


async def _written(info: Info, name: str, draw: Draw) -> Any:
    """Write down that a change began and ended."""
    world = info.context.world
    world.log.append(f"{name} {info.path.as_list()} begins")
    await world.tick(world.random(name, info.path.as_list()))
    world.log.append(f"{name} {info.path.as_list()} ends")
    return fate(info, draw)


@strawberry.type
class Mutation:
    """Changes, one after the other."""

    @strawberry.mutation
    async def change(self, info: Info, name: str = "x") -> Sink | None:
        """Change something, after a while."""
        return await _written(info, f"change {name}", NODE)  # type: ignore[no-any-return]

    @strawberry.mutation
    async def surely(self, info: Info) -> int:
        """Change something; the result must be there."""
        return await _written(info, "surely", NUMBER)  # type: ignore[no-any-return]

    @strawberry.mutation
    def at_once(self, info: Info, choice: Choice | None = None) -> list[Sink] | None:
        """Change something at once."""
        info.context.world.log.append(f"at once {info.path.as_list()} {choice}")
        return fate(info, listed(NODE))  # type: ignore[no-any-return]

    row: Row | None = link(row_by_id, key=by_id, description="")


def kitchen_sink() -> FastSchema:
    """Make the schema."""
    return FastSchema(Query, Mutation, config=StrawberryConfig(scalar_map=SCALARS))
