"""Virtual time: an event loop whose clock jumps to the next timer as soon as nothing is left to do, so that minutes pass in no time."""

import asyncio
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
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]  # asyncio's own queues
            self.now = max(self.now, self._scheduled[0].when())  # type: ignore[attr-defined]  # likewise
        super()._run_once()  # type: ignore[misc]  # likewise


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def clock() -> float:
    """Tell the virtual time as seconds since 1970; like any clock it is never read twice at the same moment."""
    return 1_000_000.0 + asyncio.get_running_loop().time() + next(READINGS) * 1e-9
