"""What a process has of the shared tier: answers that others fetched, and their purges, without which nothing about people is served."""

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from graph.loading.barriers import SKEW_SECONDS
from graph.loading.cache import Partition, wall_clock
from graph.loading.caches import Caches
from graph.loading.figures import Purge
from graph.settings import SharedSettings
from graph.shared.feed import Feed
from graph.shared.packing import Kept
from graph.shared.sealing import Sealer, load_secrets
from graph.shared.tier import SharedTier
from graph.upstream.record import Provenance, stamp

LOOK_SECONDS = 0.1


class SharedCaches:
    """The caches of this process, joined to those of the others; an async context manager that begins and ends that."""

    def __init__(self, settings: SharedSettings, environment: Mapping[str, str], caches: Caches, where: str) -> None:
        """Fetch the secrets; SettingsWrong, beginning with `where`, for one that is missing or weak. Nothing is connected yet."""
        sealer = Sealer(load_secrets(settings.keys, environment, f"{where}: shared.keys"))
        self.caches = caches
        self.tier = SharedTier(settings, sealer, barriers=caches.barriers, clock=wall_clock)
        self.feed = Feed(
            settings,
            sealer,
            longest_seconds=caches.barriers.longest_seconds,
            applied=caches.forget_now,
            lost=caches.lose_all,
        )
        self._watcher: asyncio.Task[None] | None = None
        caches.share_tier()

    async def __aenter__(self) -> Self:
        await self.tier.start()
        await self.feed.start()
        self.caches.suspend(suspended=True)
        self._watcher = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait({self._watcher})
        await self.feed.stop()
        await self.tier.stop()

    async def _watch(self) -> None:
        """Look whether purges can be heard, often enough that nothing is served for a second after they cannot."""
        while True:
            self.caches.suspend(suspended=not self.feed.alive)
            await asyncio.sleep(LOOK_SECONDS)

    async def fetch(self, partition: Partition[Any, Any], keys: Sequence[Any]) -> None:
        """Put what the tier has of some keys into a partition, as far as that is younger and was not purged."""
        cache = partition.cache
        if cache.suspended:
            return
        batch = cache.batch
        for key, kept in (await self.tier.get(batch, partition.share, keys)).items():
            if kept.value:
                provenance = Provenance(batch.system.name, kept.started, cache.times, kept.message_id)
                stamp(kept.value if batch.many else (kept.value,), provenance)
            partition.keep(key, kept.value, started=kept.started, cost=kept.cost, skew=SKEW_SECONDS)

    def store(self, partition: Partition[Any, Any], keys: Sequence[Any]) -> None:
        """Put what a partition has of some keys into the tier, beside the way."""
        entries = {key: entry for key in keys if (entry := partition.entry(key)) is not None}
        kept = {key: Kept(entry.value, entry.started, entry.cost, _message(entry.value)) for key, entry in entries.items()}
        self.tier.put(partition.cache.batch, partition.share, kept, partition.cache.life(), {k: e.labels for k, e in entries.items()})

    async def forget(self, purge: Purge) -> int | None:
        """Tell all processes, then delete from the tier; returns how many entries went, None where not all can have heard of it."""
        published = await self.feed.publish(purge)
        confirmed, living = await self.feed.confirmed(purge.id) if published else (0, 0)
        deleted = await self.tier.forget(purge)  # after the others have heard of it, so that none stores older data once more
        return deleted if 0 < living <= confirmed else None


def _message(value: Any) -> str | None:
    """Return the message that the records of an answer came with."""
    first = value[0] if isinstance(value, tuple) and value else value
    provenance = getattr(first, "provenance", None)
    return None if provenance is None else provenance.message_id
