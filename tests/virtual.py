"""Virtual time: an event loop whose clock jumps to the next timer as soon as nothing is left to do, so that minutes pass in no time."""

import asyncio
import heapq
import itertools
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
READINGS = itertools.count()


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that never waits for a timer. Nothing may wait for the outside world in it."""

    def __init__(self) -> None:
        """Begin at nought."""
        super().__init__()
        self.now = 0.0

    def time(self) -> float:
        """Return the seconds since the beginning."""
        return self.now

    def _run_once(self) -> None:
        self._forget_cancelled()
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]  # asyncio's own queues
            self.now = max(self.now, self._scheduled[0].when())  # type: ignore[attr-defined]  # likewise
        super()._run_once()  # type: ignore[misc]  # likewise

    def _forget_cancelled(self) -> None:
        """Take cancelled timers off the front, as asyncio does: after a jump to one of them it would wait for the next in real time."""
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]  # likewise
        while timers and timers[0].cancelled():
            heapq.heappop(timers)._scheduled = False  # type: ignore[attr-defined]  # likewise
            self._timer_cancelled_count -= 1  # type: ignore[attr-defined]  # likewise


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def clock() -> float:
    """Tell the virtual time as seconds since 1970; like any clock it is never read twice at the same moment."""
    return 1_000_000.0 + asyncio.get_running_loop().time() + next(READINGS) * 1e-9
