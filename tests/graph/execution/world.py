"""A world: data drawn from a seed, with failures, nulls, wrong kinds and slowness in it, the same for every engine that reads it.

Everything is a function of the seed and of where it stands, so two worlds of one seed hold the same, however they are read.
"""

import asyncio
import enum
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any, Final
from uuid import UUID

from graphql import GraphQLError, Undefined

from graph.loading.loaders import Loaders
from tests.lines import StandIn


class Trouble(Exception):
    """What goes wrong in a world."""


class Word(str):
    """A string of a class of its own."""

    __slots__ = ()


class Code(str):
    """A string that a scalar takes as it is."""

    __slots__ = ()


class Colour(enum.Enum):
    """An enum whose names differ from its values."""

    RED = "r"
    GREEN = 2
    BLUE = (1, 2)


class Other(enum.Enum):
    """An enum that the schema does not know."""

    RED = "r"


class Lump:
    """An object without attributes, which always looks the same."""

    def __repr__(self) -> str:
        return "a lump"


class Raised:
    """Stands for a value that is raised instead of returned."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Fresh:
    """Stands for a value that is made anew whenever it is read."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


ABSENT: Final = object()


@dataclass
class World(StandIn):
    """One world; `rate` is how often something in it is unusual, `slow` whether something may have to be waited for."""

    seed: int
    rate: float = 0.1
    slow: bool = False
    waited: bool = False
    log: list[str] = field(default_factory=list)

    def random(self, *place: object) -> Random:
        """Draw what stands at a place."""
        return Random("|".join(map(str, (self.seed, *place))))  # noqa: S311 - data of a test

    def is_odd(self, random: Random) -> bool:
        """Tell whether something unusual happens here."""
        return random.random() < self.rate

    async def tick(self, random: Random) -> None:
        """Let the event loop turn a few times."""
        self.waited = True
        for _ in range(random.randrange(4)):
            await asyncio.sleep(0)


@dataclass
class Context:
    """What a request carries: its loaders, and the world."""

    loaders: Loaders
    world: World


class Later:
    """A value that has to be waited for; unlike a coroutine it may be read without being awaited."""

    def __init__(self, world: World, random: Random, value: Any) -> None:
        self.world = world
        self.ticks = random.random()
        self.value = value

    def __await__(self) -> Generator[Any, None, Any]:
        return self._come().__await__()

    async def _come(self) -> Any:
        await self.world.tick(self.world.random(self.ticks))
        return taken(self.value)


def taken(value: Any) -> Any:
    """Read a drawn value as an attribute would be: raise what is to be raised, make what is made anew."""
    if isinstance(value, Raised):
        raise value.error
    return value.make() if isinstance(value, Fresh) else value


class Thing:
    """An object whose attributes are drawn when they are first read."""

    def __init__(self, world: World, key: str, kind: str) -> None:
        self.world = world
        self.key = key
        self.kind = kind

    def __repr__(self) -> str:
        return f"<{self.kind} {self.key}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in ATTRIBUTES:
            raise AttributeError(f"{self!r} has no {name}")
        found = drawn(self.world, f"{self.key}.{name}", ATTRIBUTES[name])
        if found is ABSENT:
            raise AttributeError(f"{self!r} lost its {name}")
        if not isinstance(found, Raised | Fresh):
            self.__dict__[name] = found
        return taken(found)


Draw = Callable[[World, str, Random], Any]


def drawn(world: World, place: str, draw: Draw) -> Any:
    """Draw a value for a place: mostly as `draw` says, sometimes an exception, a null, or one that comes later."""
    random = world.random(place)
    value = draw(world, place, random)
    if world.is_odd(random):
        value = random.choice(
            [
                None,
                None,
                Undefined,
                ABSENT,
                Trouble(f"at {place}"),
                Raised(Trouble(f"raised at {place}")),
                Raised(GraphQLError("of its own")),
                Lump(),
            ]
        )
    if world.slow and random.random() < max(0.08, world.rate) and value is not ABSENT:
        return Later(world, random, value)
    return value


def pick(usual: list[Any], odd: list[Any]) -> Draw:
    """Draw from usual values, or from odd ones."""

    def draw(world: World, _place: str, random: Random) -> Any:
        return random.choice(odd if world.is_odd(random) else usual)

    return draw


def thing(*kinds: str) -> Draw:
    """Draw an object of one of several kinds, or something that is no such object."""

    def draw(world: World, place: str, random: Random) -> Any:
        if world.is_odd(random):
            return random.choice([3, "text", {"name": "in a mapping"}, Lump(), [], Thing(world, place, "Nothing"), Other.RED])
        # Few keys, so that one object stands in many places.
        return Thing(world, f"{place[-2:]}{random.randrange(9)}", random.choice(kinds))

    return draw


def listed(item: Draw) -> Draw:
    """Draw a list: also as a tuple, an iterator, an asynchronous iterator, or something that is none."""

    def draw(world: World, place: str, random: Random) -> Any:
        count = random.choice([0, 1, 2, 2, 3])
        items = [drawn(world, f"{place}.{number}", item) for number in range(count)]
        items = [None if found is ABSENT else found for found in items]
        if world.is_odd(random):
            return random.choice([5, "text", {"a": 1}, Lump(), Fresh(lambda: broken_off(items)), True])
        form = random.randrange(8 if world.slow else 7)
        plain = [value for value in items if not isinstance(value, Raised | Fresh)]
        if form == 0:
            return Fresh(lambda: iter(plain))
        if form == 1:
            return Fresh(lambda: (taken(value) for value in items))
        if form == 7:
            return Fresh(lambda: later_each(world, random.random(), items))
        return tuple(plain) if form % 2 else plain

    return draw


def broken_off(items: list[Any]) -> Iterator[Any]:
    """Yield some items and break."""
    for value in items:
        yield taken(value)
    raise Trouble("the list broke off")


async def later_each(world: World, chance: float, items: list[Any]) -> AsyncIterator[Any]:
    """Yield items one after the other, each after a while."""
    random = world.random(chance)
    for value in items:
        await world.tick(random)
        yield taken(value)


NAN, INF = float("nan"), float("inf")
ODD_LEAVES: list[Any] = [
    True,
    7,
    3.0,
    2.5,
    NAN,
    INF,
    "12",
    "x",
    Word("w"),
    b"bytes",
    Decimal(4),
    [],
    ["a"],
    {},
    {"a": 1},
    Lump(),
    Colour.RED,
    2**31,
    2**70,
]
NUMBER = pick([0, 7, -5, 2**31 - 1, -(2**31)], ODD_LEAVES)
TEXT = pick(["", "a", "tiếng Việt", 'quote " and \n'], ODD_LEAVES)
FLAG = pick([True, False], ODD_LEAVES)
RATIO = pick([0.0, -1.5, 3.25], ODD_LEAVES)
CODE = pick([Code("c1"), Code("c2")], ODD_LEAVES)
NODE: Draw = thing("Sink")
PET: Draw = thing("Cat", "Dog", "Cat", "Dog", "Robot")

ATTRIBUTES: dict[str, Draw] = {
    "text": TEXT,
    "sure_text": TEXT,
    "name": TEXT,
    "number": NUMBER,
    "sure_number": NUMBER,
    "ratio": RATIO,
    "flag": FLAG,
    "ident": pick(["id1", "id2"], [5, *ODD_LEAVES]),
    "code": CODE,
    "sure_code": CODE,
    "picky": pick(["fine", "good"], ["bad", *ODD_LEAVES]),
    "colour": pick(list(Colour), [Other.RED, "r", "RED", 2, *ODD_LEAVES]),
    "sure_colour": pick(list(Colour), [Other.RED, "r", "RED", 2, *ODD_LEAVES]),
    "day": pick([date(2024, 2, 29), datetime(2020, 1, 1, tzinfo=UTC)], ODD_LEAVES),
    "amount": pick([Decimal("1.50"), Decimal(0)], ODD_LEAVES),
    "uuid": pick([UUID(int=5)], ODD_LEAVES),
    "json": pick([{"b": 1, "a": [None, 2]}, [1], "s", 3], ODD_LEAVES),
    "guarded": TEXT,
    "shouted": TEXT,
    "child": NODE,
    "sure_child": NODE,
    "sure_children": listed(NODE),
    "children": listed(NODE),
    "grid": listed(listed(NODE)),
    "sure_grid": listed(listed(NODE)),
    "numbers": listed(NUMBER),
    "sure_numbers": listed(NUMBER),
    "texts": listed(TEXT),
    "colours": listed(pick(list(Colour), ODD_LEAVES)),
    **{f"matrix{number}": listed(listed(NUMBER)) for number in range(8)},
    "cube": listed(listed(listed(NUMBER))),
    "pet": PET,
    "pets": listed(PET),
    "sure_pets": listed(PET),
    "named": PET,
    "nameds": listed(PET),
    "lives": NUMBER,
    "barks": FLAG,
    "model": TEXT,
    "row_key": pick([1, 2, 3, 4, 5, 6, 7, 8, 9], [None, 100, 101]),
    "row_keys": pick([[1, 2, 2, 3], [4, None, 5], (), [9]], [None, [100, 1], 7, "12"]),
}
