"""The loaders of one request: what it knows already, what the resolver caches hold, and what has to be waited for.

What all requests share stands in `Sources`: caches, and the collectors that join their keys and make the calls.
"""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cachetools import LRUCache

from graph.loading.batch import Batch, Sharing
from graph.loading.cache import MISSING, Missing, Partition, ResolverCache, Unkept
from graph.loading.calls import CallRecord, Line, Pace
from graph.loading.collector import Collector, Tier
from graph.loading.refresh import Chunks
from graph.loading.sharing import ANYBODY, EVERYBODY, Caller, Share, share_of
from graph.upstream.connection import Upstream
from graph.upstream.slots import Allowance, Slots

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
        self, upstreams: Mapping[str, Upstream], caches: Mapping[Batch[Any, Any], ResolverCache[Any, Any]], tier: Tier | None = None
    ) -> None:
        """Take the lines and the caches; `tier` is what several processes share, where there is one."""
        self.caches = caches
        self.tier = tier
        self.lines = {name: Line(line, Slots(line.settings.max_connections), Allowance()) for name, line in upstreams.items()}
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
        share = share_of(batch, cache.sharing, caller)
        if share is None:
            return Unkept(cache, EVERYBODY)
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

    def close(self) -> None:
        """End all calls that are under way."""
        for collector in self._collectors.values():
            collector.close()


class BatchLoads:
    """What one request has of one batch function: the records that it knows, those that are coming, and the way to the others."""

    __slots__ = ("_collector", "_last", "batch", "cached", "calls", "coming", "hits", "keys", "known", "loaders", "partition", "pending")

    def __init__(self, batch: Batch[Any, Any], loaders: "Loaders") -> None:
        self.batch = batch
        self.loaders = loaders
        self.partition = loaders.sources.partition(batch, loaders.caller)
        self.cached: Callable[[Any], Any] = self.partition.get if batch.splits is None else self._cached_parts
        self.known: dict[Hashable, Any] = {}
        self.coming: dict[Hashable, asyncio.Future[Any]] = {}
        self.pending = self.calls = self.keys = self.hits = 0
        self._collector: Collector | None = None
        self._last: CallRecord | None = None

    def future(self, key: Hashable) -> "asyncio.Future[Any]":
        """Return the future of a key that is neither known nor kept; the same one however often this request asks."""
        found = self.coming.get(key)
        if found is None:
            parts = (key,) if self.batch.splits is None else self.batch.splits(key)
            found = self.coming[key] = self._wanted(key) if len(parts) == 1 else asyncio.ensure_future(self._joined(parts))
            self.pending += 1
            found.add_done_callback(self._came)
        return found

    def _came(self, _future: "asyncio.Future[Any]") -> None:
        self.pending -= 1

    def is_kept(self, key: Hashable) -> bool:
        """Tell whether the cache could answer a key now, without counting it as asked."""
        entry = self.partition.entry(key)
        return entry is not None and self.partition.cache.fresh_for(entry) > 0

    def expects_more(self) -> bool:
        """Tell whether records like the one that led here are still to come."""
        return self.loaders.siblings > 0

    def note(self, key: Hashable, call: CallRecord) -> None:
        """Count a call that carries a key of this request."""
        self.keys += 1
        if call is not self._last:
            self._last = call
            self.calls += 1
            self.loaders.calls.append(call)
        self.loaders.carried_by(self.batch, key, call)

    def _wanted(self, key: Hashable) -> "asyncio.Future[Any]":
        collector = self._collector
        if collector is None:
            collector = self._collector = self.loaders.sources.collector(self.partition, self.loaders.caller)
            collector.arrived()
        self.partition.missed(key)
        return collector.want(key, self)

    async def _joined(self, parts: Sequence[Hashable]) -> tuple[Any, ...]:
        """Join the lists of the parts of a key, in their order; one that cannot be had is missing from no list unseen: it raises."""
        values = [self.cached_or_coming(part) for part in parts]
        lists = [await asyncio.shield(value) if isinstance(value, asyncio.Future) else value for value in values]
        return tuple(record for listed in lists for record in listed)

    def cached_or_coming(self, key: Hashable) -> Any:
        """Return what the cache has of a part of a key, or its future."""
        value = self.partition.get(key)
        return self._wanted(key) if value is MISSING else value

    def _cached_parts(self, key: Hashable) -> Any:
        """Return what the cache holds of a key that may consist of parts; MISSING where any part is."""
        parts = self.batch.splits(key) if self.batch.splits is not None else (key,)
        lists: list[Any] = []
        for part in parts:
            value: Any | Missing = self.partition.get(part)
            if value is MISSING:
                return MISSING
            lists.append(value)
        return tuple(record for listed in lists for record in listed)


@dataclass(slots=True)
class Loaders:
    """The loaders of one request; a key is asked for once however often the query names it."""

    sources: Sources
    caller: Caller = ANYBODY
    loads: dict[Batch[Any, Any], BatchLoads] = field(default_factory=dict)
    calls: list[CallRecord] = field(default_factory=list)
    # While records that came one by one are followed further: how many of their batch function are still to come.
    siblings: int = 0

    def of(self, batch: Batch[Any, Any]) -> BatchLoads:
        """Return what this request has of a batch function."""
        found = self.loads.get(batch)
        if found is None:
            found = self.loads[batch] = BatchLoads(batch, self)
        return found

    def load(self, batch: Batch[Any, Any], key: Hashable) -> "asyncio.Future[Any]":
        """Return the record (or records) of a key, or raise what went wrong with it.

        The future is shared by all who want the same key, so it is shielded: one that stops waiting takes nothing from the others.
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
            elif isinstance(key, Exception):
                value = key
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
