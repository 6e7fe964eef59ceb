"""All resolver caches of one process: what operators look at, what they change, and what they have forgotten."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from graph.loading.barriers import Barriers
from graph.loading.batch import Batch, Sharing
from graph.loading.cache import ResolverCache, wall_clock
from graph.loading.figures import CacheFigures, Purge, Purged
from graph.loading.whatif import Curves
from graph.settings import BatchSettings


class Caches(Mapping[Batch[Any, Any], ResolverCache[Any, Any]]):
    """The cache of each batch function, by the batch function; for operators, by its name."""

    def __init__(
        self, batches: Mapping[str, Batch[Any, Any]], settings: Mapping[str, BatchSettings], clock: Callable[[], float] = wall_clock
    ) -> None:
        """Make empty caches; a batch function without settings gets the defaults."""
        self.barriers = Barriers(0.0, clock)
        self._by_name = {
            name: ResolverCache(batch, settings.get(name, BatchSettings()), clock, self.barriers) for name, batch in batches.items()
        }
        self._by_batch = {cache.batch: cache for cache in self._by_name.values()}
        self._lives_changed()

    def __getitem__(self, batch: Batch[Any, Any]) -> ResolverCache[Any, Any]:
        return self._by_batch[batch]

    def __iter__(self) -> Iterator[Batch[Any, Any]]:
        return iter(self._by_batch)

    def __len__(self) -> int:
        return len(self._by_batch)

    def named(self, name: str) -> ResolverCache[Any, Any]:
        """Return the cache of a batch function; KeyError where there is none of that name."""
        return self._by_name[name]

    def figures(self) -> list[CacheFigures]:
        """Return the figures of all, by name."""
        return [self._by_name[name].report() for name in sorted(self._by_name)]

    def knobs(self, name: str) -> BatchSettings:
        """Return the knobs of a batch function as they are now."""
        return self._by_name[name].settings

    def declared(self, name: str) -> tuple[int, Sharing]:
        """Return what its resolver declares: how many keys a call may carry, and who may share."""
        batch = self._by_name[name].batch
        return batch.max_keys, batch.sharing

    def retune(self, name: str, settings: BatchSettings) -> None:
        """Change the knobs of a batch function, with effect on entries that are there."""
        self._by_name[name].retune(settings)
        self._lives_changed()

    def curves(self, name: str) -> Curves:
        """Return what the simulations of a batch function have found so far."""
        return self._by_name[name].whatif.curves()

    async def forget(self, purge: Purge) -> Purged:
        """Forget what a purge is about; what is on its way is refused by the barrier when it arrives."""
        self.barriers.raise_for(purge)
        done = Purged()
        for name, cache in sorted(self._by_name.items()):
            if (gone := cache.forget()) > 0:
                done.entries[name] = gone
            await asyncio.sleep(0)  # requests go on between two caches
        return done

    def forget_now(self, purge: Purge) -> None:
        """Forget what a purge is about without letting anything else happen meanwhile."""
        self.barriers.raise_for(purge)
        for cache in self._by_name.values():
            cache.forget()

    def share_tier(self) -> None:
        """Let entries be refreshed early, because several processes wait for the same one."""
        for cache in self._by_name.values():
            cache.shared_tier = True

    def suspend(self, *, suspended: bool) -> None:
        """Serve nothing about people while purges of other processes cannot be heard."""
        for cache in self._by_name.values():
            cache.suspended = suspended and cache.batch.personal

    def lose_all(self) -> None:
        """Forget everything about people, here and on its way from anywhere, because purges may have been missed."""
        self.barriers.raise_for_people()
        for cache in self._by_name.values():
            if cache.batch.personal:
                cache.clear()

    def _lives_changed(self) -> None:
        self.barriers.longest_seconds = 60.0 + max((cache.life() for cache in self._by_name.values()), default=0.0)
