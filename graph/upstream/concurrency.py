"""How many calls at once a system takes well, found out while it is called: more while it stays quick, fewer when it slows down.

Gradient2 as published with Netflix's concurrency-limits, for agencies: calls of unlike size are compared with their like, the smallest
limit is two, and how long a call usually takes is learnt only while the system is not crowded, because crowding is our own doing. Where it
is slow although hardly called, what is held for usual is given up by and by.
"""

import math
from collections.abc import Callable, Hashable
from typing import Final

TOLERANCE: Final = 1.5
SMOOTHING: Final = 0.2
QUEUE: Final = 4.0
DROP: Final = 0.9
WINDOW_SAMPLES, WINDOW_SECONDS, FEWEST_SAMPLES = 30, 1.0, 5
LEARNING: Final = 0.05  # of what a window shows; thirty samples in each of twenty windows are the long window of Gradient2
GIVING_UP: Final = 1.05
GROWING: Final = 1.5
QUEUEING, MORE_QUIET = 1.1, 1.02


class Kind:
    """One kind and size of call: how long it usually takes, and its samples in this window, in seconds."""

    __slots__ = ("samples", "usual")

    def __init__(self) -> None:
        self.usual = 0.0
        self.samples: list[float] = []

    def learn(self, *, crowded: bool) -> float:
        """Close the window: return how many times as long as usual its calls took, and learn from it."""
        samples, self.samples = self.samples, []
        mean = sum(samples) / len(samples)
        if not self.usual:
            self.usual = sorted(samples)[len(samples) // 4]  # the first calls may have crowded the system already
        ratio = mean / self.usual if self.usual > 0 else 1.0
        if not crowded or ratio < 1.0:
            self.usual += LEARNING * (mean - self.usual)
        return ratio


class Limit:
    """How many calls at once; `now` counts whole ones. So many as `quiet` slow nobody down: more than that make the system queue them."""

    __slots__ = (
        "_busiest",
        "_clock",
        "_congested",
        "_count",
        "_drops_from",
        "_kinds",
        "_lately",
        "_quiet",
        "_since",
        "exact",
        "initial",
        "most",
        "now",
        "quiet",
        "smallest",
    )

    def __init__(self, initial: int, smallest: int, most: int, clock: Callable[[], float]) -> None:
        self.smallest = min(smallest, most)
        self.most = most
        self.initial = max(self.smallest, min(initial, most))
        self.exact = float(self.initial)
        self.now = self.quiet = self.initial
        self._clock = clock
        self._kinds: dict[Hashable, Kind] = {}
        self._congested = False
        self._drops_from = -math.inf
        self._quiet = self.exact
        self._lately = 1.0
        self._count = self._busiest = 0
        self._since = clock()

    def answered(self, operation: str, keys: int, seconds: float, under_way: int) -> None:
        """Learn from a call that was answered; `under_way` is how many there were at once, itself included."""
        size = (operation, keys.bit_length())
        kind = self._kinds.get(size)
        if kind is None:
            kind = self._kinds[size] = Kind()
        kind.samples.append(seconds)
        self._count += 1
        self._busiest = max(self._busiest, under_way)
        if self._count >= WINDOW_SAMPLES or (self._count >= FEWEST_SAMPLES and self._clock() - self._since >= WINDOW_SECONDS):
            self._close_window()

    def dropped(self) -> None:
        """Learn from a call that was not answered in time, or was refused for load: one step down, at most once a second."""
        now = self._clock()
        if now >= self._drops_from:
            self._drops_from = now + WINDOW_SECONDS
            self._congested = True
            self._set(self.exact * DROP)

    def recovered(self) -> None:
        """Begin again where the limit began, after the system was left alone."""
        self._set(max(self.exact, float(self.initial)))
        self._begin_window()

    def _close_window(self) -> None:
        busiest, crowded = self._busiest, self._busiest > max(self.smallest, self.exact / 2)
        called = [kind for kind in self._kinds.values() if kind.samples]
        ratio = sum(len(kind.samples) * kind.learn(crowded=crowded) for kind in called) / self._count
        self._begin_window()
        self._judge_quiet(ratio, busiest)
        gradient = max(0.5, min(1.0, TOLERANCE / ratio)) if ratio > 0 else 1.0
        if gradient < 1.0:
            self._congested = True
            if self.exact <= self.smallest:
                for kind in called:
                    kind.usual *= GIVING_UP
        elif busiest < self.exact / 2:
            return
        if self._congested:
            room = max(1.0, min(QUEUE, self.exact / 4))
            self._set((1 - SMOOTHING) * self.exact + SMOOTHING * (self.exact * gradient + room))
        else:  # nothing has slowed down yet: find the neighbourhood quickly
            self._set(self.exact * GROWING)

    def _judge_quiet(self, ratio: float, busiest: int) -> None:
        """Estimate how many calls the system works on at once: of those under way the share that was not waiting in its own queue."""
        self._lately += (ratio - self._lately) / 3  # one window alone may be a chance
        if self._lately > QUEUEING:
            self._quiet += (busiest / self._lately - self._quiet) / 2
        elif busiest >= self._quiet - 1:
            self._quiet *= MORE_QUIET
        self._quiet = max(float(self.smallest), min(self.exact, self._quiet))
        self.quiet = int(self._quiet)

    def _begin_window(self) -> None:
        for kind in self._kinds.values():
            kind.samples.clear()
        self._count = self._busiest = 0
        self._since = self._clock()

    def _set(self, exact: float) -> None:
        self.exact = max(float(self.smallest), min(float(self.most), exact))
        self.now = int(self.exact)
