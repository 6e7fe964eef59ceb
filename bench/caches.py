"""Caches: what a hit, a miss and a store take in the resolver cache, hit ratios by eviction policy, and what the simulations cost."""

import gc
import statistics
import time
from collections.abc import Callable
from typing import Any, get_args

from bench.engine import UserRecord, user_by_id
from bench.figures import Column, Section
from bench.traces import TRACES, weight_of
from graph.loading.cache import Partition, ResolverCache, wall_clock
from graph.loading.eviction import Policy, new_cache
from graph.loading.sharing import EVERYBODY
from graph.loading.weight import weigher
from graph.loading.whatif import Meter, WhatIf
from graph.settings import BatchSettings

ROUNDS = 5
ENTRIES = 20_000
LOOKUPS_A_SECOND = 5_000
TIMES = (Column("policy", "policy"), Column("hit ns", "hit_ns"), Column("miss ns", "miss_ns"), Column("store ns", "store_ns"))
RATIOS = (
    Column("trace", "trace"),
    *(Column(f"{policy} %", policy, 1) for policy in get_args(Policy)),
    Column("what-if µs a lookup, every key", "every_us", 2),
    Column("one key in eight", "eighth_us", 2),
    Column("% of a processor at 5,000/s, one in eight", "share", 2),
)


def measured(seconds: float) -> Section:
    """Measure everything once; how long that takes does not depend on `seconds`."""
    del seconds
    records = [UserRecord(id=number, name=f"Name {number}", email=f"{number}@example.org") for number in range(ENTRIES)]
    weigh = weigher(user_by_id)
    conditions: dict[str, str | float] = {
        "entries": ENTRIES,
        "rounds": ROUNDS,
        "weighing a small record, ns": round(_nanoseconds(lambda: [weigh(record.id, record) for record in records])),
    }
    times = Section("times", {}, TIMES, [_times(policy, records) for policy in get_args(Policy)], 0)
    ratios = Section("hit ratios and simulations", {}, RATIOS, [_ratios(number) for number in range(len(TRACES))], 0)
    return Section("caches", conditions, (), [], 0, (times, ratios))


def _times(policy: Policy, records: list[UserRecord]) -> dict[str, Any]:
    """Time the whole way through the resolver cache: age, counting and sharing included, with no simulation of the key."""
    cache: ResolverCache[Any, Any] = ResolverCache(user_by_id, BatchSettings(eviction=policy, ttl_seconds=3_600, max_bytes=1 << 28))
    cache.whatif = WhatIf(cache.settings, wall_clock, None, Meter(share=1e9))
    cache.whatif._lower(2.0**-12)  # noqa: SLF001 - as few keys as there can be
    partition: Partition[Any, Any] = Partition(cache, EVERYBODY)
    now = wall_clock()
    stored = _nanoseconds(lambda: [partition.keep(record.id, record, started=now) for record in records])
    hit = _nanoseconds(lambda: [partition.get(record.id) for record in records])
    miss = _nanoseconds(lambda: [partition.get(-1 - record.id) for record in records])
    return {"policy": policy, "hit_ns": hit, "miss_ns": miss, "store_ns": stored}


def _ratios(number: int) -> dict[str, Any]:
    trace = TRACES[number]
    keys = trace.draw()
    ratios = {policy: 100 * _hit_ratio(policy, trace.entries * 100, keys) for policy in get_args(Policy)}
    every, eighth = (_what_if(keys, trace.entries * 100, rate) for rate in (1.0, 1 / 8))
    return {"trace": trace.name, **ratios, "every_us": every, "eighth_us": eighth, "share": eighth * LOOKUPS_A_SECOND / 1e6 * 100}


def _hit_ratio(policy: Policy, budget: int, keys: list[int]) -> float:
    cache, hits = new_cache(policy, budget, weight_of), 0
    for key in keys:
        if cache.get(key) is not None:
            hits += 1
        else:
            cache[key] = key
    return hits / len(keys)


def _what_if(keys: list[int], budget: int, rate: float) -> float:
    """Return the microseconds that simulating takes for each lookup of the trace, sampled or not."""
    now = [0.0]
    knobs = BatchSettings(max_bytes=max(65_536, budget * 8), ttl_seconds=600)
    whatif = WhatIf(knobs, lambda: now[0], None, meter := Meter(share=1e9))
    if rate < 1:
        whatif._lower(rate)  # noqa: SLF001 - to measure just this rate
    known: set[int] = set()
    for key in keys:
        now[0] += 1 / LOOKUPS_A_SECOND
        place = hash((0, key))
        if whatif.samples(place):
            whatif.access(place, 800 if key in known else 0, now[0])
            if key not in known:
                whatif.fetched(place, 800, None, changed=False)
                known.add(key)
    whatif.digest()
    return meter.spent / len(keys) * 1e6


def _nanoseconds(work: Callable[[], object]) -> float:
    """Return the processor time for each of the entries, as the median over the rounds."""
    rounds: list[float] = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.process_time()
        work()
        rounds.append((time.process_time() - began) / ENTRIES * 1e9)
    return statistics.median(rounds)
