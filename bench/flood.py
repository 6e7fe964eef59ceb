"""A flood: twelve times as many queries as a system can answer, jobs of the night beside people who wait, or people alone.

What a system can answer is measured first. Nothing is kept, so that every query needs a call.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from math import ceil, nan
from typing import Any, Final, Self

from bench.door import body, told
from bench.exchange import FULL, REFUSED, Fate, Job
from bench.figures import Column, Section, percentile
from bench.processes import Changes, Gateway, Load, Sandbox

BOUNDED: Final = "population"
DOCUMENT: Final = "query($id: PersonalId!) { citizen(id: $id) { fullName } }"
CHANGES: Final[Changes] = {"batches": {"citizen_by_id": {"ttl_seconds": 0, "negative_ttl_seconds": 0, "stale_if_error_seconds": 0}}}
SLOTS, CALL_MS, TIMES, INTERACTIVE = 8, 100, 12, 0.5
ALONE, FLOOD, AFTER = 0.2, 0.6, 0.3
"""Shares of the time for finding out, for the flood, and for a usual load after it."""

JOBS: Final = {"X-Priority": "batch"}
SLOWER, WHILE_SECONDS = 1.5, 1.0
"""Service is full again from the first query on that begins a second in which all are answered, none this much slower than p99 was."""

COLUMNS = (
    Column("load", "load"),
    Column("queries", "asked"),
    Column("queries/s", "per_second", 1),
    Column("answered %", "answered_percent", 2),
    Column("of what fits %", "of_fitting_percent", 2),
    Column("503", "refused"),
    Column("SHED in the answer", "shed"),
    Column("out of time", "late"),
    Column("other", "other"),
    Column("p50 ms", "p50_ms", 1),
    Column("p99 ms", "p99_ms", 1),
    Column("calls/s", "calls_per_second", 1),
    Column("processor %", "processor_percent", 1),
    Column("full service after s", "full_after_s", 2),
)


class River:
    """The gateway, the system behind it, and the two loads before it."""

    def __init__(self, sandbox: Sandbox, gateway: Gateway, loads: tuple[Load, Load], people: Sequence[str]) -> None:
        self.sandbox = sandbox
        self.gateway = gateway
        self.flooding, self.steady = loads
        self._people = cycle(people)

    def can_answer(self, seconds: float) -> float:
        """Find out how many queries a second are answered when twice as many are always under way as the system works on."""
        bodies = self._bodies(ceil(3 * seconds * SLOTS * 1_000 / CALL_MS) + 4 * SLOTS)
        outcome = told(self.steady.run(Job(self.gateway.port, bodies, 2 * SLOTS, seconds)))
        if outcome.failures:
            raise RuntimeError("flood: queries failed while the system was not even busy, so nothing was measured")
        return len(outcome.latencies_ms) / outcome.seconds

    def job(self, rate: float, seconds: float, headers: dict[str, str] | None = None) -> Job:
        """Let so many come a second, by chance."""
        bodies = self._bodies(ceil(1.2 * rate * seconds) + 20)
        return Job(self.gateway.port, bodies, 0, seconds, per_second=rate, fates=True, headers=headers or {})

    def _bodies(self, number: int) -> list[str]:
        return [body(DOCUMENT, id=person) for person in islice(self._people, number)]


def flood(river: River, seconds: float) -> Section:
    """Measure the usual load alone, then the flood of jobs beside it, then the flood of people; each with what comes after."""
    river.sandbox.bound(BOUNDED, slots=SLOTS, per_call_ms=CALL_MS)
    most = river.can_answer(seconds * ALONE)
    usual = INTERACTIVE * most
    with Meter(river) as meter:
        alone = river.steady.run(river.job(usual, seconds * ALONE)).fates
    cells = [meter.cell("people alone", alone, most)]
    for of_jobs in (True, False):
        cells += _flooded(river, most, seconds, cells[0]["p99_ms"], of_jobs=of_jobs)
    conditions: dict[str, str | float] = {"slots": SLOTS, "ms a call": CALL_MS, "queries/s that it can answer": round(most, 1)}
    failures = sum(fate.became != FULL for fate in alone)
    return Section("twelve times as much as a system can answer", conditions, COLUMNS, cells, failures)


class Meter:
    """Meters the calls and the processor while it is open."""

    def __init__(self, river: River) -> None:
        self._river = river
        self._figures: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._river.sandbox.reset_calls()
        self._began, self._used = time.perf_counter(), self._river.gateway.processor_seconds()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._figures:
            self.read()

    def read(self) -> None:
        """Read it now, for what is still going on."""
        took = time.perf_counter() - self._began
        self._figures = {
            "calls_per_second": self._river.sandbox.counts()[BOUNDED]["calls"] / took,
            "processor_percent": 100 * (self._river.gateway.processor_seconds() - self._used) / took,
        }

    def cell(self, load: str, fates: Sequence[Fate], room: float, full_after: float = nan) -> dict[str, Any]:
        """Write down what became of one load, for which the system has room for so many a second."""
        became = Counter(fate.became for fate in fates)
        answered, lasted = became[FULL], lasting(fates)
        well = [fate.milliseconds for fate in fates if fate.became == FULL]
        shed, late = became["SHED"], became["DEADLINE_EXCEEDED"]
        return {
            "load": load,
            "asked": len(fates),
            "per_second": len(fates) / lasted if lasted else nan,
            "answered_percent": 100 * answered / len(fates) if fates else nan,
            "of_fitting_percent": 100 * of_fitting(fates, room),
            "refused": became[REFUSED],
            "shed": shed,
            "late": late,
            "other": len(fates) - answered - became[REFUSED] - shed - late,
            "p50_ms": percentile(well, 0.5),
            "p99_ms": percentile(well, 0.99),
            **self._figures,
            "full_after_s": full_after,
        }


def _flooded(river: River, most: float, seconds: float, usual_ms: float, *, of_jobs: bool) -> Iterator[dict[str, Any]]:
    """Let a flood come, and a usual load of people: all the while beside jobs, and after a flood of people."""
    usual, name = INTERACTIVE * most, "jobs" if of_jobs else "people"
    flooding = river.job(TIMES * most - (usual if of_jobs else 0), seconds * FLOOD, JOBS if of_jobs else None)
    steady = river.job(usual, seconds * (FLOOD * of_jobs + AFTER))
    with Meter(river) as meter:
        river.flooding.begin(flooding)
        if of_jobs:
            river.steady.begin(steady)
        time.sleep(seconds * FLOOD)
        meter.read()
    with Meter(river) as afterwards:
        if not of_jobs:
            river.steady.begin(steady)
        people = sorted(river.steady.outcome().fates, key=lambda fate: fate.due)
    flood_fates = river.flooding.outcome().fates
    ended = max(fate.due for fate in flood_fates)
    during, after = ([fate for fate in people if (fate.due > ended) is late] for late in (False, True))
    if of_jobs:
        yield meter.cell("people, beside the flood of jobs", during, most)
    yield meter.cell(f"the flood of {name}", flood_fates, most - usual * of_jobs)
    yield afterwards.cell(f"people, after the flood of {name}", after, most, full_service(after, usual_ms) - ended)


def lasting(fates: Sequence[Fate]) -> float:
    """Return for how many seconds questions came."""
    dues = [fate.due for fate in fates]
    return max(dues) - min(dues) if dues else 0.0


def of_fitting(fates: Sequence[Fate], room: float) -> float:
    """Return which share is answered in full: of all, or where more came than there is room for, of what fits while they come."""
    fit = room * lasting(fates)
    if len(fates) <= fit:
        return sum(fate.became == FULL for fate in fates) / len(fates)
    ends = max((fate.due for fate in fates), default=nan)
    return sum(fate.became == FULL and fate.due + fate.milliseconds / 1_000 <= ends for fate in fates) / fit if fit else nan


def full_service(fates: Sequence[Fate], usual_ms: float) -> float:
    """Return when a while began in which all were answered in full, none much slower than usual; NaN where none did.

    The fates are in the order in which they were due.
    """
    for fate in fates:
        ends = fate.due + WHILE_SECONDS
        if ends > fates[-1].due:
            break
        if all(_well(one, usual_ms) for one in fates if fate.due <= one.due < ends):
            return fate.due
    return nan


def _well(fate: Fate, usual_ms: float) -> bool:
    return fate.became == FULL and fate.milliseconds <= SLOWER * usual_ms
