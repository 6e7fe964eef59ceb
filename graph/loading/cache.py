"""The resolver cache of one batch function: what a system said, for as long as its setting allows.

This is where a second, shared tier and finer rules will sit: nothing outside this module knows how an entry is kept.
"""

import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, NamedTuple, TypeVar

from cachetools import TLRUCache

from graph.loading.batch import Batch
from graph.settings import BatchSettings

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


class Missing:
    """The type of MISSING."""


MISSING: Final = Missing()


class Entry(NamedTuple, Generic[R]):
    """A kept answer; `negative` where the system said that there is nothing."""

    value: R
    negative: bool
    fetched_at: float


class ResolverCache(Generic[K, R]):
    """Entries of one batch function, each until its time to live is over, counted from the *start* of its fetch."""

    def __init__(self, batch: Batch[K, R], settings: BatchSettings, clock: Callable[[], float] = time.monotonic) -> None:
        """Make an empty cache; `clock` gives seconds and only ever grows."""
        self.batch = batch
        self.settings = settings
        self.clock = clock
        self._entries: TLRUCache[K, Entry[R]] = TLRUCache(maxsize=settings.max_entries, ttu=self._until, timer=clock)

    def get(self, key: K) -> R | Missing:
        """Return the kept answer, also a kept "nothing", or MISSING."""
        try:
            return self._entries[key].value
        except KeyError:
            return MISSING

    def keep(self, key: K, value: R, *, fetched_at: float) -> None:
        """Keep an answer whose fetch began at `fetched_at` on this cache's clock."""
        entry = Entry(value, value == self.batch.absent(), fetched_at)
        if self._until(key, entry, self.clock()) > self.clock():
            self._entries[key] = entry

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def __len__(self) -> int:
        """Count the entries that are still alive."""
        return len(self._entries)

    def _until(self, _key: K, entry: Entry[R], _now: float) -> float:
        return entry.fetched_at + (self.settings.negative_ttl_seconds if entry.negative else self.settings.ttl_seconds)
