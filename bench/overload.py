"""Overload: more and more queries a second for a system that works on eight calls at once, asked whether others are answered or not.

Queries come by chance and look up ten taxpayers each, some of whom are asked for far more often than others. Nothing is kept, so that only
collecting and joining help. With twenty codes a call and eight calls of 160 ms at once, the system answers a thousand codes a second.
"""

import math
import random
from collections.abc import Iterator
from itertools import accumulate, islice

from bench import keys
from bench.door import body, calls_and_keys, told
from bench.exchange import Job
from bench.figures import Column, Section, percentile
from bench.processes import Changes, Load, Sandbox, Server
from sandbox.world import World

SEED = 2026
CODES = 1_000
CODES_A_QUERY = 10
SLOTS, CALL_MS = 8, 150
RATES = {10: 0.16, 40: 0.1, 100: 0.1, 400: 0.1}
"""Queries a second, and for which share of the time."""

DOCUMENT = (
    f"query({' '.join(f'$c{number}: TaxCode!' for number in range(CODES_A_QUERY))}) "
    f"{{ {' '.join(f't{number}: taxpayer(code: $c{number}) {{ status debt }}' for number in range(CODES_A_QUERY))} }}"
)
CHANGES: Changes = {
    "systems": {"tax": {"max_connections": SLOTS}},
    "batches": {"taxpayer_by_code": {"ttl_seconds": 0, "negative_ttl_seconds": 0}},
}
COLUMNS = (
    Column("queries/s", "rate"),
    Column("queries", "queries"),
    Column("p50 ms", "p50_ms", 1),
    Column("p99 ms", "p99_ms", 1),
    Column("p99, times the lowest rate's", "ratio", 2),
    Column("tax calls/s", "calls_per_second", 1),
    Column("tax keys a call", "tax_keys", 1),
    Column("processor ms", "gateway_ms", 2),
)


def overload(sandbox: Sandbox, gateway: Server, load: Load, world: World, seconds: float) -> Section:
    """Measure each rate, the lowest first; the gateway has to run with CHANGES."""
    sandbox.bound("tax", slots=SLOTS, per_call_ms=CALL_MS)
    questions = _questions(world)
    cells: list[dict[str, float]] = []
    for rate, share in RATES.items():
        bodies = list(islice(questions, math.ceil(2 * rate * seconds * share) + CODES_A_QUERY))
        sandbox.reset_calls()
        before = gateway.processor_seconds()
        outcome = told(load.run(Job(gateway.port, bodies, 0, seconds * share, per_second=rate)))
        used, queries = gateway.processor_seconds() - before, len(outcome.latencies_ms) or math.nan
        figures = calls_and_keys(sandbox, queries)
        cells.append(
            {
                "rate": rate,
                "queries": queries,
                "failures": outcome.failures,
                "p50_ms": percentile(outcome.latencies_ms, 0.5),
                "p99_ms": percentile(outcome.latencies_ms, 0.99),
                "calls_per_second": figures["tax_calls"] * queries / outcome.seconds,
                "tax_keys": figures["tax_keys"],
                "gateway_ms": used / queries * 1_000,
            }
        )
    for cell in cells:
        cell["ratio"] = cell["p99_ms"] / cells[0]["p99_ms"]
    conditions: dict[str, str | float] = {"slots": SLOTS, "ms a call": CALL_MS, "codes": CODES, "codes a query": CODES_A_QUERY}
    return Section("overload of the tax system", conditions, COLUMNS, cells, sum(int(cell["failures"]) for cell in cells))


def _questions(world: World) -> Iterator[str]:
    """Draw codes so that the second is asked for half as often as the first, the third a third as often, and so on."""
    codes = list(islice(keys.businesses(world), CODES))
    weights = list(accumulate(1 / place for place in range(1, CODES + 1)))
    draws = random.Random(SEED)
    while True:
        drawn = draws.choices(codes, cum_weights=weights, k=CODES_A_QUERY)
        yield body(DOCUMENT, **{f"c{number}": code for number, code in enumerate(drawn)})
