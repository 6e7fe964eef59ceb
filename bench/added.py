"""Added latency: how much longer than its critical path a lone client waits, at agencies that are quick, usual, slow and very slow.

The query needs three calls one after the other, each for one key: the citizen, the father, the father's insurance book. Beside the gateway
as it is stands one whose admission is as far out of the way as settings allow. Of such slow queries a round holds too few for figures of
its own: the rounds of a cell are put together.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from typing import Any, Final

import msgspec

from bench.door import TRIALS, told
from bench.exchange import Job
from bench.figures import Column, Section, percentile
from bench.processes import Changes, Gateway, Load, Sandbox, gateway_running
from sandbox.app import SYSTEMS

DOCUMENT: Final = "query($id: PersonalId!) { citizen(id: $id) { fullName father { fullName insurance { number status } } } }"
WAVES, KEY_MS, SLOTS = 3, 0.5, 1_000
PER_CALL_MS: Final = {5: 0.02, 50: 0.03, 150: 0.04, 1_000: 0.1}
"""Milliseconds that a call takes, and for which share of the time each side is measured in a round."""

UNLIMITED: Final[Changes] = {
    "concurrency": {"adaptive": False, "initial": 128},
    "breaker": {"calls": 10_000_000, "failing": 1.0, "slow": 1.0, "slow_seconds": 3_600.0},
    "retries": {"times": 0, "times_for_batch": 0},
}
SIDES: Final[Mapping[str, Changes]] = {
    "as it is": {},
    "out of the way": {"systems": {system: {**UNLIMITED, "max_connections": 128} for system in SYSTEMS}},
}
COLUMNS = (
    Column("ms a call", "call_ms"),
    Column("admission", "side"),
    Column("critical path ms", "path_ms", 1),
    Column("queries", "queries"),
    Column("p50 ms", "p50_ms", 1),
    Column("p99 ms", "p99_ms", 1),
    Column("added p50 ms", "added_p50_ms", 2),
    Column("added p99 ms", "added_p99_ms", 2),
    Column("between calls p50 ms", "between_p50_ms", 2),
    Column("processor ms", "gateway_ms", 2),
)


def added(sandbox: Sandbox, load: Load, people: Iterator[str], rounds: int, seconds: float) -> Section:
    """Measure both sides in turns at each speed; RuntimeError where queries fail from the start."""
    cells: list[dict[str, Any]] = []
    with ExitStack() as running:
        gateways = {name: running.enter_context(gateway_running(sandbox, changes)) for name, changes in SIDES.items()}
        for gateway in gateways.values():
            if told(load.run(Job(gateway.port, _bodies(people, TRIALS), 1, seconds))).failures:
                raise RuntimeError("added latency: queries failed while warming up, so nothing was measured")
        for call_ms, share in PER_CALL_MS.items():
            for system in SYSTEMS:
                sandbox.bound(system, slots=SLOTS, per_call_ms=call_ms)
            found = {name: Cell(gateway, load, call_ms, seconds * share) for name, gateway in gateways.items()}
            for _ in range(rounds):
                for cell in found.values():
                    cell.round(people)
            cells += [{"side": name, **cell.figures(people)} for name, cell in found.items()]
    return Section("added latency", {"rounds": rounds, "waves": WAVES}, COLUMNS, cells, sum(cell["failures"] for cell in cells))


def critical_path_ms(call_ms: float) -> float:
    """Return how long the agencies take for the query."""
    return WAVES * (call_ms + KEY_MS)


class Cell:
    """One side at one speed: how long its queries took, and what they cost, in all rounds together."""

    def __init__(self, gateway: Gateway, load: Load, call_ms: int, seconds: float) -> None:
        self._gateway = gateway
        self._load = load
        self._call_ms = call_ms
        self._seconds = seconds
        self._latencies_ms: list[float] = []
        self._failures = 0
        self._used = 0.0

    def round(self, people: Iterator[str]) -> None:
        """Ask one question after the other for a while."""
        before = self._gateway.processor_seconds()
        outcome = told(self._load.run(self._job(people)))
        self._used += self._gateway.processor_seconds() - before
        self._latencies_ms += outcome.latencies_ms
        self._failures += outcome.failures

    def figures(self, people: Iterator[str]) -> dict[str, Any]:
        """Ask a while longer with an analysis of each query, for what it does between its calls, and return all figures."""
        path = critical_path_ms(self._call_ms)
        p50, p99 = (percentile(self._latencies_ms, share) for share in (0.5, 0.99))
        analysed = told(self._load.run(self._job(people, {"plan": "analyse"})))
        return {
            "call_ms": self._call_ms,
            "path_ms": path,
            "queries": len(self._latencies_ms),
            "failures": self._failures + analysed.failures,
            "p50_ms": p50,
            "p99_ms": p99,
            "added_p50_ms": p50 - path,
            "added_p99_ms": p99 - path,
            "between_p50_ms": percentile([between_calls_ms(answer) for answer in analysed.answers], 0.5),
            "gateway_ms": self._used / len(self._latencies_ms) * 1_000,
            "latencies_ms": self._latencies_ms,
        }

    def _job(self, people: Iterator[str], extensions: dict[str, str] | None = None) -> Job:
        bodies = _bodies(people, 2 + int(self._seconds * 1_000 / critical_path_ms(self._call_ms)), extensions)
        return Job(self._gateway.port, bodies, 1, self._seconds, answers=bool(extensions))


def between_calls_ms(answer: str) -> float:
    """Return how long an analysed query took beyond its calls, which were made one after the other."""
    run = msgspec.json.decode(answer)["extensions"]["plan"]["measured"]
    if len(run["calls"]) != WAVES:
        raise RuntimeError("the query did not make one call a wave, so its critical path is another one")
    took: float = run["milliseconds"] - sum(call["milliseconds"] for call in run["calls"])
    return took


def _bodies(people: Iterator[str], number: int, extensions: dict[str, str] | None = None) -> list[str]:
    return [
        msgspec.json.encode({"query": DOCUMENT, "variables": {"id": person}, "extensions": extensions or {}}).decode()
        for person in islice(people, number)
    ]
