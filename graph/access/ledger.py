"""What consumers use at this moment and in this minute, counted in a file that all workers of this machine share.

A minute is counted in slices of five seconds; the slice that it may begin in the midst of is counted whole, so no minute ever holds more
than is allowed. How many operations run at once stands in a cell of each worker's own; a worker that is begun again starts from nought.
"""

import contextlib
import fcntl
import math
import mmap
import os
import struct
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Final, Self

MINUTE: Final = 60.0
SLICES: Final = 12
PLACES: Final = SLICES + 1
SLICE_SECONDS: Final = MINUTE / SLICES
WORKERS_AT_MOST: Final = 64
# So many consumers are told apart; of more than that, several would share what one may use.
CONSUMERS_AT_MOST: Final = 4_096
NUMBER: Final = struct.Struct("<q")
PAIR: Final = struct.Struct("<2q")
MINUTES: Final = struct.Struct(f"<{2 * PLACES}q")  # of each slice its number, counted from 1970, and the cost in it
PLACE: Final = NUMBER.size + MINUTES.size + WORKERS_AT_MOST * NUMBER.size


class Ledger:
    """One worker's way into the file; `worker` is its number among `workers`, from 0."""

    def __init__(self, file: Path, wall: Callable[[], float], *, worker: int = 0, workers: int = 1) -> None:
        """Open the file; OSError where it cannot be, ValueError for more workers than have a cell."""
        if not 0 <= worker < workers <= WORKERS_AT_MOST:
            message = f"at most {WORKERS_AT_MOST} workers can share what consumers may use"
            raise ValueError(message)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self._file, CONSUMERS_AT_MOST * PLACE)
        self._memory = mmap.mmap(self._file, CONSUMERS_AT_MOST * PLACE)
        self._wall = wall
        self._latest = 0.0
        self._cells = struct.Struct(f"<{workers}q")
        self._own = NUMBER.size + MINUTES.size + worker * NUMBER.size
        self._known: dict[str, int] = {}
        self._alone: contextlib.AbstractContextManager[object] = contextlib.nullcontext() if workers == 1 else _Lock(self._file)
        for at in range(0, CONSUMERS_AT_MOST * PLACE, PLACE):
            if NUMBER.unpack_from(self._memory, at)[0]:
                NUMBER.pack_into(self._memory, at + self._own, 0)

    def begin(self, consumer: str, most: int) -> bool:
        """Count one operation more, where fewer than `most` run; without a lock, so workers may together let a few more in."""
        at = self._known.get(consumer) or self._place(consumer)
        if sum(self._cells.unpack_from(self._memory, at + NUMBER.size + MINUTES.size)) >= most:
            return False
        self._add(at + self._own, 1)
        return True

    def end(self, consumer: str) -> None:
        """Count one operation less."""
        self._add(self._place(consumer) + self._own, -1)

    def running(self, consumer: str) -> int:
        """Count the operations that run."""
        cells: tuple[int, ...] = self._cells.unpack_from(self._memory, self._place(consumer) + NUMBER.size + MINUTES.size)
        return sum(cells)

    def draw(self, consumer: str, cost: int, most: int) -> float:
        """Count a cost, where with it no minute holds more than `most`; else count nothing and return in how many seconds to come again."""
        at = (self._known.get(consumer) or self._place(consumer)) + NUMBER.size
        with self._alone:
            self._latest = now = max(self._latest, self._wall())
            current = int(now / SLICE_SECONDS)
            raw = MINUTES.unpack_from(self._memory, at)
            used = before = 0
            for number, drawn in zip(raw[::2], raw[1::2], strict=True):
                if number >= current - SLICES:  # one that lies ahead is of a clock that was put back since: it counts
                    used += drawn
                    before = drawn if number == current else before
            if used + cost > most:
                return _freed_in(raw, current, used + cost - most, now)
            PAIR.pack_into(self._memory, at + (current % PLACES) * PAIR.size, current, before + cost)
            return 0.0

    def close(self) -> None:
        """Let go of the file; what was counted in this minute stays in it."""
        self._memory.close()
        os.close(self._file)

    def _place(self, consumer: str) -> int:
        """Find the place of a consumer, and take the next free one for a new consumer."""
        known = self._known.get(consumer)
        if known is not None:
            return known
        name: int
        (name,) = NUMBER.unpack(blake2b(consumer.encode(), digest_size=NUMBER.size).digest())
        with self._alone:
            for step in range(CONSUMERS_AT_MOST):
                at = (name + step) % CONSUMERS_AT_MOST * PLACE
                (taken,) = NUMBER.unpack_from(self._memory, at)
                if taken in {0, name}:
                    break
            else:
                at = name % CONSUMERS_AT_MOST * PLACE
            if not NUMBER.unpack_from(self._memory, at)[0]:
                NUMBER.pack_into(self._memory, at, name)
        self._known[consumer] = at
        return at

    def _add(self, at: int, change: int) -> None:
        NUMBER.pack_into(self._memory, at, max(0, NUMBER.unpack_from(self._memory, at)[0] + change))


def _freed_in(raw: Sequence[int], current: int, wanted: int, now: float) -> float:
    """Return in how many seconds so much will be free again; infinity where it never is."""
    for number, drawn in sorted(zip(raw[::2], raw[1::2], strict=True)):
        if number >= current - SLICES:
            wanted -= drawn
            if wanted <= 0:
                return max(SLICE_SECONDS, (number + PLACES) * SLICE_SECONDS - now)
    return math.inf


class _Lock:
    """Keeps other workers off the file for some microseconds."""

    __slots__ = ("_file",)

    def __init__(self, file: int) -> None:
        self._file = file

    def __enter__(self) -> Self:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)
