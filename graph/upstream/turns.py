"""Turns: who goes next when a system is busy.

Each class of priority has a share of the turns for sure; what it leaves unused the others take. Within a class the longest waiting goes
first, until the queue stands: when for a while nobody has had his turn at once, human beings are served youngest first (the oldest
have often left), and the others who have waited too long are sent away (CoDel, as Facebook uses it).
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from graph.upstream.priority import SHARES, Priority

Again = Callable[[], None]
TARGET_SECONDS: Final = 0.02
INTERVAL_SECONDS: Final = 0.2
# Keys wait for company on purpose, for about as long as a call takes: that is no queue yet.
CALLS_IN_TARGET, CALLS_IN_INTERVAL = 1.5, 2.0


class Turns:
    """Those who wait for a turn; `clock` gives seconds that only ever grow."""

    __slots__ = ("_clock", "_last_short", "_lines", "_passed", "_stride", "standing")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lines: tuple[deque[tuple[float, Again]], ...] = tuple(deque() for _ in Priority)
        # Stride scheduling: the class that has passed least far is next, and passes further the smaller its share.
        self._stride = tuple(100.0 / SHARES[priority] for priority in Priority)
        self._passed = [0.0] * len(Priority)
        self._last_short = clock()
        self.standing = False

    def wait(self, priority: Priority, again: Again, since: float) -> None:
        """Call `again` once, when a turn has come; it has to take it itself. `since` is when the oldest key came that waits for it."""
        line = self._lines[priority]
        if not line:
            running = [passed for passed, other in zip(self._passed, self._lines, strict=True) if other]
            self._passed[priority] = max(self._passed[priority], min(running, default=0.0))
        line.append((since, again))

    def next(self, allows: Callable[[Priority], bool], typical: float) -> Again | None:
        """Take the one whose turn it is among the classes that `allows` lets through; `typical` is how long a call usually takes."""
        chosen: Priority | None = None
        for priority in Priority:
            if self._lines[priority] and (chosen is None or self._passed[priority] < self._passed[chosen]) and allows(priority):
                chosen = priority
        if chosen is None:
            return None
        line = self._lines[chosen]
        since, again = line.pop() if self.standing and chosen.interactive else line.popleft()
        self._passed[chosen] += self._stride[chosen]
        now = self._clock()
        if now - since <= TARGET_SECONDS + CALLS_IN_TARGET * typical:
            self._last_short = now
        self.standing = now - self._last_short > max(INTERVAL_SECONDS, CALLS_IN_INTERVAL * typical)
        return again

    def went_at_once(self) -> None:
        """Take note that somebody did not have to wait: then the queue does not stand."""
        self._last_short = self._clock()
        self.standing = False

    def __len__(self) -> int:
        return sum(map(len, self._lines))
