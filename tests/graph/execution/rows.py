"""The rows behind the links of the kitchen sink: records, batch functions, and the keys that lead to them."""

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry

from graph.loading.cache import ResolverCache
from graph.loading.loaders import Loaders, Sources
from graph.seam import Record, System, Upstream, batch_many, batch_one, wire
from graph.settings import BatchSettings
from tests.graph.execution.world import ABSENT, NUMBER, TEXT, Colour, Context, Draw, Raised, Thing, Trouble, World, drawn
from tests.lines import lines

MEMORY = System("memory", title="A world", owner="A test", protocol="none")
strawberry.enum(Colour, name="Hue")


class InnerRecord(Record):
    """A part of a record."""

    note: str = wire("note")
    number: int | None = wire("number")


class RowRecord(Record):
    """What the memory knows under a key; a world may put anything into it."""

    id: int = wire("id")
    name: str = wire("name")
    size: int | None = wire("size")
    hue: str | None = wire("hue")
    inner: InnerRecord | None = wire("inner")
    inners: tuple[InnerRecord, ...] = wire("inners")
    parent_id: int | None = wire("parent")
    child_ids: tuple[int, ...] | None = wire("children")


def found(world: World, place: str, draw: Draw) -> Any:
    """Draw an attribute of a record, which is there and not raised."""
    value = drawn(world, place, draw)
    return None if value is ABSENT or isinstance(value, Raised) else value


def row(world: World, key: int) -> RowRecord:
    """Draw the record of a key."""
    random = world.random("row", key)

    def inner(number: int) -> Any:
        place = f"row{key}.inner{number}"
        return InnerRecord(note=found(world, f"{place}.note", TEXT), number=found(world, f"{place}.number", NUMBER))

    hue: Any = random.choice(list(Colour)) if not world.is_odd(random) else "r"
    families: list[Any] = [None, (), (1, 2, 2), (3, None), (key, 9)]
    return RowRecord(
        id=key,
        name=found(world, f"row{key}.name", TEXT),
        size=found(world, f"row{key}.size", NUMBER),
        hue=hue,
        inner=random.choice([None, inner(0)]),
        inners=tuple(inner(number) for number in range(random.randrange(3))),
        parent_id=random.choice([None, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        child_ids=random.choice(families),
    )


@batch_one(MEMORY, max_keys=1)
async def row_by_id(upstream: Upstream, ids: Sequence[int]) -> Mapping[int, RowRecord]:
    """Find a row; a call for one key may fail, or find nothing."""
    world: Any = upstream
    random = world.random("batch", ids[0])
    await world.tick(random)
    if world.is_odd(random):
        raise Trouble(f"no answer for {ids[0]}")
    return {} if world.is_odd(random) else {ids[0]: row(world, ids[0])}


@batch_one(MEMORY, max_keys=100)
async def sure_row_by_id(upstream: Upstream, ids: Sequence[int]) -> Mapping[int, RowRecord]:
    """Find rows, always all of them."""
    world: Any = upstream
    await world.tick(world.random("sure"))
    return {key: row(world, key) for key in ids}


@batch_many(MEMORY, max_keys=1)
async def rows_by_group(upstream: Upstream, groups: Sequence[tuple[Any, ...]]) -> Mapping[tuple[Any, ...], tuple[RowRecord, ...]]:
    """Find the rows of a group."""
    world: Any = upstream
    random = world.random("group", groups[0])
    await world.tick(random)
    if world.is_odd(random):
        raise Trouble(f"no group {groups[0]}")
    return {groups[0]: tuple(row(world, random.randrange(1, 10)) for _ in range(random.randrange(4)))}


def wanted(record: Any) -> int | None:
    """Lead from an object to a row; some objects have no key, and some fail to tell it."""
    key = record.row_key
    if key is not None and not isinstance(key, int):
        raise Trouble("the key is no number")
    return key


def listed_keys(record: Any) -> Any:
    return [key for key in record.row_keys if key is None or isinstance(key, int)]


def group(record: Any, limit: int = 2, hue: Colour | None = None, name: str | None = None) -> tuple[Any, ...]:
    return (getattr(record, "id", 0), limit, hue.name if hue else None, name)


def by_id(_root: Any, id: int) -> int | None:  # noqa: A002 - the argument's name
    return id % 12 or None


def by_ids(_root: Any, ids: list[int | None]) -> list[int | None] | None:
    if len(ids) > 4:
        raise Trouble("too many")
    return [key and key % 12 for key in ids]


BATCHES = (row_by_id, sure_row_by_id, rows_by_group)


def context(world: World, *, keep: bool = False) -> Context:
    """Make what a request over a world carries; with `keep`, its caches keep what they hear."""
    seconds = 60.0 if keep else 0.0
    caches: Any = {batch: ResolverCache(batch, BatchSettings(ttl_seconds=seconds, negative_ttl_seconds=seconds)) for batch in BATCHES}
    return Context(Loaders(Sources(lines({"memory": world}), caches)), world)


def root(world: World) -> Thing:
    """Make the root value of a world."""
    return Thing(world, "root", "Sink")
