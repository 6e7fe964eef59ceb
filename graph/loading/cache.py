"""The resolver cache of one batch function: what a system said, for as long as its setting allows.

This is where a second, shared tier and finer rules will sit: nothing outside this module knows how an entry is kept.
"""

import time
from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, NamedTuple, TypeVar

from cachetools import LRUCache

from graph.loading.batch import Batch
from graph.settings import BatchSettings

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


class Missing:
    """The type of MISSING."""


MISSING: Final = Missing()


class Entry(NamedTuple):
    """A kept answer, and until when it may be served."""

    value: Any
    until: float


class ResolverCache(Generic[K, R]):
    """Entries of one batch function, each until its time to live is over, counted from the *start* of its fetch.

    Age is judged when an entry is read; one that is over leaves then, or when it is the least recently used and another needs its place.
    """

    def __init__(self, batch: Batch[K, R], settings: BatchSettings, clock: Callable[[], float] = time.monotonic) -> None:
        """Make an empty cache; `clock` gives seconds and only ever grows."""
        self.batch = batch
        self.settings = settings
        self.clock = clock
        self._entries: LRUCache[K, Entry] = LRUCache(maxsize=settings.max_entries)

    def get(self, key: K) -> R | Missing:
        """Return the kept answer, also a kept "nothing", or MISSING."""
        try:
            value, until = self._entries[key]
        except KeyError:
            return MISSING
        if until > self.clock():
            kept: R = value
            return kept
        del self._entries[key]
        return MISSING

    def keep(self, key: K, value: R, *, fetched_at: float) -> None:
        """Keep an answer whose fetch began at `fetched_at` on this cache's clock."""
        negative = value == self.batch.absent()
        until = fetched_at + (self.settings.negative_ttl_seconds if negative else self.settings.ttl_seconds)
        if until > self.clock():
            self._entries[key] = Entry(value, until)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def __len__(self) -> int:
        """Count the entries, also those whose time is over and that nobody has asked for since."""
        return len(self._entries)
