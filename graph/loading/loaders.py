"""The loaders of one request: an aiodataloader for each batch function, over the resolver caches, over the systems."""

import asyncio
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiodataloader import DataLoader

from graph.errors import MotcuaError, SystemUnavailable
from graph.loading.batch import Batch
from graph.loading.cache import MISSING, ResolverCache
from graph.upstream.connection import Upstream


@dataclass(slots=True)
class Tally:
    """What one request cost one system."""

    calls: int = 0
    keys: int = 0
    cached: int = 0


@dataclass(frozen=True)
class Sources:
    """What all requests share: the line to each system and the cache of each batch function."""

    upstreams: Mapping[str, Upstream]
    caches: Mapping[Batch[Any, Any], ResolverCache[Any, Any]]


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call that a request made: when it began and ended (seconds of `time.perf_counter`), and how; never which keys."""

    batch: Batch[Any, Any]
    keys: int
    began: float
    ended: float
    outcome: str


class BatchLoads:
    """What one request has of one batch function: the records that it knows already, the cache, and the loader for the rest."""

    __slots__ = ("batch", "cache", "cached", "known", "loader", "tally")

    def __init__(self, batch: Batch[Any, Any], cache: ResolverCache[Any, Any]) -> None:
        self.batch = batch
        self.cache = cache
        self.cached: Callable[[Any], Any] = cache.get
        self.known: dict[Hashable, Any] = {}
        self.tally = Tally()
        self.loader: DataLoader[Any, Any] | None = None


@dataclass(slots=True)
class Loaders:
    """The loaders of one request, made when first used; a key is asked for once however often the query names it."""

    sources: Sources
    loads: dict[Batch[Any, Any], BatchLoads] = field(default_factory=dict)
    calls: list[CallRecord] = field(default_factory=list)

    def of(self, batch: Batch[Any, Any]) -> BatchLoads:
        """Return what this request has of a batch function."""
        found = self.loads.get(batch)
        if found is None:
            found = self.loads[batch] = BatchLoads(batch, self.sources.caches[batch])
        return found

    def load(self, batch: Batch[Any, Any], key: Hashable) -> "asyncio.Future[Any]":
        """Return the record (or records) of a key, or raise what went wrong with it.

        The future is shared by all who want the same key, so it is shielded: one that stops waiting takes nothing from the others.
        """
        return asyncio.shield(self._loader(batch).load(key))

    def load_many(self, batch: Batch[Any, Any], keys: Sequence[Hashable]) -> "asyncio.Future[list[Any]]":
        """Return what belongs to each key, in their order, nothing under None; what went wrong with a key stands in its place."""

        async def nothing() -> Any:
            return batch.absent()

        return asyncio.gather(*(nothing() if key is None else self.load(batch, key) for key in keys), return_exceptions=True)

    def fetch(self, batch: Batch[Any, Any], keys: Sequence[Any]) -> "tuple[list[Any], dict[Any, asyncio.Future[Any]]]":
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
            elif (value := loads.known.get(key, MISSING)) is MISSING and (value := loads.cached(key)) is not MISSING:
                loads.known[key] = value
                loads.tally.cached += 1
            if value is MISSING and key not in coming:
                coming[key] = self._loader(batch).load(key)
            values.append(value)
        return values, coming

    def tallies(self) -> dict[str, Tally]:
        """Add up what this request cost each system, by its name."""
        total: dict[str, Tally] = {}
        for loads in self.loads.values():
            tally = total.setdefault(loads.batch.system.name, Tally())
            tally.calls += loads.tally.calls
            tally.keys += loads.tally.keys
            tally.cached += loads.tally.cached
        return dict(sorted(total.items()))

    def _loader(self, batch: Batch[Any, Any]) -> DataLoader[Any, Any]:
        loads = self.of(batch)
        if loads.loader is None:

            async def load(keys: list[Hashable]) -> list[Any]:
                loads.known |= await self._found(loads, keys)
                return [loads.known[key] for key in keys]

            loads.loader = DataLoader(load)
        return loads.loader

    async def _found(self, loads: BatchLoads, keys: Sequence[Hashable]) -> Mapping[Hashable, Any]:
        """Take what the cache holds and fetch the rest, as many calls side by side as the system's line allows."""
        found = {key: value for key in keys if (value := loads.cached(key)) is not MISSING}
        loads.tally.cached += len(found)
        missing = [key for key in keys if key not in found]
        for fetched in await asyncio.gather(*(self._fetched(loads, chunk) for chunk in loads.batch.chunks(missing))):
            found |= fetched
        return found

    async def _fetched(self, loads: BatchLoads, keys: Sequence[Hashable]) -> dict[Hashable, Any]:
        """Make one call and keep its answers; a call that fails gives its error to its own keys, and nothing is kept."""
        batch, cache = loads.batch, loads.cache
        loads.tally.calls += 1
        loads.tally.keys += len(keys)
        started, began, outcome = cache.clock(), time.perf_counter(), "OK"
        try:
            answers = await batch(self.sources.upstreams[batch.system.name], keys)
        except asyncio.CancelledError:
            # Only the end of the process cancels a fetch; aiodataloader would leave those who wait for it hanging for ever.
            outcome = SystemUnavailable.code
            return dict.fromkeys(keys, SystemUnavailable(batch.system.name, "was not waited for: the gateway is stopping"))
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to these keys and not to the other calls
            outcome = error.code if isinstance(error, MotcuaError) else MotcuaError.code
            return dict.fromkeys(keys, error)
        finally:
            self.calls.append(CallRecord(batch, len(keys), began, time.perf_counter(), outcome))
        absent = batch.absent()
        found = {key: answers.get(key, absent) for key in keys}
        for key, value in found.items():
            cache.keep(key, value, fetched_at=started)
        return found
