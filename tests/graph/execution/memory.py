"""A system in memory that notes how it was asked, and answers when it is told to."""

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from graph.context import RequestContext
from graph.loading.cache import ResolverCache
from graph.loading.loaders import Loaders, Sources
from graph.seam import Batch, Record, System, Upstream, batch_many, batch_one, wire
from graph.settings import BatchSettings
from tests.lines import StandIn, lines

MEMORY = System("memory", title="A memory", owner="A test", protocol="none")


class Item(Record):
    """What the memory keeps."""

    id: int = wire("id")
    name: str = wire("name")
    next_id: int | None = wire("next")
    hidden: str = wire("hidden")


class Memory(StandIn):
    """What a batch function has behind it: what was asked, which keys fail, and gates that hold calls back."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[Any]]] = []
        self.down: set[Hashable] = set()
        self.gates: dict[Any, asyncio.Event] = {}
        self.reached = asyncio.Event()

    async def was_asked(self, name: str, keys: list[Any]) -> None:
        """Wait until a call was made."""
        while (name, keys) not in self.asked:
            self.reached.clear()
            await self.reached.wait()

    async def answer(self, name: str, keys: Sequence[Any]) -> None:
        """Note a call, wait where it is held back, and fail where it is to fail."""
        self.asked.append((name, list(keys)))
        self.reached.set()
        for gate in {name, *keys} & self.gates.keys():
            await self.gates[gate].wait()
        if self.down & {name, *keys}:
            raise ConnectionError(f"{name} is down")

    def context(self, *batches: Batch[Any, Any], seconds: float = 60.0) -> RequestContext:
        """Make what a request over this memory carries, with fresh caches."""
        return RequestContext(Loaders(self.sources(*batches, seconds=seconds)))

    def sources(self, *batches: Batch[Any, Any], seconds: float = 60.0) -> Sources:
        """Make sources that several requests can share."""
        caches: Any = {batch: ResolverCache(batch, BatchSettings(ttl_seconds=seconds)) for batch in batches or BATCHES}
        return Sources(lines({"memory": self}), caches)


def item(key: int) -> Item:
    """Make the item of a key; each leads to the next."""
    return Item(id=key, name=f"item {key}", next_id=key + 1, hidden="x")


@batch_one(MEMORY, max_keys=100)
async def item_by_id(upstream: Upstream, ids: Sequence[int]) -> Mapping[int, Item]:
    """Find items; there are none below zero."""
    memory: Any = upstream
    await memory.answer("item", ids)
    return {key: item(key) for key in ids if key >= 0}


@batch_one(MEMORY, max_keys=1)
async def other_by_id(upstream: Upstream, ids: Sequence[int]) -> Mapping[int, Item]:
    """Find items, one at a time, behind a line of their own."""
    memory: Any = upstream
    await memory.answer("other", ids)
    return {key: item(key) for key in ids}


@batch_many(MEMORY, max_keys=1)
async def items_of(upstream: Upstream, names: Sequence[str]) -> Mapping[str, tuple[Item, ...]]:
    """Find the items of a list; a list is called by how many it has."""
    memory: Any = upstream
    await memory.answer("items", names)
    return {name: tuple(item(number % 10) for number in range(int(name))) for name in names}


BATCHES = (item_by_id, other_by_id, items_of)
