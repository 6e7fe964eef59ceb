"""The breaker of one operation of a system: when most of its calls fail or are too slow, it is left alone for a while.

closed ──(of at least `calls` calls in the window, `failing` failed or `slow` were slow)──▶ open
open ──(its time is over)──▶ half open ──(1, then 2, then 4 probes went well)──▶ closed
half open ──(a probe failed)──▶ open, for twice as long as before
"""

from collections import deque
from collections.abc import Callable
from typing import Literal

from graph.system_settings import BreakerSettings
from graph.upstream.figures import Breaking

Went = Literal["well", "slow", "failed", "unknown"]
Draw = Callable[[], float]
MOST_PROBES = 4
SLICE_SECONDS = 1.0
# The time for which it stays open is drawn from this part of it upwards, so that several processes do not come back at once.
JITTER = 0.2


class Breaker:
    """Watches the calls of one operation. `changed` is told of each change of state, with the reason; `now` is on the clock's scale."""

    def __init__(self, settings: BreakerSettings, clock: Callable[[], float], draw: Draw, changed: Callable[[Breaking, str], None]) -> None:
        self.settings = settings
        self.state: Breaking = "closed"
        self.opened = 0
        self._clock = clock
        self._draw = draw
        self._changed = changed
        self._slices: deque[list[float]] = deque()  # [began, calls, failed, slow], the oldest first
        self._open_for = 0.0
        self._open_until = 0.0
        self._probes = self._most = self._passed = 0

    def closed_for(self) -> float:
        """Return for how many seconds no call may be made; 0 where one may be made now."""
        if self.state == "closed":
            return 0.0
        left = self._open_until - self._clock()
        if self.state == "open" and left <= 0:
            self._half_open()
        if self.state == "open":
            return left
        return 0.0 if self._probes < self._most else self.settings.probe_seconds

    def begin(self) -> bool:
        """Count a call that is begun now, which `closed_for` has allowed; tells whether it is a probe."""
        if self.state == "closed":
            return False
        self._probes += 1
        return True

    def end(self, went: Went, *, probe: bool) -> None:
        """Count how a call went; "unknown" says nothing about the system."""
        if probe:
            self._probes = max(0, self._probes - 1)
            if self.state == "half_open":
                self._probed(went)
        elif self.state == "closed" and went != "unknown":
            self._count(went)

    def reset(self) -> None:
        """Begin anew, as an operator wants it."""
        self._slices.clear()
        self._probes = 0
        if self.state != "closed":
            self._turn("closed", "by hand")
        self._open_for = 0.0

    def _count(self, went: Went) -> None:
        now = self._clock()
        slices = self._slices
        if not slices or now - slices[-1][0] >= SLICE_SECONDS:
            slices.append([now, 0, 0, 0])
        latest = slices[-1]
        latest[1] += 1
        if went == "well":
            return
        latest[2 if went == "failed" else 3] += 1
        while now - slices[0][0] > self.settings.window_seconds:
            slices.popleft()
        _, calls, failed, slow = map(sum, zip(*slices, strict=True))
        if calls < self.settings.calls:
            return
        if failed >= self.settings.failing * calls:
            self._open("failing calls")
        elif failed + slow >= self.settings.slow * calls:
            self._open("slow calls")

    def _probed(self, went: Went) -> None:
        if went in {"failed", "slow"}:
            self._open("a probe failed")
        elif went == "well":
            self._passed += 1
            if self._passed >= self._most:
                self._more_probes()

    def _more_probes(self) -> None:
        self._passed, self._most = 0, self._most * 2
        if self._most > MOST_PROBES:
            self._slices.clear()
            self._open_for = 0.0
            self._turn("closed", "probes went well")

    def _open(self, why: str) -> None:
        longest = self.settings.longest_open_seconds
        self._open_for = min(longest, self._open_for * 2 if self._open_for else self.settings.open_seconds)
        self._open_until = self._clock() + self._open_for * (1.0 - JITTER * self._draw())
        self._slices.clear()
        self.opened += 1
        self._turn("open", why)

    def _half_open(self) -> None:
        self._probes, self._passed, self._most = 0, 0, 1
        self._turn("half_open", "its time is over")

    def _turn(self, state: Breaking, why: str) -> None:
        self.state = state
        self._changed(state, why)
