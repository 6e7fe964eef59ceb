"""What consumers use at this moment and in this minute, counted in a file that all workers of this machine share.

A minute is counted in slices of five seconds; the slice that it may begin in the midst of is counted whole, so no minute ever holds more
than is allowed. How many operations run at once stands in a cell of each worker's own; a worker that is begun again starts from nought.
"""

import fcntl
import math
import mmap
import os
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
# A place in numbers of eight bytes: whose it is, the latest slice (counted from 1970), the cost in each slice, a cell for each worker.
NAME, LATEST, COSTS, CELLS = 0, 1, 2, 2 + PLACES
PLACE: Final = CELLS + WORKERS_AT_MOST
SIZE: Final = 8 * PLACE * CONSUMERS_AT_MOST


class Ledger:
    """One worker's way into the file; `worker` is its number among `workers`, from 0."""

    def __init__(self, file: Path, wall: Callable[[], float], *, worker: int = 0, workers: int = 1) -> None:
        """Open the file; OSError where it cannot be, ValueError for more workers than have a cell."""
        if not 0 <= worker < workers <= WORKERS_AT_MOST:
            message = f"at most {WORKERS_AT_MOST} workers can share what consumers may use"
            raise ValueError(message)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self._file, SIZE)
        self._memory = mmap.mmap(self._file, SIZE)
        self._numbers = memoryview(self._memory).cast("q")
        self._wall = wall
        self._workers = workers
        self._own = CELLS + worker
        self._known: dict[str, int] = {}
        self._shared = workers > 1
        self._alone = _Lock(self._file)
        for at in range(0, PLACE * CONSUMERS_AT_MOST, PLACE):
            if self._numbers[at]:
                self._numbers[at + self._own] = 0

    def begin(self, consumer: str, most: int) -> bool:
        """Count one operation more, where fewer than `most` run; without a lock, so workers may together let a few more in."""
        if self.running(consumer) >= most:
            return False
        self._numbers[self._known[consumer] + self._own] += 1
        return True

    def end(self, consumer: str) -> None:
        """Count one operation less."""
        at = self._place(consumer) + self._own
        self._numbers[at] = max(0, self._numbers[at] - 1)

    def running(self, consumer: str) -> int:
        """Count the operations that run."""
        at = self._place(consumer) + CELLS
        return sum(self._numbers[at : at + self._workers])

    def draw(self, consumer: str, cost: int, most: int) -> float:
        """Count a cost, where with it no minute holds more than `most`; else count nothing and return in how many seconds to come again."""
        at = self._place(consumer)
        if not self._shared:
            return self._drawn(at, cost, most)
        with self._alone:
            return self._drawn(at, cost, most)

    def _drawn(self, at: int, cost: int, most: int) -> float:
        numbers, now = self._numbers, self._wall()
        current = int(now / SLICE_SECONDS)
        latest = numbers[at + LATEST]
        if current > latest:
            self._turn(at, current)
            latest = current
        costs = numbers[at + COSTS : at + CELLS]
        beyond = sum(costs) + cost - most
        if beyond > 0:
            return _freed_in(costs, latest, beyond, now)
        # A clock that was put back since goes on counting in the latest slice.
        costs[latest % PLACES] += cost
        return 0.0

    def close(self) -> None:
        """Let go of the file; what was counted in this minute stays in it."""
        self._numbers.release()
        self._memory.close()
        os.close(self._file)

    def _turn(self, at: int, current: int) -> None:
        """Begin a slice, and forget those that no minute holds any more."""
        latest = self._numbers[at + LATEST]
        for number in range(max(latest + 1, current - SLICES), current + 1):
            self._numbers[at + COSTS + number % PLACES] = 0
        self._numbers[at + LATEST] = current

    def _place(self, consumer: str) -> int:
        """Find the place of a consumer; a new one takes the next that is free."""
        known = self._known.get(consumer)
        return self._taken(consumer) if known is None else known

    def _taken(self, consumer: str) -> int:
        name = int.from_bytes(blake2b(consumer.encode(), digest_size=7).digest()) + 1
        places = [(name + step) % CONSUMERS_AT_MOST * PLACE for step in range(CONSUMERS_AT_MOST)]
        with self._alone:
            at = next((place for place in places if self._numbers[place] in {0, name}), places[0])
            self._numbers[at] = self._numbers[at] or name
        self._known[consumer] = at
        return at


def _freed_in(costs: Sequence[int], latest: int, wanted: int, now: float) -> float:
    """Return in how many seconds so much will be free again; infinity where it never is."""
    for number in range(latest - SLICES, latest + 1):
        wanted -= costs[number % PLACES]
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
