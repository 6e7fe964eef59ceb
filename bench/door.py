"""The door: three queries over HTTP, each with keys never asked for before (cold) and with the same keys again (warm)."""

import itertools
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bench import keys
from bench.exchange import Job, Outcome
from bench.figures import Column, Section, median_of, percentile
from bench.processes import PROJECT, Load, Sandbox, Server, engine, gateway_running, load_running, sandbox_running
from sandbox.app import SYSTEMS
from sandbox.personas import THU
from sandbox.world import World

ROUNDS = 5
CONCURRENCY = 8
TRIALS = 2 * CONCURRENCY
UNMEASURED_SECONDS = 20.0
ROOT_FIELDS = 10  # as many as one query may have
FIRST_QUERY = (PROJECT / "examples" / "first-query.graphql").read_text("utf-8")
CITIZENS = "query($ids: [PersonalId!]!) { citizens(ids: $ids) { personalId fullName insurance { number status } } }"
BUSINESSES = """query($codes: [BusinessCode!]!) {
  businesses(codes: $codes) { code name legalRepresentatives { fullName citizen { fullName } } }
}"""
COLUMNS = (
    Column("query", "query"),
    Column("keys", "keys"),
    Column("queries/s", "per_second"),
    Column("p50 ms", "p50_ms", 1),
    Column("p99 ms", "p99_ms", 1),
    Column("gateway ms", "gateway_ms", 2),
    Column("sandbox ms", "sandbox_ms", 2),
    *(Column(f"{system} calls", f"{system}_calls", 2) for system in SYSTEMS),
)


@dataclass
class Query:
    """A query, the bodies that ask it for new keys, the one that asks it for known keys, and how fast it was last answered."""

    name: str
    cold: Iterator[str]
    warm: str
    per_second: float = 0.0
    rounds: dict[str, list[dict[str, float]]] = field(default_factory=lambda: {"cold": [], "warm": []})

    def new_bodies(self, seconds: float) -> list[str]:
        """Take more bodies than can be answered in this time, as far as there are any."""
        return list(itertools.islice(self.cold, CONCURRENCY + math.ceil(2 * self.per_second * seconds)))


@dataclass(frozen=True)
class Bench:
    """The running processes, and what is done with them."""

    sandbox: Sandbox
    gateway: Server
    load: Load
    concurrency: int = CONCURRENCY

    def ask(self, bodies: list[str], *, seconds: float = UNMEASURED_SECONDS, repeat: bool = False) -> Outcome:
        """Ask the gateway; say so at once where it fails."""
        return told(self.load.run(Job(self.gateway.port, bodies, self.concurrency, seconds, repeat)))

    def measure(self, bodies: list[str], seconds: float, *, repeat: bool) -> dict[str, float]:
        """Ask the gateway for a while and return the figures of that while."""
        self.sandbox.reset_calls()
        gateway_before, sandbox_before = self.gateway.processor_seconds(), self.sandbox.processor_seconds()
        outcome = self.ask(bodies, seconds=seconds, repeat=repeat)
        gateway_used = self.gateway.processor_seconds() - gateway_before
        sandbox_used = self.sandbox.processor_seconds() - sandbox_before
        queries = len(outcome.latencies_ms) or math.nan
        return {
            "queries": queries,
            "failures": outcome.failures,
            "per_second": queries / outcome.seconds,
            "p50_ms": percentile(outcome.latencies_ms, 0.5),
            "p99_ms": percentile(outcome.latencies_ms, 0.99),
            "gateway_ms": gateway_used / queries * 1_000,
            "sandbox_ms": sandbox_used / queries * 1_000,
            "answer_bytes": outcome.answer_bytes / queries,
            **calls_and_keys(self.sandbox, queries),
        }


def told(outcome: Outcome) -> Outcome:
    """Say so at once where questions failed."""
    if outcome.failures:
        print(f"{outcome.failures} failures, the first of them: {outcome.failure}", file=sys.stderr, flush=True)
    return outcome


def calls_and_keys(sandbox: Sandbox, queries: float) -> dict[str, float]:
    """Return how often each system was called for a query, and with how many keys a call (0 where there was none)."""
    figures: dict[str, float] = {}
    for system, counted in sandbox.counts().items():
        figures[f"{system}_calls"] = counted["calls"] / queries
        figures[f"{system}_keys"] = counted["keys"] / counted["calls"] if counted["calls"] else 0.0
    return figures


def measured(seconds: float) -> Section:
    """Measure for about so many seconds; RuntimeError where queries fail from the start.

    The cells take turns in every round, so that a busy while of the machine meets all of them.
    """
    world = World(keys.SEED)
    queries = _queries(world)
    cell_seconds = seconds / (ROUNDS * len(queries) * 2)
    with sandbox_running() as sandbox, gateway_running(sandbox) as gateway, load_running() as load:
        bench = Bench(sandbox, gateway, load)
        failures = 0
        if _warm_up(bench, queries, world):
            raise RuntimeError("queries failed while warming up, so nothing was measured")
        for _ in range(ROUNDS):
            for query in queries:
                failures += _take_turn(bench, query, cell_seconds)
    cells = [_cell(query, kind) for query in queries for kind in query.rounds]
    return Section("door", _conditions(cell_seconds), COLUMNS, cells, failures)


def _conditions(cell_seconds: float) -> dict[str, str | float]:
    return {"engine": engine(), "rounds": ROUNDS, "concurrency": CONCURRENCY, "seconds a cell and round": round(cell_seconds, 3)}


def _queries(world: World) -> tuple[Query, ...]:
    citizens = (body(CITIZENS, ids=ids) for ids in keys.groups(keys.insured_citizens(world), 100))
    businesses = (body(BUSINESSES, codes=codes) for codes in keys.groups(keys.businesses(world), 100))
    return (
        Query("first query", (body(FIRST_QUERY, id=key) for key in keys.citizens_with_parents(world)), body(FIRST_QUERY, id=THU)),
        Query("100 citizens with insurance", citizens, next(citizens)),
        Query("100 businesses with representatives", businesses, next(businesses)),
    )


def body(document: str, **variables: Any) -> str:
    """Write the body of a request."""
    return msgspec.json.encode({"query": document, "variables": variables}).decode()


def _warm_up(bench: Bench, queries: tuple[Query, ...], world: World) -> int:
    """Fill the code lists, which every office would have within a day, and see how fast each query is answered; return the failures."""
    communes = keys.groups(keys.living_communes(world), ROOT_FIELDS)
    failures = bench.ask([_communes(codes) for codes in communes]).failures
    for query in queries:
        outcome = bench.ask(list(itertools.islice(query.cold, TRIALS)))
        query.per_second = len(outcome.latencies_ms) / outcome.seconds
        failures += outcome.failures
    return failures


def _communes(codes: list[str]) -> str:
    fields = " ".join(f'c{code}: commune(code: "{code}") {{ name province {{ name }} }}' for code in codes)
    return body(f"{{ {fields} }}")


def _take_turn(bench: Bench, query: Query, seconds: float) -> int:
    """Measure a query cold, fetch the known keys anew, and measure it warm; return the failures."""
    cold = bench.measure(query.new_bodies(seconds), seconds, repeat=False)
    query.per_second = max(query.per_second, cold["per_second"])
    fetched = bench.ask([query.warm])
    warm = bench.measure([query.warm], seconds, repeat=True)
    query.rounds["cold"].append(cold)
    query.rounds["warm"].append(warm)
    return round(cold["failures"] + fetched.failures + warm["failures"])


def _cell(query: Query, kind: str) -> dict[str, Any]:
    return {"query": query.name, "keys": kind, **median_of(query.rounds[kind]), "rounds": query.rounds[kind]}
