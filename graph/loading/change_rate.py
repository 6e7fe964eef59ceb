"""How often records change, estimated from fetching them again: how long that was after the time before, and whether they had changed.

A record that changed between two fetches may have changed several times, so changes by time would be far too few where fetches are rare.
The rate is the one under which what was seen is the likeliest (Cho and Garcia-Molina, "Estimating frequency of change", 2003).
"""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

BINS: Final = 52
BINS_A_DOUBLING: Final = 2
# Half of what a chi-square of one degree of freedom does not exceed in 95 of 100 cases.
DROP: Final = 1.92073
# Where nothing changed in an exposure, rates above this many changes in it would have shown one with 95 % certainty.
UNSEEN: Final = 3.0
SLOWEST: Final = 1e-12
FASTEST: Final = 1e3
STEPS: Final = 60


class Rate(NamedTuple):
    """Changes a second, with the bounds between which the truth lies in 95 of 100 cases; infinite where every fetch found a change."""

    estimate: float
    low: float
    high: float


def _zeros() -> list[float]:
    return [0.0] * BINS


class Changes(msgspec.Struct, kw_only=True):
    """What fetching again has shown, in constant memory; those of several processes can be added.

    Where something changed, the times since the fetch before are kept as counts and sums by their order of magnitude.
    """

    unchanged: float = 0.0
    unchanged_seconds: float = 0.0
    changed: list[float] = msgspec.field(default_factory=_zeros)
    changed_seconds: list[float] = msgspec.field(default_factory=_zeros)

    def see(self, elapsed: float, *, changed: bool) -> None:
        """Count one fetch, so many seconds after the one before."""
        if elapsed <= 0:
            return
        if not changed:
            self.unchanged += 1
            self.unchanged_seconds += elapsed
            return
        at = min(BINS - 1, int(BINS_A_DOUBLING * math.log2(elapsed))) if elapsed > 1 else 0
        self.changed[at] += 1
        self.changed_seconds[at] += elapsed

    def add(self, other: "Changes") -> "Changes":
        """Add what another process has seen."""
        return Changes(
            unchanged=self.unchanged + other.unchanged,
            unchanged_seconds=self.unchanged_seconds + other.unchanged_seconds,
            changed=[a + b for a, b in zip(self.changed, other.changed, strict=True)],
            changed_seconds=[a + b for a, b in zip(self.changed_seconds, other.changed_seconds, strict=True)],
        )

    def faded(self, share: float) -> "Changes":
        """Return them with so much of their importance."""
        return Changes(
            unchanged=self.unchanged * share,
            unchanged_seconds=self.unchanged_seconds * share,
            changed=[count * share for count in self.changed],
            changed_seconds=[seconds * share for seconds in self.changed_seconds],
        )

    def rate(self) -> Rate | None:
        """Estimate the rate of change; None where nothing was ever fetched again."""
        changed = [(count, seconds / count) for count, seconds in zip(self.changed, self.changed_seconds, strict=True) if count > 0]
        if not changed:
            return Rate(0.0, 0.0, UNSEEN / self.unchanged_seconds) if self.unchanged_seconds > 0 else None
        if self.unchanged_seconds <= 0:
            return Rate(math.inf, _crossing(lambda rate: _support(rate, changed, 0.0) + DROP, SLOWEST, FASTEST), math.inf)
        estimate = _crossing(lambda rate: self.unchanged_seconds - _explained(rate, changed), SLOWEST, FASTEST)
        least = _support(estimate, changed, self.unchanged_seconds) - DROP
        low = _crossing(lambda rate: _support(rate, changed, self.unchanged_seconds) - least, SLOWEST, estimate)
        high = _crossing(lambda rate: least - _support(rate, changed, self.unchanged_seconds), estimate, FASTEST)
        return Rate(estimate, low, high)


def _explained(rate: float, changed: list[tuple[float, float]]) -> float:
    """Sum elapsed / (exp(rate * elapsed) - 1) over what changed; at the likeliest rate it equals the time in which nothing did."""
    return sum(count * elapsed / math.expm1(rate * elapsed) for count, elapsed in changed if rate * elapsed < 700)  # noqa: PLR2004 - exp


def _support(rate: float, changed: list[tuple[float, float]], unchanged_seconds: float) -> float:
    """Return the logarithm of how likely all of this is under a rate."""
    return sum(count * math.log(-math.expm1(-rate * elapsed)) for count, elapsed in changed) - rate * unchanged_seconds


def _crossing(rising: Callable[[float], float], low: float, high: float) -> float:
    """Find where a rising function passes zero, on a logarithmic scale."""
    for _ in range(STEPS):
        middle = math.sqrt(low * high)
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
    return math.sqrt(low * high)
