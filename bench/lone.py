"""A lone client: how much time the gateway adds to what the systems take, when one asks after the other and nobody else is there."""

from collections.abc import Iterator
from typing import Any

import msgspec

from bench.contest import Question, Side
from bench.door import told
from bench.exchange import Job
from bench.figures import Column, Section, percentile

MOST = 200
FIRST_CALL, THEN = "citizen_by_id", {"taxpayer_by_code": "businesses_by_representative"}
COLUMNS = (
    Column("queries", "queries"),
    Column("p50 ms", "p50_ms", 1),
    Column("critical path p50 ms", "path_p50_ms", 1),
    Column("added p50 ms", "added_p50_ms", 2),
    Column("added p90 ms", "added_p90_ms", 2),
    Column("added at most ms", "added_most_ms", 2),
    Column("with HTTP and analysis p50 ms", "outside_p50_ms", 2),
)


def lone(side: Side, questions: Iterator[Question], seconds: float) -> Section:
    """Ask one citizen after the other, with an analysis of each query, and compare its time with its longest chain of calls."""
    bodies = [_analysed(side, next(questions)) for _ in range(MOST)]
    outcome = told(side.bench.load.run(Job(side.bench.gateway.port, bodies, 1, seconds, answers=True)))
    runs = [_measured(answer) for answer in outcome.answers]
    paths = [critical_path(run["calls"]) for run in runs]
    added = [run["milliseconds"] - path for run, path in zip(runs, paths, strict=True)]
    outside = [took - path for took, path in zip(outcome.latencies_ms, paths, strict=True)]
    cell = {
        "queries": len(runs),
        "p50_ms": percentile(outcome.latencies_ms, 0.5),
        "path_p50_ms": percentile(paths, 0.5),
        "added_p50_ms": percentile(added, 0.5),
        "added_p90_ms": percentile(added, 0.9),
        "added_most_ms": max(added),
        "added_ms": added,
        "outside_p50_ms": percentile(outside, 0.5),
    }
    return Section("a lone client, latency office", {"seconds": round(seconds, 3)}, COLUMNS, [cell], outcome.failures)


def _analysed(side: Side, question: Question) -> str:
    request = {"query": side.document, "variables": question, "extensions": {"plan": "analyse"}}
    return msgspec.json.encode(request).decode()


def _measured(answer: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(answer)["extensions"]["plan"]["measured"]
    return found


def critical_path(calls: list[dict[str, Any]]) -> float:
    """Return how long the longest chain of calls took, in milliseconds: the citizen's, then what needs only that, tax after businesses."""
    first = min(calls, key=lambda call: float(call["start"]))
    if first["batch"] != FIRST_CALL:
        raise RuntimeError("the first call is not the citizen's, so the critical path is another one")
    longest: dict[str, float] = {}
    for call in calls:
        if call is not first:
            longest[call["batch"]] = max(longest.get(call["batch"], 0.0), call["milliseconds"])
    return float(first["milliseconds"]) + max((_chain(longest, batch) for batch in longest), default=0.0)


def _chain(longest: dict[str, float], batch: str) -> float:
    return longest[batch] + longest.get(THEN.get(batch, ""), 0.0)
