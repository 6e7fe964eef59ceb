"""Simulations: a resolver cache in small, with keys of a sample, and what it would have answered under each time to live.

Which entries a cache holds does not depend on how long they live, as one whose life is over keeps its place and is fetched anew. So one
simulation of a size answers for all times to live: its entries keep, for each of them, when they would have been fetched last.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from graph.loading.curves import AGES, Point
from graph.loading.eviction import EvictingCache, Policy, moved, new_cache
from graph.settings import BatchSettings

SIZES: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
TTLS: Final = (30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 21_600.0, 86_400.0)

# A weight, and when the entry was fetched last under each time to live.
Kept = list[float]


class Event(NamedTuple):
    """A lookup of a key: its weight times as many keys as it stands for, and whether the system says that there is nothing under it."""

    key: int
    now: float
    weight: float
    negative: bool


class Rules(NamedTuple):
    """The knobs that hold for all simulations of a batch function."""

    jitter: float
    negative_ttl: float
    revalidate_for: float
    max_entry: int

    @classmethod
    def of(cls, knobs: BatchSettings) -> "Rules":
        """Take them from the knobs."""
        return cls(knobs.jitter, knobs.negative_ttl_seconds, knobs.stale_while_revalidate_seconds, knobs.max_entry_bytes)


class Plan(NamedTuple):
    """What one simulation is of: an eviction policy, a budget, and the times to live."""

    policy: Policy
    bytes: int
    ttls: tuple[float, ...]


def plans(knobs: BatchSettings) -> list[Plan]:
    """List what to simulate: each size with all times to live under the policy of now, and with that of now under S3-FIFO and LRU."""
    now = ttl_of(knobs)
    times = tuple(sorted({*TTLS, now}))
    policies: list[Policy] = list(dict.fromkeys((knobs.eviction, "s3fifo", "lru")))
    return [Plan(at, int(knobs.max_bytes * size), times if at == knobs.eviction else (now,)) for at in policies for size in SIZES]


def ttl_of(knobs: BatchSettings) -> float:
    """Return the time to live that holds."""
    return min(knobs.ttl_seconds, knobs.longest_ttl_seconds)


def weight_of(kept: Kept) -> Any:
    """Weigh what stands for an entry."""
    return kept[0]


class Lane:
    """One time to live of a simulation: where in an entry its times stand, the bounds of a life, and what came of the lookups."""

    __slots__ = ("ages", "at", "late", "life", "longest", "missed", "point", "steps")

    def __init__(self, at: int, point: Point, rules: Rules) -> None:
        self.at = at
        self.point = point
        # Lives end by chance up to `jitter` before their time; half of that is what they lose on average.
        self.life = point.ttl * (1 - rules.jitter / 2)
        self.longest = point.longest
        self.steps = (AGES - 1e-6) ** 2 / self.longest if self.longest else 0.0
        self.clear()

    def clear(self) -> None:
        """Count from nothing."""
        self.ages = [0] * AGES
        self.missed = 0
        self.late = 0


class Simulation:
    """The real kind of cache for one plan, and a point of the curves for each time to live."""

    def __init__(self, plan: Plan, rules: Rules, old: "Simulation | None" = None) -> None:
        """Begin with an empty cache, or with that of another simulation, which is then no longer of use."""
        self.plan = plan
        self.rules = rules
        self.cache: EvictingCache[int, Kept] = new_cache(plan.policy, plan.bytes, weight_of) if old is None else _taken(old, plan)
        self._heaviest = 0.0
        points: dict[float, Point] = (
            {point.ttl: point for point in old.points} if old and old.rules == rules and old.plan[:2] == plan[:2] else {}
        )
        self.points: list[Point] = [points.get(ttl) or self._point(ttl) for ttl in plan.ttls]
        self._lanes = [Lane(at, point, rules) for at, point in enumerate(self.points, 1)]

    def _point(self, ttl: float) -> Point:
        life = ttl * (1 - self.rules.jitter / 2)
        longest = life + self.rules.revalidate_for if ttl else 0.0
        return Point(policy=self.plan.policy, bytes=self.plan.bytes, ttl=ttl, longest=longest)

    def run(self, events: Sequence[Event], rate: float, lookups: float) -> None:
        """Look up keys of the sample, each of which stands for `1 / rate` keys; all keys together were looked up `lookups` times."""
        cache, get, lanes = self.cache, self.cache.get, self._lanes
        self._heaviest = heaviest = min(self.rules.max_entry / rate, self.plan.bytes)
        times = len(lanes)
        absent = nothing = unheard = 0
        for key, now, weight, negative in events:
            kept = get(key)
            if kept is None:
                absent += 1
                if weight <= heaviest:
                    cache[key] = [weight, *([now] * times)]
                continue
            if kept[0] != weight:
                self._reweigh(key, kept, weight)
            if negative:
                if now - kept[1] < self.rules.negative_ttl:
                    nothing += 1
                else:
                    unheard += 1
                    kept[1:] = [now] * times
                continue
            for lane in lanes:
                age = now - kept[lane.at]
                if age < lane.life:
                    lane.ages[int(abs(age * lane.steps) ** 0.5)] += 1
                else:
                    kept[lane.at] = now
                    _past(lane, age)
        for lane in lanes:
            _count(lane, len(events), (absent + unheard, nothing), rate, lookups)

    def _reweigh(self, key: int, kept: Kept, weight: float) -> None:
        kept[0] = weight
        if weight > self._heaviest:
            del self.cache[key]
        else:
            self.cache[key] = kept


def _past(lane: Lane, age: float) -> None:
    """Count a lookup of an entry whose life is over: served while it is fetched, or waited for."""
    if age < lane.longest:
        lane.ages[int(abs(age * lane.steps) ** 0.5)] += 1
        lane.late += 1
    else:
        lane.missed += 1


def _count(lane: Lane, sampled: int, missed_and_nothing: tuple[int, int], rate: float, lookups: float) -> None:
    missed, nothing = lane.missed + missed_and_nothing[0], missed_and_nothing[1]
    point = lane.point
    point.sampled += sampled
    point.lookups += lookups
    point.missed += missed / rate
    point.fetches += (missed + lane.late) / rate
    point.known += (sum(lane.ages) + nothing) / rate
    point.ages = [before + count / rate for before, count in zip(point.ages, lane.ages, strict=True)]
    lane.clear()


def _taken(old: Simulation, plan: Plan) -> EvictingCache[int, Kept]:
    """Take over the entries of another simulation; times to live that it had not are as far as the nearest that it had."""
    if old.plan.ttls != plan.ttls:
        places = [min(range(len(old.plan.ttls)), key=lambda at: abs(old.plan.ttls[at] - ttl)) for ttl in plan.ttls]
        for kept in old.cache.values():
            kept[1:] = [kept[1 + place] for place in places]
    if (old.plan.policy, old.plan.bytes) == (plan.policy, plan.bytes):
        return old.cache
    return moved(old.cache, plan.policy, plan.bytes, weight_of)
