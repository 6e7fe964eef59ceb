"""One of six systems hangs: what that costs the queries that do not need it, while others go on asking for it."""

from collections.abc import Iterator
from itertools import islice
from math import ceil
from typing import Any, Final

from bench import keys
from bench.door import body, told
from bench.exchange import Job
from bench.figures import Column, Section, median_of, percentile
from bench.processes import Gateway, Load, Sandbox
from sandbox.app import SYSTEMS
from sandbox.world import World

HANGING: Final = "population"
NEEDS_IT: Final = "query($id: PersonalId!) { citizen(id: $id) { fullName } }"
NEEDS_OTHERS: Final = """query($code: BusinessCode!, $number: InsuranceNumber!) {
  business(code: $code) { name status tax { status debt } headOffice { commune { name } } }
  insuranceBook(number: $number) { number status }
}"""
SLOTS, CALL_MS = 1_000, 50
MEASURED_A_SECOND, OTHERS_A_SECOND = 50, 20
OTHERS_HAVE: Final = {"X-Request-Timeout": "2"}
"""Who needs the system that hangs gives up before the next while is measured."""

USUAL, BESIDE = "all work", f"{HANGING} hangs"
COLUMNS = (
    Column("systems", "systems"),
    Column("queries", "queries"),
    Column("p50 ms", "p50_ms", 1),
    Column("p99 ms", "p99_ms", 1),
    Column("p99, times as long", "ratio", 2),
    Column("processor ms", "gateway_ms", 2),
    Column("others answered %", "others_percent", 1),
)


class Askers:
    """Two loads: the queries that are measured, and the others beside them."""

    def __init__(self, gateway: Gateway, measured: Load, others: Load, world: World) -> None:
        self.gateway = gateway
        self._measured = measured
        self._others = others
        pairs = zip(keys.businesses(world), keys.insurance_numbers(world), strict=False)
        self._firms = (body(NEEDS_OTHERS, code=code, number=number) for code, number in pairs)
        self._people = (body(NEEDS_IT, id=person) for person in keys.insured_citizens(world))

    def ask(self, seconds: float) -> dict[str, float]:
        """Let both ask for a while; the figures are those of the queries that are measured."""
        before = self.gateway.processor_seconds()
        self._others.begin(self._job(self._people, OTHERS_A_SECOND, seconds, OTHERS_HAVE))
        outcome = told(self._measured.run(self._job(self._firms, MEASURED_A_SECOND, seconds, {})))
        others = self._others.outcome()
        used = self.gateway.processor_seconds() - before
        asked = len(outcome.latencies_ms)
        return {
            "queries": asked,
            "failures": outcome.failures,
            "p50_ms": percentile(outcome.latencies_ms, 0.5),
            "p99_ms": percentile(outcome.latencies_ms, 0.99),
            "gateway_ms": used / (asked + len(others.latencies_ms)) * 1_000,
            "others_percent": 100 - 100 * others.failures / len(others.latencies_ms),
        }

    def _job(self, bodies: Iterator[str], rate: int, seconds: float, headers: dict[str, str]) -> Job:
        enough = list(islice(bodies, ceil(1.5 * rate * seconds) + 10))
        return Job(self.gateway.port, enough, 0, seconds, per_second=rate, headers=headers)


def hanging(sandbox: Sandbox, askers: Askers, rounds: int, seconds: float) -> Section:
    """Measure with and without the hang in turns; RuntimeError where queries fail from the start."""
    for system in SYSTEMS:
        sandbox.bound(system, slots=SLOTS, per_call_ms=CALL_MS)
    if askers.ask(seconds)["failures"]:
        raise RuntimeError("hanging: queries failed while warming up, so nothing was measured")
    measured: dict[str, list[dict[str, float]]] = {USUAL: [], BESIDE: []}
    for _ in range(rounds):
        measured[USUAL].append(askers.ask(seconds))
        sandbox.fault(HANGING, kind="hang")
        measured[BESIDE].append(askers.ask(seconds))
        sandbox.heal(HANGING)
        askers.gateway.resume(HANGING)
    cells: list[dict[str, Any]] = [{"systems": name, **median_of(found), "rounds": found} for name, found in measured.items()]
    for cell in cells:
        cell["ratio"] = cell["p99_ms"] / cells[0]["p99_ms"]
    conditions: dict[str, str | float] = {"rounds": rounds, "seconds a cell and round": round(seconds, 3), "ms a call": CALL_MS}
    return Section("one of six systems hangs", conditions, COLUMNS, cells, _failures(cells))


def _failures(cells: list[dict[str, Any]]) -> int:
    """Count what failed though it needs nothing that is broken."""
    return sum(int(one["failures"]) for cell in cells for one in cell["rounds"])
