"""How many calls at once a system takes well, found out while it is called: more while it stays quick, fewer when it slows down.

Gradient2 as published with Netflix's concurrency-limits, for agencies: calls of unlike size are compared with their like, the smallest
limit is two, and what is learnt while the system is crowded changes what is held for usual only slowly, because it is our own crowding.
"""

import math
from collections.abc import Callable, Hashable
from typing import Final

TOLERANCE: Final = 1.5
SMOOTHING: Final = 0.2
QUEUE: Final = 4.0
DROP: Final = 0.9
WINDOW_SAMPLES, WINDOW_SECONDS, FEWEST_SAMPLES = 30, 1.0, 5
LONG_SAMPLES: Final = 600
CROWDED: Final = 0.1  # the weight, against the usual one, of a sample taken while more than half of the limit was in use


class Usual:
    """How long one kind of call usually takes: a mean over some hundred samples, quicker at first."""

    __slots__ = ("count", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0

    def ratio(self, seconds: float, *, crowded: bool) -> float:
        """Compare a sample with what is usual, then learn from it; 1 is as usual."""
        self.count += 1
        if self.count == 1:
            self.seconds = seconds
            return 1.0
        ratio = seconds / self.seconds if self.seconds > 0 else 1.0
        weight = 1.0 / min(self.count, LONG_SAMPLES)
        if crowded and self.count > WINDOW_SAMPLES:
            weight *= CROWDED
        self.seconds += weight * (seconds - self.seconds)
        return ratio


class Limit:
    """How many calls at once; `now` counts whole ones."""

    __slots__ = ("_clock", "_congested", "_drops_from", "_most_under_way", "_ratios", "_samples", "_since", "_usual", "exact", "initial",
                 "most", "now", "smallest")  # fmt: skip

    def __init__(self, initial: int, smallest: int, most: int, clock: Callable[[], float]) -> None:
        self.smallest = min(smallest, most)
        self.most = most
        self.initial = max(self.smallest, min(initial, most))
        self.exact = float(self.initial)
        self.now = self.initial
        self._clock = clock
        self._usual: dict[Hashable, Usual] = {}
        self._congested = False
        self._drops_from = -math.inf
        self._ratios = 0.0
        self._samples = self._most_under_way = 0
        self._since = clock()

    def answered(self, kind: Hashable, keys: int, seconds: float, under_way: int) -> None:
        """Learn from a call that was answered; `under_way` is how many there were at once, itself included."""
        size = (kind, keys.bit_length())
        usual = self._usual.get(size)
        if usual is None:
            usual = self._usual[size] = Usual()
        self._ratios += usual.ratio(seconds, crowded=under_way > max(self.smallest, self.exact / 2))
        self._samples += 1
        self._most_under_way = max(self._most_under_way, under_way)
        if self._samples >= WINDOW_SAMPLES or (self._samples >= FEWEST_SAMPLES and self._clock() - self._since >= WINDOW_SECONDS):
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
        ratio, busy = self._ratios / self._samples, self._most_under_way
        self._begin_window()
        gradient = max(0.5, min(1.0, TOLERANCE / ratio)) if ratio > 0 else 1.0
        self._adjust(ratio)
        if gradient < 1.0:
            self._congested = True
        elif busy < self.exact / 2:
            return
        if not self._congested:
            self._set(self.exact * 1.5)
            return
        room = max(1.0, min(QUEUE, self.exact / 4))
        self._set((1 - SMOOTHING) * self.exact + SMOOTHING * (self.exact * gradient + room))

    def _adjust(self, ratio: float) -> None:
        """Doubt what is held for usual where the system is twice as quick, or is slow although hardly called: that is not our doing."""
        factor = 0.9 if ratio < 0.5 else 1.05 if ratio > TOLERANCE and self.exact <= self.smallest else 1.0  # noqa: PLR2004 - twice as quick
        if factor != 1.0:
            for usual in self._usual.values():
                usual.seconds *= factor

    def _begin_window(self) -> None:
        self._ratios = 0.0
        self._samples = self._most_under_way = 0
        self._since = self._clock()

    def _set(self, exact: float) -> None:
        self.exact = max(float(self.smallest), min(float(self.most), exact))
        self.now = int(self.exact)
