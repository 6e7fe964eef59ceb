"""The resolver cache of one batch function: what a system said, for as long as its knobs allow.

An entry keeps what was said and when its fetch began; everything else is judged when it is read, by the knobs as they are then. So a
changed knob counts at once, also for entries that are there already.
"""

import itertools
import math
import random
import time
from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, TypeVar

from cachetools import LRUCache

from graph.errors import OutOfTime, Shed, SystemThrottled, SystemTimedOut, SystemUnavailable
from graph.loading.barriers import Barriers
from graph.loading.batch import Batch
from graph.loading.eviction import EvictingCache, moved, new_cache
from graph.loading.figures import CacheFigures
from graph.loading.labels import labeller
from graph.loading.sharing import Share, narrowed
from graph.loading.weight import weigher
from graph.loading.whatif import WhatIf
from graph.settings import BatchSettings

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")

OUTCOMES: Final[dict[str, tuple[type[Exception], ...]]] = {
    "timeout": (SystemTimedOut, OutOfTime),
    "unavailable": (SystemUnavailable,),
    "throttled": (SystemThrottled, Shed),
}
SHARES_KNOWN: Final = 16_384
# Beyond so many fetch times before the end of an entry's life an early refresh is as good as impossible (exp(-10)), and not drawn for.
NO_DRAW_BEYOND = 10.0


class Missing:
    """The type of MISSING."""


MISSING: Final = Missing()


def _clock() -> Callable[[], float]:
    """Make a clock of seconds since 1970 that never goes back while the process lives."""
    offset = time.time() - time.monotonic()
    monotonic = time.monotonic
    return lambda: monotonic() + offset


wall_clock = _clock()


class Entry:
    """A kept answer: what was said, when its fetch began, and what has to be known to judge, weigh and find it.

    `negative` says that there is nothing. An answer is `lasting` unless it is that, or provisional: then it lives for a short time, and
    is never served past it, because what it says may have come true or come to be in the meantime.
    """

    __slots__ = ("cost", "draw", "labels", "lasting", "negative", "sampled", "started", "value", "weight")

    def __init__(
        self, value: Any, started: float, cost: float, labels: tuple[str, ...], *, negative: bool, provisional: bool = False
    ) -> None:
        self.value = value
        self.started = started
        self.cost = cost
        self.labels = labels
        self.negative = negative
        self.lasting = not (negative or provisional)
        self.draw = random.random()  # noqa: S311 - spreads the ends of lives, guards nothing
        self.weight = 0
        self.sampled = False


class Times:
    """For how long answers are fresh, by the knobs as they are now; provenance asks it, which must not hold on to the cache itself."""

    __slots__ = ("clock", "negative_ttl", "ttl")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.ttl = 0.0
        self.negative_ttl = 0.0

    def age(self, started: float) -> float:
        """Return the seconds since a fetch began."""
        return self.clock() - started

    def is_stale(self, started: float, *, negative: bool) -> bool:
        """Tell whether an answer whose fetch began then is past its time to live."""
        return self.age(started) >= (self.negative_ttl if negative else self.ttl)


class ResolverCache(Generic[K, R]):
    """The entries of one batch function, for all who ask, each under what its callers have in common and its key."""

    def __init__(
        self, batch: Batch[K, R], settings: BatchSettings, clock: Callable[[], float] = wall_clock, barriers: Barriers | None = None
    ) -> None:
        """Make an empty cache; `clock` gives seconds since 1970 and only ever grows, `barriers` are those of the whole process."""
        self.batch = batch
        self.clock = clock
        self.barriers = barriers if barriers is not None else Barriers(math.inf, clock)
        self.figures = CacheFigures(name=batch.name, system=batch.system.name)
        self.whatif = WhatIf(settings, clock, lambda: self.figures.lookups)
        self.shared_tier = False
        # While purges of other processes cannot be heard, nothing about people is served from here.
        self.suspended = False
        self.labels = labeller(batch)
        self._weigh = weigher(batch)
        self._absent = batch.absent()
        self.times = Times(clock)
        self._numbers: LRUCache[Share, int] = LRUCache(SHARES_KNOWN)
        self._next_number = itertools.count()
        self._began = clock()
        self.settings = settings
        self.entries: EvictingCache[tuple[int, K], Entry] = new_cache(settings.eviction, settings.max_bytes, _weight)
        self._take(settings)

    def retune(self, settings: BatchSettings) -> None:
        """Change the knobs; entries stay, as far as there is room for them."""
        if (settings.eviction, settings.max_bytes) != (self.settings.eviction, self.settings.max_bytes):
            self.figures.evictions += self.entries.evictions
            self.entries = moved(self.entries, settings.eviction, settings.max_bytes, _weight)
        self._take(settings)
        self.whatif.retune(settings)

    def _take(self, settings: BatchSettings) -> None:
        self.settings = settings
        self.sharing = narrowed(self.batch.sharing, settings.sharing)
        self.ttl = min(settings.ttl_seconds, settings.longest_ttl_seconds)
        self.negative_ttl = settings.negative_ttl_seconds
        self.times.ttl, self.times.negative_ttl = self.ttl, self.negative_ttl
        self.jitter = settings.jitter
        self.revalidate_for = settings.stale_while_revalidate_seconds
        self.error_for = settings.stale_if_error_seconds
        self.early = settings.early_refresh
        self.error_kinds = tuple(kind for name in settings.stale_if_error_on for kind in OUTCOMES[name])
        self.max_keys = min(self.batch.max_keys, settings.max_keys or self.batch.max_keys)
        self.client_cache = settings.client_cache or ("never" if self.batch.personal else "public")

    def number_of(self, share: Share) -> int:
        """Return the number of what callers have in common; it stands in the keys of their entries."""
        found = self._numbers.get(share)
        if found is None:  # one that was forgotten gets a new number: what it had kept is not found again
            found = self._numbers[share] = next(self._next_number)
        return found

    # ── age ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def ttl_of(self, entry: Entry) -> float:
        """Return for how long answers of this kind are fresh: a provisional one as long as "there is none", but no longer than any."""
        if entry.lasting:
            return self.ttl
        return self.negative_ttl if entry.negative else min(self.ttl, self.negative_ttl)

    def fresh_for(self, entry: Entry) -> float:
        """Return for how many seconds an entry is still fresh; negative where it is not."""
        return entry.started + self.ttl_of(entry) * (1.0 - self.jitter * entry.draw) - self.clock()

    def life(self) -> float:
        """Return for how many seconds an answer may be of use at most."""
        return max(self.ttl + max(self.revalidate_for, self.error_for), self.negative_ttl) if self.ttl else self.negative_ttl

    # ── entries ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def keep(self, number: int, key: K, value: R, *, started: float, cost: float = 0.0, skew: float = 0.0) -> bool:
        """Keep an answer whose fetch began at `started` and took `cost` seconds; False where it was purged in the meantime.

        An answer that is younger stays, one that is larger than allowed is not kept, and one whose life is over already neither. `skew` is
        by how much the clock that `started` was read from may be ahead of ours.
        """
        labels = self.labels(key, value)
        if self.barriers.covers(self.batch, key, labels, started - skew):
            return False
        former = self.entries.peek((number, key))
        if former is not None and former.started > started:
            return True
        provisional = self.batch.is_provisional(value)
        entry = Entry(value, started, cost, labels, negative=value == self._absent, provisional=provisional)
        entry.weight = self._weigh(key, value)
        self._observe(number, key, entry, former)
        if self.ttl_of(entry) <= 0 or self.clock() - started >= self.life():
            self._drop((number, key))
        elif entry.weight > min(self.settings.max_entry_bytes, self.settings.max_bytes):
            self.figures.too_large += 1
            self._drop((number, key))
        else:
            self.entries[number, key] = entry
        return True

    def _observe(self, number: int, key: K, entry: Entry, former: Entry | None) -> None:
        """Tell the what-if simulation of a sampled key that it was fetched, and whether its record had changed.

        A provisional answer lives there as "there is none" does. What came after one says nothing about how often records change.
        """
        sample = hash((number, key))
        if self.whatif.samples(sample):
            entry.sampled = True
            before = former if former is not None and (former.lasting or former.negative) else None
            elapsed = None if before is None else entry.started - before.started
            changed = before is not None and before.value != entry.value
            self.whatif.fetched(sample, entry.weight, elapsed, changed, negative=not entry.lasting)

    def _drop(self, place: tuple[int, K]) -> None:
        self.entries.pop(place, None)

    def forget(self) -> int:
        """Delete what a barrier stands before, and return how many entries that was."""
        covers, batch = self.barriers.covers, self.batch
        gone = [place for place, entry in self.entries.items() if covers(batch, place[1], entry.labels, entry.started)]
        for place in gone:
            del self.entries[place]
        self.figures.purged += len(gone)
        return len(gone)

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()

    def __len__(self) -> int:
        """Count the entries, also those whose time is over and that nobody has asked for since."""
        return len(self.entries)

    def report(self) -> CacheFigures:
        """Return the figures as they are now."""
        figures = self.figures.copy()
        figures.entries, figures.bytes = len(self.entries), int(self.entries.currsize)
        figures.evictions += self.entries.evictions
        figures.seconds = self.clock() - self._began
        return figures


def _weight(entry: Entry) -> int:
    return entry.weight


class Partition(Generic[K, R]):
    """What callers who may share have of a resolver cache. `refresh` is called with a key that should be fetched anew beside the way."""

    __slots__ = ("cache", "number", "refresh", "share")

    def __init__(self, cache: ResolverCache[K, R], share: Share) -> None:
        self.cache = cache
        self.share = share
        self.number = cache.number_of(share)
        self.refresh: Callable[[K], None] | None = None

    def get(self, key: K) -> R | Missing:
        """Return the kept answer, also a kept "nothing", or MISSING. A hit is counted, and may start a refresh."""
        cache = self.cache
        entry: Entry | None = cache.entries.get((self.number, key))
        if entry is None:
            return MISSING
        age = cache.clock() - entry.started
        life = (cache.ttl if entry.lasting else cache.ttl_of(entry)) * (1.0 - cache.jitter * entry.draw)
        if age >= life or cache.suspended:
            return self._past_its_life(key, entry, age - life)
        cache.figures.hits += 1
        if entry.negative:
            cache.figures.negative_hits += 1
        if entry.sampled:
            self._sampled(key, entry, entry.started + age)
        if cache.shared_tier:
            self._refresh_early(key, entry, life - age)
        kept: R = entry.value
        return kept

    def _sampled(self, key: K, entry: Entry, now: float) -> None:
        """Tell the simulations of a hit; an entry that has left their sample, because that became smaller, is told of no more."""
        place, whatif = hash((self.number, key)), self.cache.whatif
        if whatif.samples(place):
            whatif.access(place, entry.weight, now)
        else:
            entry.sampled = False

    def missed(self, key: K) -> None:
        """Count that a request asked for a key that could not be answered from here."""
        self.cache.figures.misses += 1
        sample = hash((self.number, key))
        if self.cache.whatif.samples(sample):
            self.cache.whatif.access(sample, 0, self.cache.clock())

    def _refresh_early(self, key: K, entry: Entry, left: float) -> None:
        """Refresh with a probability of exp(-left / (early * cost)), so that of many processes one asks before the end and none waits."""
        scale = self.cache.early * entry.cost
        if left < scale * NO_DRAW_BEYOND and self.refresh is not None and -scale * math.log(1.0 - random.random()) >= left:  # noqa: S311 - likewise
            self.refresh(key)

    def _past_its_life(self, key: K, entry: Entry, over: float) -> R | Missing:
        """Serve a stale answer while it is fetched anew, where that is allowed.

        What is of no more use stays until it is fetched again or must leave: so it keeps its importance, and shows what has changed.
        """
        cache = self.cache
        if cache.suspended:
            return MISSING
        if entry.lasting and over < cache.revalidate_for and self.refresh is not None:
            cache.figures.hits += 1
            cache.figures.stale_hits += 1
            if entry.sampled:
                self._sampled(key, entry, cache.clock())
            self.refresh(key)
            kept: R = entry.value
            return kept
        return MISSING

    def instead_of(self, key: K, error: BaseException) -> R | Missing:
        """Return what may be served although its fetch failed in this way, or MISSING."""
        cache = self.cache
        if cache.suspended or not isinstance(error, cache.error_kinds):
            return MISSING
        entry = cache.entries.peek((self.number, key))
        if entry is None or not entry.lasting or -cache.fresh_for(entry) >= cache.error_for:
            return MISSING
        cache.figures.stale_on_error += 1
        kept: R = entry.value
        return kept

    def keep(self, key: K, value: R, *, started: float, cost: float = 0.0, skew: float = 0.0) -> bool:
        """Keep an answer; False where it was purged while it was on its way."""
        return self.cache.keep(self.number, key, value, started=started, cost=cost, skew=skew)

    def entry(self, key: K) -> Entry | None:
        """Look at the entry of a key, as if nobody had."""
        return self.cache.entries.peek((self.number, key))

    def keys(self) -> list[K]:
        """List the keys that have an entry."""
        return [key for number, key in self.cache.entries if number == self.number]


class Unkept(Partition[K, R]):
    """A partition for answers that nobody may be given a second time; only what was purged on its way is found out."""

    def get(self, key: K) -> R | Missing:
        """Return MISSING."""
        del key
        return MISSING

    def instead_of(self, key: K, error: BaseException) -> R | Missing:
        """Return MISSING."""
        del key, error
        return MISSING

    def keep(self, key: K, value: R, *, started: float, cost: float = 0.0, skew: float = 0.0) -> bool:
        """Keep nothing; False where the answer was purged while it was on its way."""
        del cost
        cache = self.cache
        return not cache.barriers.covers(cache.batch, key, cache.labels(key, value), started - skew)

    def entry(self, key: K) -> Entry | None:
        """Return None."""
        del key
        return None
