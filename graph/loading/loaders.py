"""The loaders of one request: an aiodataloader for each batch function, over the resolver caches, over the systems."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiodataloader import DataLoader

from graph.errors import SystemUnavailable
from graph.loading.batch import Batch
from graph.loading.cache import Missing, ResolverCache
from graph.upstream.connection import Upstream


@dataclass
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


@dataclass
class Loaders:
    """The loaders of one request, made when first used; a key is asked for once however often the query names it."""

    sources: Sources
    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    _loaders: dict[Batch[Any, Any], DataLoader[Any, Any]] = field(default_factory=dict)

    def load(self, batch: Batch[Any, Any], key: Hashable) -> "asyncio.Future[Any]":
        """Return the record (or records) of a key, or raise what went wrong with it.

        The future is shared by all who want the same key, so it is shielded: one that stops waiting takes nothing from the others.
        """
        return asyncio.shield(self._loader(batch).load(key))

    def load_many(self, batch: Batch[Any, Any], keys: Sequence[Hashable]) -> "asyncio.Future[list[Any]]":
        """Return what belongs to each key, in their order; what went wrong with a key stands in its place."""
        loader = self._loader(batch)
        return asyncio.gather(*(asyncio.shield(loader.load(key)) for key in keys), return_exceptions=True)

    def _loader(self, batch: Batch[Any, Any]) -> DataLoader[Any, Any]:
        if (loader := self._loaders.get(batch)) is None:

            async def load(keys: list[Hashable]) -> list[Any]:
                found = await self._found(batch, keys)
                return [found[key] for key in keys]

            loader = self._loaders[batch] = DataLoader(load)
        return loader

    async def _found(self, batch: Batch[Any, Any], keys: Sequence[Hashable]) -> Mapping[Hashable, Any]:
        """Take what the cache holds and fetch the rest, as many calls side by side as the system's line allows."""
        cache = self.sources.caches[batch]
        found = {key: value for key in keys if not isinstance(value := cache.get(key), Missing)}
        tally = self.tallies[batch.system.name]
        tally.cached += len(found)
        missing = [key for key in keys if key not in found]
        for fetched in await asyncio.gather(*(self._fetched(batch, chunk, cache) for chunk in batch.chunks(missing))):
            found |= fetched
        return found

    async def _fetched(self, batch: Batch[Any, Any], keys: Sequence[Hashable], cache: ResolverCache[Any, Any]) -> dict[Hashable, Any]:
        """Make one call and keep its answers; a call that fails gives its error to its own keys, and nothing is kept."""
        tally = self.tallies[batch.system.name]
        tally.calls += 1
        tally.keys += len(keys)
        started = cache.clock()
        try:
            answers = await batch(self.sources.upstreams[batch.system.name], keys)
        except asyncio.CancelledError:
            # Only the end of the process cancels a fetch; aiodataloader would leave those who wait for it hanging for ever.
            return dict.fromkeys(keys, SystemUnavailable(batch.system.name, "was not waited for: the gateway is stopping"))
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to these keys and not to the other calls
            return dict.fromkeys(keys, error)
        absent = batch.absent()
        found = {key: answers.get(key, absent) for key in keys}
        for key, value in found.items():
            cache.keep(key, value, fetched_at=started)
        return found
