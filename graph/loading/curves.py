"""Curves: what simulations of a resolver cache found for each size and each time to live, and what follows for other knobs.

They are sums, so those of several processes can be added, and a figure between two simulated ones is read off between them.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec

from graph.loading.change_rate import Changes, Rate
from graph.loading.eviction import Policy
from graph.settings import BatchSettings

AGES: Final = 8
ENOUGH: Final = 1_000
DAY: Final = 86_400.0


class Point(msgspec.Struct, kw_only=True):
    """What was simulated for one eviction policy, budget (bytes a process) and time to live (seconds).

    `sampled` counts the lookups that were simulated, all others count what these stand for. `ages` are the answers that were served
    from the cache by their age, from fresh to `longest` seconds in steps that grow evenly. `known` are all that were served in the
    sample, also those that say "nothing", which are never out of date in this model.
    """

    policy: Policy
    bytes: int
    ttl: float
    longest: float
    sampled: float = 0.0
    lookups: float = 0.0
    missed: float = 0.0
    fetches: float = 0.0
    known: float = 0.0
    ages: list[float] = msgspec.field(default_factory=lambda: [0.0] * AGES)

    @property
    def place(self) -> tuple[str, int, float]:
        """What was simulated."""
        return self.policy, self.bytes, self.ttl

    @property
    def hit_ratio(self) -> float:
        """Which share of the keys that requests asked for is served from the cache."""
        return min(1.0, max(0.0, 1 - self.missed / self.lookups)) if self.lookups else 0.0

    @property
    def fetch_ratio(self) -> float:
        """How many keys are fetched for each key that requests asked for."""
        return min(1.0, self.fetches / self.lookups) if self.lookups else 0.0

    def stale_share(self, rate: float) -> float:
        """Return which share of all answers is out of date when records change so many times a second."""
        if not self.known or not rate:
            return 0.0
        # The mean age of a step from the square of `at` to the square of the next, of as many parts as the square of all steps.
        scale = rate * self.longest / (2 * AGES**2)
        stale = sum(count * -math.expm1(-scale * (at**2 + (at + 1) ** 2)) for at, count in enumerate(self.ages))
        return self.hit_ratio * stale / self.known

    def add(self, other: "Point") -> "Point":
        """Add the same point of another process."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in ("sampled", "lookups", "missed", "fetches", "known")}
        ages = [a + b for a, b in zip(self.ages, other.ages, strict=True)]
        return msgspec.structs.replace(self, ages=ages, **sums)

    def copy(self) -> "Point":
        """Copy it as it is now."""
        return msgspec.structs.replace(self, ages=list(self.ages))

    def fade(self, share: float) -> None:
        """Take away from the importance of what was seen so far."""
        for name in ("sampled", "lookups", "missed", "fetches", "known"):
            setattr(self, name, getattr(self, name) * share)
        self.ages = [count * share for count in self.ages]


class Curves(msgspec.Struct, kw_only=True):
    """The points of one batch function, and what changed meanwhile; `policy`, `bytes` and `ttl` are those of now.

    Under the policy of now there is a point for each size and time to live, under others for each size at the time to live of now.
    """

    policy: Policy
    bytes: int
    ttl: float
    lookups_a_day: float = 0.0
    points: list[Point] = []
    changes: Changes = msgspec.field(default_factory=Changes)

    def add(self, other: "Curves") -> "Curves":
        """Add the curves of another process of the same gateway."""
        points = {point.place: point for point in self.points}
        for point in other.points:
            mine = points.get(point.place)
            points[point.place] = point if mine is None else mine.add(point)
        return Curves(
            policy=self.policy,
            bytes=self.bytes,
            ttl=self.ttl,
            lookups_a_day=self.lookups_a_day + other.lookups_a_day,
            points=list(points.values()),
            changes=self.changes.add(other.changes),
        )

    @property
    def enough(self) -> bool:
        """Whether there is enough to say anything: at each point, a thousand lookups were simulated."""
        return bool(self.points) and min(point.sampled for point in self.points) >= ENOUGH

    def by_size(self, policy: Policy, ttl: float | None = None) -> list[Point]:
        """List the points of a policy and a time to live (without one, that of now), the smallest budget first."""
        wanted = self.ttl if ttl is None else ttl
        return sorted((point for point in self.points if (point.policy, point.ttl) == (policy, wanted)), key=lambda point: point.bytes)

    def by_ttl(self, size: int | None = None) -> list[Point]:
        """List the points of a size (without one, that of now) under the policy of now, the shortest time to live first."""
        wanted = self.bytes if size is None else size
        return sorted((point for point in self.points if (point.policy, point.bytes) == (self.policy, wanted)), key=lambda point: point.ttl)


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What to expect of some knobs; the share of answers that are out of date lies between the two bounds in 95 of 100 cases."""

    hit_ratio: float
    calls_a_day: float
    stale_share: float
    stale_low: float
    stale_high: float


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """What to expect of the knobs as they are and of others; neither is given where it cannot be said, and `why_not` says why."""

    enough_data: bool
    why_not: Literal["too few lookups", "policy not simulated"] | None = None
    now: Expected | None = None
    proposed: Expected | None = None


def predict(curves: Curves, current: BatchSettings, proposed: BatchSettings, *, keys_a_call: float = 1.0) -> Prediction:
    """Say what would change; `keys_a_call` is how many keys a call carries on average, as the figures of the collector show."""
    if not curves.enough:
        return Prediction(enough_data=False, why_not="too few lookups")
    if not curves.by_size(proposed.eviction):
        return Prediction(enough_data=False, why_not="policy not simulated")
    now, then = (_expected(curves, knobs, keys_a_call) for knobs in (current, proposed))
    return Prediction(enough_data=True, now=now, proposed=then)


def recommended_ttl(curves: Curves, stale_share: float, longest: float) -> float | None:
    """Return the longest time to live under which no more than this share of answers is out of date; None where unknown.

    It is at most `longest`, and on the safe side: records may change as often as is still compatible with what was seen.
    """
    rate = curves.changes.rate()
    if rate is None or not curves.enough:
        return None
    before_ttl, before_share = 0.0, 0.0
    for point in curves.by_ttl():
        share = point.stale_share(rate.high)
        if share > stale_share:
            part = (stale_share - before_share) / (share - before_share)
            return min(longest, before_ttl + part * (point.ttl - before_ttl))
        before_ttl, before_share = point.ttl, share
    return min(longest, before_ttl)


def _expected(curves: Curves, knobs: BatchSettings, keys_a_call: float) -> Expected:
    rate = curves.changes.rate() or Rate(0.0, 0.0, math.inf)
    hits = _read(curves, knobs, lambda point: point.hit_ratio)
    stale = [min(hits, _read(curves, knobs, lambda point, change=change: point.stale_share(change))) for change in rate]  # type: ignore[misc]
    fetched = 1 - _read(curves, knobs, lambda point: 1 - point.fetch_ratio)
    return Expected(
        hit_ratio=hits,
        calls_a_day=max(0.0, fetched) * curves.lookups_a_day / keys_a_call,
        stale_share=stale[0],
        stale_low=stale[1],
        stale_high=stale[2],
    )


def _read(curves: Curves, knobs: BatchSettings, figure: Callable[[Point], float]) -> float:
    """Read a figure off between the points; what another policy changes is known at the time to live of now, and taken from there."""
    ttl = min(knobs.ttl_seconds, knobs.longest_ttl_seconds)
    by_size = [
        (point.bytes, _between([(at.ttl, figure(at)) for at in curves.by_ttl(point.bytes)], ttl)) for point in curves.by_size(curves.policy)
    ]
    found = _between(by_size, knobs.max_bytes)
    if knobs.eviction == curves.policy:
        return found
    there, here = (
        _between([(point.bytes, figure(point)) for point in curves.by_size(policy)], knobs.max_bytes)
        for policy in (knobs.eviction, curves.policy)
    )
    return min(1.0, found * there / here) if here else there


def _between(points: Sequence[tuple[float, float]], at: float) -> float:
    """Read a value between two points: beyond the last as there, before the first in proportion, between them by the logarithm."""
    before_x, before_y = 0.0, 0.0
    for x, y in points:
        if at <= x:
            if not before_x:
                return y * at / x if x else y
            part = (math.log(at) - math.log(before_x)) / (math.log(x) - math.log(before_x))
            return before_y + part * (y - before_y)
        before_x, before_y = x, y
    return before_y
