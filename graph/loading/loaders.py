"""The loaders of one request: what it knows already, what the resolver caches hold, and what has to be waited for.

What all requests share stands in `Sources`: caches, and the collectors that join their keys and make the calls.
"""

import asyncio
import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cachetools import LRUCache

from graph.loading.batch import Batch, Sharing
from graph.loading.budget import Budget
from graph.loading.cache import MISSING, Partition, ResolverCache, Unkept
from graph.loading.calls import CallRecord, Line, Pace
from graph.loading.collector import Collector, Tier
from graph.loading.loads import BatchLoads
from graph.loading.masked import NOT_GIVEN, NotGiven
from graph.loading.refresh import Chunks
from graph.loading.screening import Screen, ScreenedLoads
from graph.loading.sharing import ANYBODY, Caller, Share, share_of
from graph.upstream.figures import SystemFigures
from graph.upstream.priority import Priority

PARTITIONS_AT_MOST = 4_096


@dataclass(slots=True)
class Tally:
    """What one request cost one system; a call that carried keys of several requests counts for each of them."""

    calls: int = 0
    keys: int = 0
    cached: int = 0


class Sources:
    """What all requests share: the line to each system, and for each batch function its cache and its collectors."""

    def __init__(
        self, lines: Mapping[str, Line], caches: Mapping[Batch[Any, Any], ResolverCache[Any, Any]], tier: Tier | None = None
    ) -> None:
        """Take the lines and the caches; `tier` is what several processes share, where there is one."""
        self.caches = caches
        self.tier = tier
        self.lines = lines
        self._paces = {batch: Pace() for batch in caches}
        self._chunks = {batch: Chunks(lambda cache=cache: cache.max_keys) for batch, cache in caches.items() if batch.revalidates}  # type: ignore[misc]  # the cache of this turn
        self._partitions: LRUCache[tuple[Batch[Any, Any], Share], Partition[Any, Any]] = LRUCache(PARTITIONS_AT_MOST)
        # What was found for a caller before, and under which sharing class; a look-up of its own, because every request makes several.
        self._known: dict[tuple[Batch[Any, Any], Caller], tuple[Sharing, Partition[Any, Any]]] = {}
        self._collectors: LRUCache[tuple[Batch[Any, Any], Share], Collector] = LRUCache(PARTITIONS_AT_MOST)

    def partition(self, batch: Batch[Any, Any], caller: Caller) -> Partition[Any, Any]:
        """Return what a caller may use of the cache of a batch function."""
        cache = self.caches[batch]
        known = self._known.get((batch, caller))
        if known is not None and known[0] is cache.sharing:
            return known[1]
        share = share_of(batch, cache.sharing, caller, tells=self.lines[batch.system.name].upstream.tells)
        if share is None:
            return Unkept(cache, Share(*caller))
        found = self._partitions.get((batch, share))
        if found is None:
            found = self._partitions[batch, share] = Partition(cache, share)
        if len(self._known) >= PARTITIONS_AT_MOST:
            self._known.clear()
        self._known[batch, caller] = (cache.sharing, found)
        return found

    def collector(self, partition: Partition[Any, Any], caller: Caller) -> Collector:
        """Return the collector for a partition, one of its own where nothing may be shared; RuntimeError where no event loop runs."""
        batch = partition.cache.batch
        if isinstance(partition, Unkept):
            return self._made(partition, caller.official, None)
        found = self._collectors.get((batch, partition.share))
        if found is None or found.loop is not asyncio.get_running_loop():
            found = self._collectors[batch, partition.share] = self._made(partition, partition.share.official, self.tier)
            partition.refresh = found.refresh
        return found

    def _made(self, partition: Partition[Any, Any], official: str | None, tier: Tier | None) -> Collector:
        batch = partition.cache.batch
        line, pace = self.lines[batch.system.name], self._paces[batch]
        return Collector(partition, line, pace, official=official, tier=tier, chunks=self._chunks.get(batch))

    def systems(self) -> list[SystemFigures]:
        """Return the figures of each system in this process, by name."""
        return [self.lines[name].admission.report() for name in sorted(self.lines)]

    def close(self) -> None:
        """End all calls that are under way."""
        for collector in self._collectors.values():
            collector.close()


@dataclass(slots=True)
class Loaders:
    """The loaders of one request; a key is asked for once however often the query names it."""

    sources: Sources
    caller: Caller = ANYBODY
    loads: dict[Batch[Any, Any], BatchLoads] = field(default_factory=dict)
    calls: list[CallRecord] = field(default_factory=list)
    # What looks at the records of some batch functions before they are given; to be set before anything is asked for.
    screens: Mapping[Batch[Any, Any], Screen] = field(default_factory=dict)
    # What the request may ask for at most, None where that is not bounded; to be set before anything is asked for.
    budget: Budget | None = None
    # While records that came one by one are followed further: how many of their batch function are still to come.
    siblings: int = 0
    priority: Priority = Priority.CITIZEN
    ends_at: float = math.inf
    expired: bool = False
    ends: list[Callable[[], None]] = field(default_factory=list)
    # Called once, when the request has to wait for the first time.
    on_waiting: Callable[[], None] | None = None

    def waits(self) -> None:
        """Take note that the request has to wait."""
        if self.on_waiting is not None:
            told, self.on_waiting = self.on_waiting, None
            told()

    def at_end(self, end: Callable[[], None]) -> None:
        """Call something when the request's time is over; what waits otherwise than for loaders ends so."""
        self.waits()
        self.ends.append(end)

    def expire(self) -> None:
        """End the request's time: all that it still waits for is answered at once, and so is what it comes to want later."""
        self.expired = True
        for end in self.ends:
            end()
        for loads in list(self.loads.values()):  # to decide about a kept record may open others
            if loads.pending:
                loads.expire()

    def leave(self) -> None:
        """Wait for nothing any more; free what only this request was waiting for."""
        for loads in self.loads.values():
            loads.leave()

    def of(self, batch: Batch[Any, Any]) -> BatchLoads:
        """Return what this request has of a batch function."""
        found = self.loads.get(batch)
        if found is None:
            screen = self.screens.get(batch)
            found = self.loads[batch] = BatchLoads(batch, self) if screen is None else ScreenedLoads(batch, self, screen)
        return found

    def load(self, batch: Batch[Any, Any], key: Hashable) -> "asyncio.Future[Any]":
        """Return the record (or records) of a key, or raise what went wrong with it.

        The future is shared by all parts of the request that want the same key, so it is shielded: one that stops waiting takes nothing
        from the others.
        """
        (value,), coming = self.fetch(batch, (key,))
        if coming:
            return asyncio.shield(coming[key])
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if isinstance(value, BaseException):
            future.set_exception(value)
        else:
            future.set_result(value)
        return future

    def load_many(self, batch: Batch[Any, Any], keys: Sequence[Hashable]) -> "asyncio.Future[list[Any]]":
        """Return what belongs to each key, in their order, nothing under None; what went wrong with a key stands in its place."""

        async def nothing() -> Any:
            return batch.absent()

        return asyncio.gather(*(nothing() if key is None else self.load(batch, key) for key in keys), return_exceptions=True)

    def fetch(self, batch: Batch[Any, Any], keys: Iterable[Any]) -> "tuple[list[Any], dict[Any, asyncio.Future[Any]]]":
        """Return what is known of each key at once, MISSING where it has to be waited for, and a future for each such key.

        A key of None has nothing under it; an exception among the keys stays what it is. The futures are shared: listen, never cancel.
        """
        loads = self.of(batch)
        values: list[Any] = []
        coming: dict[Any, asyncio.Future[Any]] = {}
        for key in keys:
            if key is None:
                value = batch.absent()
            elif isinstance(key, Exception | NotGiven):
                value = key if key is not NOT_GIVEN else None
            elif (value := loads.known.get(key, MISSING)) is MISSING:
                value = self._found(loads, key)
            if value is MISSING:
                coming[key] = loads.coming[key]
            values.append(value)
        return values, coming

    def _found(self, loads: BatchLoads, key: Hashable) -> Any:
        """Return what has come or is kept of a key; MISSING where its future has to be waited for."""
        future = loads.coming.get(key)
        if future is None:
            value = loads.cached(key)
            if value is not MISSING:
                loads.known[key] = value
                loads.hits += 1
                return value
            future = loads.future(key)
        if not future.done():
            return MISSING
        error = future.exception()
        value = loads.known[key] = future.result() if error is None else error
        return value

    def carried_by(self, batch: Batch[Any, Any], key: Hashable, call: CallRecord) -> None:
        """Take note of the call that carries a key, for those who trace a request."""

    def tallies(self) -> dict[str, Tally]:
        """Add up what this request cost each system, by its name."""
        total: dict[str, Tally] = {}
        for loads in self.loads.values():
            tally = total.setdefault(loads.batch.system.name, Tally())
            tally.calls += loads.calls
            tally.keys += loads.keys
            tally.cached += loads.hits
        return dict(sorted(total.items()))
