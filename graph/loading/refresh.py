"""Chunks: which keys are refreshed together, so that the same question comes again and the system can say "not modified".

An ETag belongs to the exact keys of a call. So the keys of a batch function are spread over chunks by a hash that never changes, and a
chunk is always asked for whole and in order. When chunks become too full for one call their number doubles: each divides into two.
"""

import zlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from graph.loading.labels import written

FULL = 0.75  # of what one call may carry; a chunk is a random share of the keys, and some are larger than the mean


class Chunks:
    """The chunks of one batch function; keys are counted from the first time that they are kept."""

    def __init__(self, max_keys: Callable[[], int]) -> None:
        """Start with one chunk; `max_keys` tells how many keys one call may carry now."""
        self._max_keys = max_keys
        self._number = 1
        self._keys: dict[int, set[Any]] = defaultdict(set)
        self._count = 0

    def add(self, key: Hashable) -> None:
        """Count a key in."""
        chunk = self._keys[self._of(key)]
        if key not in chunk:
            chunk.add(key)
            self._count += 1
            while self._count > self._number * max(1, FULL * self._max_keys()):
                self._double()

    def together(self, key: Hashable, kept: Callable[[Any], bool]) -> list[list[Any]]:
        """List the keys to refresh with a key, as calls; those that are no longer `kept` leave."""
        chunk = self._keys[self._of(key)]
        for gone in [other for other in chunk if other != key and not kept(other)]:
            chunk.discard(gone)
            self._count -= 1
        chunk.add(key)
        keys, most = sorted(chunk, key=written), max(1, self._max_keys())
        return [keys[start : start + most] for start in range(0, len(keys), most)]

    def _of(self, key: Hashable) -> int:
        return zlib.crc32(written(key).encode()) % self._number

    def _double(self) -> None:
        self._number *= 2
        keys: Iterable[Any] = [key for chunk in self._keys.values() for key in chunk]
        self._keys = defaultdict(set)
        for key in keys:
            self._keys[self._of(key)].add(key)
