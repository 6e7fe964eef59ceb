"""What if the cache were larger, or kept records for longer: simulations of a resolver cache in small, fed with a sample of its keys.

Keys are chosen by their hash, so that a key is in the sample with all of its lookups or with none, and caches are scaled with the sample
(SHARDS, Waldspurger and others, FAST 2015; miniature simulation, the same, ATC 2017). A hot key is in the sample as a whole or is not,
which alone would make a hit ratio wrong by many points: lookups that the sample has too few or too many of are counted as hits.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from graph.loading.change_rate import Changes
from graph.loading.curves import DAY, Curves, Expected, Point, Prediction, predict, recommended_ttl
from graph.loading.eviction import Policy
from graph.loading.simulation import Event, Plan, Rules, Simulation, plans, ttl_of
from graph.settings import BatchSettings

__all__ = ["Curves", "Expected", "Meter", "Point", "Prediction", "WhatIf", "predict", "recommended_ttl"]

# In the largest cache, which has eight times the budget of now: that of now has a thousand then, and all together take some 20 MB.
MOST_KEYS: Final = 8_192
BUFFER: Final = 64
LARGEST_PENDING: Final = 1_024
LOWEST_RATE: Final = 2.0**-12
HOUR: Final = 3_600.0
# Each hour takes a part of what the hours before it count for, so that together they weigh as much as a day, and changes as a week.
DAY_FADES: Final = 1 - 1 / 24
WEEK_FADES: Final = 1 - 1 / 168
HASHES: Final = 1 << 64
# An odd number with bits in no order: spreads hashes that are as regular as the keys (those of whole numbers).
SPREAD: Final = 0x9E37_79B9_7F4A_7C15


class Meter:
    """Watches that the simulations of a process together take no more than a share of its processor time."""

    def __init__(
        self, share: float = 0.01, own: Callable[[], float] = time.thread_time, whole: Callable[[], float] = time.process_time
    ) -> None:
        """Watch with two clocks in seconds: of the thread that simulates, and of the whole process."""
        self.share = share
        self.spent = 0.0
        self._own = own
        self._whole = whole
        self._mark = whole()
        self._began = 0.0
        self._since_mark = 0.0

    def begin(self) -> None:
        """Start the watch."""
        self._began = self._own()

    def end(self) -> float:
        """Stop the watch; returns by which factor to do less, 1.0 where nothing has to change."""
        took = self._own() - self._began
        self.spent += took
        self._since_mark += took
        if self._since_mark < 0.02:  # noqa: PLR2004 - seconds; less says nothing about the share
            return 1.0
        whole, spent = self._whole() - self._mark, self._since_mark
        self._mark, self._since_mark = self._mark + whole, 0.0
        return 1.0 if spent <= self.share * whole else min(0.5, max(0.125, self.share * whole / spent))


METER: Final = Meter()


class WhatIf:
    """The simulations of one batch function in one process.

    `access` is to be called for each lookup of a key of the sample, `fetched` for each answer about one; both only take notes.
    """

    def __init__(
        self, knobs: BatchSettings, clock: Callable[[], float], lookups: Callable[[], float] | None = None, meter: Meter = METER
    ) -> None:
        """Simulate around the knobs as they are; `lookups` counts all lookups, also of keys that are not in the sample."""
        self.rate = 1.0
        self.lookups = lookups
        self._clock = clock
        self._meter = meter
        self._threshold = HASHES
        self._notes: list[tuple[Any, ...]] = []
        self._seen: dict[int, tuple[float, bool]] = {}
        self._pending: dict[int, list[float]] = {}
        self._to_tidy: deque[Simulation] = deque()
        self._changes = Changes()
        self._counted = lookups() if lookups else 0.0
        self._lookups = self._seconds = 0.0
        self._hour = self._until = clock()
        self._knobs = knobs
        self._simulations: list[Simulation] = []
        self._build(knobs)

    def samples(self, place: int) -> bool:
        """Tell by its hash whether a key is in the sample."""
        return (place * SPREAD) % HASHES < self._threshold

    def access(self, place: int, weight: int, now: float) -> None:
        """Note a lookup of the key with this hash; `weight` is that of its entry in bytes, 0 where there is none."""
        self._notes.append((place, weight, now))
        if len(self._notes) >= BUFFER:
            self.digest()

    def fetched(self, place: int, weight: int, elapsed: float | None, changed: bool, *, negative: bool = False) -> None:  # noqa: FBT001 - it goes with elapsed
        """Note an answer about the key with this hash.

        `elapsed` is how many seconds after the fetch before its own fetch began, None where that one is not known; `changed` says
        whether it said something else; `negative`, that it says "nothing".
        """
        self._notes.append((place, weight, elapsed, changed, negative))
        if len(self._notes) >= BUFFER:
            self.digest()

    def retune(self, knobs: BatchSettings) -> None:
        """Simulate around other knobs. What they change begins anew, with caches that are as full as those before."""
        self.digest()
        self._build(knobs)

    def digest(self) -> None:
        """Simulate what was noted."""
        self._meter.begin()
        self._fade()
        events = self._events()
        counted = self.lookups() if self.lookups else self._counted + len(events) / self.rate
        happened, self._counted = counted - self._counted, counted
        self._lookups += happened
        for simulation in self._simulations:
            simulation.run(events, self.rate, happened)
        self._tidy()
        if (factor := self._meter.end()) < 1.0:
            self._lower(factor)

    def curves(self) -> Curves:
        """Return what is known now."""
        self.digest()
        knobs = self._knobs
        return Curves(
            policy=knobs.eviction,
            bytes=knobs.max_bytes,
            ttl=ttl_of(knobs),
            lookups_a_day=self._lookups / self._seconds * DAY if self._seconds > 0 else 0.0,
            points=[point.copy() for simulation in self._simulations for point in simulation.points],
            changes=self._changes.faded(1.0),
        )

    def _events(self) -> list[Event]:
        """Turn the notes into lookups of keys whose weight is known: where it is not, a lookup waits for the answer that it leads to."""
        notes, self._notes = self._notes, []
        events: list[Event] = []
        for note in notes:
            if not self.samples(note[0]):
                continue
            if len(note) == 3:  # noqa: PLR2004 - a lookup
                self._looked_up(*note, events)
            else:
                self._answered(note, events)
        while len(self._pending) > LARGEST_PENDING:
            place = next(iter(self._pending))
            events += [Event(place, now, math.inf, negative=False) for now in self._pending.pop(place)]
        return events

    def _looked_up(self, place: int, weight: float, now: float, events: list[Event]) -> None:
        seen = self._seen.get(place)
        if seen is None:
            if not weight:
                self._pending.setdefault(place, []).append(now)
                return
            self._seen[place] = seen = (float(weight), False)
        events.append(Event(place, now, seen[0] / self.rate, seen[1]))

    def _answered(self, note: tuple[Any, ...], events: list[Event]) -> None:
        place, weight, elapsed, changed, negative = note
        self._seen[place] = (float(weight), negative)
        if elapsed is not None:
            self._changes.see(elapsed, changed=changed)
        events += [Event(place, now, weight / self.rate, negative) for now in self._pending.pop(place, ())]

    def _tidy(self) -> None:
        """Lower the rate where there are too many keys; take what is no longer in the sample out of one cache at a time."""
        if self._to_tidy:
            cache = self._to_tidy.popleft().cache
            for place in [place for place in cache if not self.samples(place)]:
                del cache[place]
            return
        largest = max((one.cache for one in self._simulations), key=len)
        if len(largest) > MOST_KEYS:
            self._lower(0.5)
        elif len(self._seen) > 2 * MOST_KEYS:
            self._seen = {place: seen for place, seen in self._seen.items() if place in largest}

    def _lower(self, factor: float) -> None:
        """Take a smaller sample. Entries that are in the caches stand for as many as before until they are fetched again."""
        self.rate = max(LOWEST_RATE, self.rate * factor)
        self._threshold = int(HASHES * self.rate)
        self._seen = {place: seen for place, seen in self._seen.items() if self.samples(place)}
        self._pending = {place: waiting for place, waiting in self._pending.items() if self.samples(place)}
        self._to_tidy = deque(self._simulations)

    def _fade(self) -> None:
        now = self._clock()
        self._seconds += now - self._until
        self._until = now
        hours = int((now - self._hour) / HOUR)
        if hours <= 0:
            return
        self._hour += hours * HOUR
        share = DAY_FADES**hours
        self._lookups *= share
        self._seconds *= share
        self._changes = self._changes.faded(WEEK_FADES**hours)
        for simulation in self._simulations:
            for point in simulation.points:
                point.fade(share)

    def _build(self, knobs: BatchSettings) -> None:
        """Make the simulations around these knobs, each of the one that is the most like it, where there is one."""
        rules, wanted, spare = Rules.of(knobs), plans(knobs), {one.plan[:2]: one for one in self._simulations}
        self._knobs = knobs
        chosen = [spare.pop(plan[:2], None) for plan in wanted]
        self._simulations = [Simulation(plan, rules, old or _nearest(spare, plan)) for plan, old in zip(wanted, chosen, strict=True)]
        self._to_tidy = deque(self._simulations) if self.rate < 1 else deque()


def _nearest(spare: dict[tuple[Policy, int], Simulation], plan: Plan) -> Simulation | None:
    """Take the simulation of the same policy and the nearest size; None where there is none left."""
    alike = [(policy, size) for policy, size in spare if policy == plan.policy]
    return spare.pop(min(alike, key=lambda one: abs(math.log(one[1] / plan.bytes)))) if alike else None
