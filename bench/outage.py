"""An outage: a system fails every call for a while, under load. How many calls too many it gets, and how soon all is well after it.

What the gateway says of its calls is held against what the sandbox has counted.
"""

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from math import ceil, nan
from typing import Any, Final

from bench.door import body
from bench.exchange import FULL, Fate, Job
from bench.figures import Column, Section
from bench.processes import Gateway, Load, Sandbox, gateway_running

BROKEN: Final = "population"
DOCUMENT: Final = "query($id: PersonalId!) { citizen(id: $id) { fullName } }"
SLOTS, CALL_MS, A_SECOND = 1_000, 50, 40
BEFORE, DURING, AFTER = 0.1, 0.4, 0.7
"""Shares of the time in which the system works, fails, and works again."""

WELL_AGAIN, WHILE_SECONDS = 0.95, 1.0
"""All is well from the first query on that begins a second in which so many are answered in full."""

FAULTS: Final[dict[str, dict[str, str | float]]] = {"HTTP 500": {"kind": "status", "code": 500}, "reset": {"kind": "reset"}}
COLUMNS = (
    Column("every call fails by", "fault"),
    Column("queries while it fails", "queries"),
    Column("calls", "calls"),
    Column("of them needed", "needed"),
    Column("calls / needed", "amplification", 3),
    Column("calls by the sandbox's count", "counted"),
    Column("calls/s", "calls_per_second", 1),
    Column("well again after s", "well_after_s", 1),
    Column("answered from then on %", "then_percent", 1),
)


def outage(sandbox: Sandbox, load: Load, people: Iterator[str], seconds: float) -> Section:
    """Let the system fail in each way once, in front of a gateway that has just been started."""
    sandbox.bound(BROKEN, slots=SLOTS, per_call_ms=CALL_MS)
    cells = []
    for name, fault in FAULTS.items():
        with gateway_running(sandbox) as gateway:
            cells.append({"fault": name, **_suffered(Sufferer(sandbox, gateway, load), people, fault, seconds)})
    conditions: dict[str, str | float] = {"queries/s": A_SECOND, "seconds of failing": round(seconds * DURING, 1), "ms a call": CALL_MS}
    return Section("a system that fails altogether", conditions, COLUMNS, cells, sum(int(cell["failures"]) for cell in cells))


class Sufferer:
    """A gateway whose system fails, and what is counted on both sides of it meanwhile."""

    def __init__(self, sandbox: Sandbox, gateway: Gateway, load: Load) -> None:
        self.sandbox = sandbox
        self.gateway = gateway
        self.load = load

    def fails(self, fault: dict[str, str | float], seconds: float) -> dict[str, float]:
        """Let the system fail for a while, heal it, and return what that cost."""
        before, began = self.gateway.figures(BROKEN), time.perf_counter()
        self.sandbox.reset_calls()
        self.sandbox.fault(BROKEN, **fault)
        time.sleep(seconds)
        after, counted = self.gateway.figures(BROKEN), self.sandbox.counts()[BROKEN]["calls"]
        self.sandbox.heal(BROKEN)
        healed = time.perf_counter()
        calls = after["calls"] - before["calls"]
        needed = calls - sum(after[beyond] - before[beyond] for beyond in ("retries", "extra_calls"))
        return {
            "began": began,
            "healed": healed,
            "calls": calls,
            "needed": needed,
            "amplification": calls / needed if needed else nan,
            "counted": counted,
            "calls_per_second": counted / (healed - began),
        }


def _suffered(sufferer: Sufferer, people: Iterator[str], fault: dict[str, str | float], seconds: float) -> dict[str, Any]:
    whole = seconds * (BEFORE + DURING + AFTER)
    bodies = [body(DOCUMENT, id=person) for person in islice(people, ceil(1.3 * A_SECOND * whole) + 10)]
    sufferer.load.begin(Job(sufferer.gateway.port, bodies, 0, whole, per_second=A_SECOND, fates=True))
    time.sleep(seconds * BEFORE)
    cost = sufferer.fails(fault, seconds * DURING)
    fates = sorted(sufferer.load.outcome().fates, key=lambda fate: fate.due)
    well_at = well_again(fates, cost["healed"])
    then = [fate.became == FULL for fate in fates if fate.due >= well_at]
    return {
        **cost,
        "queries": sum(cost["began"] <= fate.due < cost["healed"] for fate in fates),
        "well_after_s": well_at - cost["healed"],
        "then_percent": 100 * sum(then) / len(then) if then else nan,
        # A query that was under way when the fault began may fail with it.
        "failures": sum(fate.became != FULL and fate.due + fate.milliseconds / 1_000 < cost["began"] for fate in fates),
    }


def well_again(fates: Sequence[Fate], healed: float) -> float:
    """Return when a while began, after the healing, of which enough queries were answered in full; NaN where none did.

    The fates are in the order in which they were due.
    """
    since = [fate for fate in fates if fate.due >= healed]
    for fate in since:
        ends = fate.due + WHILE_SECONDS
        if ends > since[-1].due:
            break
        became = [one.became == FULL for one in since if fate.due <= one.due < ends]
        if sum(became) >= WELL_AGAIN * len(became):
            return fate.due
    return nan
