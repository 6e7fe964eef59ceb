"""The engine: processor time of an operation whose records are all in the cache, on the engine and on graphql-core, in turns."""

import gc
import json
import statistics
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import strawberry
import uvloop

from bench.door import FIRST_QUERY, Bench
from bench.figures import Column, Section
from bench.processes import PROJECT, bare_running, gateway_running, load_running, sandbox_running
from graph.app import create_app
from graph.context import RequestContext
from graph.execution.compile import compiled
from graph.execution.documents import Document, Documents, Limits
from graph.execution.plan import Composite, Planner, Selection, Shape
from graph.execution.plan import Sequence as List
from graph.execution.schema import FastSchema
from graph.loading.cache import ResolverCache
from graph.loading.calls import Line
from graph.loading.loaders import Loaders, Sources
from graph.seam import Record, System, Upstream, batch_many, batch_one, link, wire
from graph.settings import BatchSettings, load_settings
from graph.system_settings import SystemSettings
from graph.upstream.admission import Admission
from graph.upstream.quota import Quota
from graph.upstream.system import NoOptions
from sandbox.app import SYSTEMS, default_token

ROUNDS = 7
HTTP_SECONDS = 1.0
DOCUMENTS = 5_000
COLUMNS = (
    Column("case", "case"),
    Column("target µs", "target_us"),
    Column("engine µs", "engine_us", 1),
    Column("reference µs", "reference_us", 1),
    Column("times less", "ratio", 1),
)
SYSTEM = System("bench", title="Records in memory", owner="Nobody", protocol="none")


class UserRecord(Record):
    """A nested object."""

    id: int = wire("id")
    name: str = wire("name")
    email: str = wire("email")


class PostRecord(Record):
    """An object that leads to another."""

    id: int = wire("id")
    user_id: int = wire("userId")
    title: str = wire("title")
    body: str = wire("body")


@batch_one(SYSTEM, max_keys=100)
async def user_by_id(_upstream: Upstream, ids: Sequence[int]) -> Mapping[int, UserRecord]:
    """Make users."""
    return {number: UserRecord(id=number, name=f"Name {number}", email=f"{number}@example.org") for number in ids}


@batch_many(SYSTEM, max_keys=1)
async def posts_by_count(_upstream: Upstream, counts: Sequence[int]) -> Mapping[int, tuple[PostRecord, ...]]:
    """Make so many posts of ten users."""
    return {
        count: tuple(PostRecord(id=n, user_id=n % 10, title=f"Title {n}", body="Text " * 40) for n in range(count)) for count in counts
    }  # fmt: skip


@strawberry.type
class User:
    """A user."""

    id: int
    name: str
    email: str


@strawberry.type
class Post:
    """A post."""

    id: int
    user_id: int
    title: str
    body: str
    user: User | None = link(user_by_id, key="user_id", description="Its author.")


def _count(_root: None, count: int) -> int:
    return count


@strawberry.type
class Query:
    """The root."""

    posts: list[Post] | None = link(posts_by_count, key=_count, description="So many posts.")


NESTED = "query($count: Int!) { posts(count: $count) { id userId title body user { id name email } } }"
FLAT = "query($count: Int!) { posts(count: $count) { id userId title body __typename } }"


class Work(NamedTuple):
    """What is run, and over which records."""

    schema: FastSchema
    sources: Sources
    query: str
    variables: dict[str, Any]


@dataclass
class Case:
    """An operation, run on both engines; times in microseconds of processor time."""

    name: str
    target: float
    fast: Callable[[], Awaitable[Any]]
    reference: Callable[[], Awaitable[Any]] | None
    runs: int

    async def cell(self) -> dict[str, Any]:
        """Measure in turns; a case without a reference has NaN there."""
        fast: list[float] = []
        reference: list[float] = []
        for _ in range(ROUNDS):
            fast.append(await _microseconds(self.fast, self.runs))
            if self.reference is not None:
                reference.append(await _microseconds(self.reference, max(1, self.runs // 50)))
        ours, theirs = statistics.median(fast), statistics.median(reference) if reference else float("nan")
        return {"case": self.name, "target_us": self.target, "engine_us": ours, "reference_us": theirs, "ratio": theirs / ours}


async def _microseconds(run: Callable[[], Awaitable[Any]], runs: int) -> float:
    gc.collect()
    began = time.process_time()
    for _ in range(runs):
        await run()
    return (time.process_time() - began) / runs * 1e6


def measured(seconds: float) -> Section:
    """Measure everything once; how long that takes does not depend on `seconds`."""
    del seconds
    with sandbox_running() as sandbox, gateway_running(sandbox) as gateway, bare_running() as bare, load_running() as load:
        cells = uvloop.run(_cells(sandbox.url))
        body = json.dumps({"query": FIRST_QUERY})
        through = Bench(sandbox, gateway, load)
        against = Bench(sandbox, bare, load)
        through.ask([body] * 200, seconds=HTTP_SECONDS, repeat=True)
        turns = [
            (through.measure([body], HTTP_SECONDS, repeat=True), against.measure([body], HTTP_SECONDS, repeat=True)) for _ in range(ROUNDS)
        ]
    whole, server = (statistics.median(turn[side]["gateway_ms"] for turn in turns) * 1_000 for side in (0, 1))
    failures = sum(int(turn[0]["failures"]) for turn in turns)
    cells.append(_cell("first query over HTTP, cached, socket to socket", 80, whole))
    cells.append(_cell("the same server with a bare application", 22, server))
    conditions: dict[str, str | float] = {"rounds": ROUNDS, **_memory()}
    return Section("engine", conditions, COLUMNS, cells, failures)


def _cell(case: str, target: float, ours: float) -> dict[str, Any]:
    return {"case": case, "target_us": target, "engine_us": ours, "reference_us": float("nan"), "ratio": float("nan")}


async def _cells(sandbox_url: str) -> list[dict[str, Any]]:
    tokens = {f"MOTCUA_{system.upper()}_TOKEN": default_token(system) for system in SYSTEMS}
    app = create_app(load_settings(PROJECT / "motcua.toml", environment=tokens, sandbox_url=sandbox_url))
    sources = app.state.gateway.sources
    nowhere = Upstream(SYSTEM, SystemSettings(url="http://127.0.0.1", token=""), options=NoOptions())
    caches = {
        batch: ResolverCache(batch, BatchSettings(ttl_seconds=3_600, max_bytes=1 << 28, max_entry_bytes=1 << 28))
        for batch in (user_by_id, posts_by_count)
    }
    admission = Admission(SYSTEM.name, nowhere.settings, Quota(Path(), None, None, 0.0, time.time))
    memory = Sources({SYSTEM.name: Line(nowhere, admission)}, caches)
    product, small = app.state.gateway.schema, FastSchema(Query)
    cases = [
        await _case("100 objects with a nested object", 100, Work(small, memory, NESTED, {"count": 100}), 500),
        await _case("10,000 objects of 5 fields", 15_000, Work(small, memory, FLAT, {"count": 10_000}), 5),
        await _case("first query", 40, Work(product, sources, FIRST_QUERY, {}), 500),
        Case("planning and compiling the first query", 2_000, _planning(product), None, 50),
    ]
    cells = [await case.cell() for case in cases]
    for upstream in (*(line.upstream for line in sources.lines.values()), nowhere):
        await upstream.__aexit__(None, None, None)
    return cells


async def _case(name: str, target: float, work: Work, runs: int) -> Case:
    """Fill the caches by one run on each engine, and hold both answers against each other."""
    reference = FastSchema(work.schema.query, config=work.schema.config)
    reference.configure(engine="reference")

    def on(engine: FastSchema) -> Callable[[], Awaitable[Any]]:
        return lambda: engine.execute(
            work.query, variable_values=work.variables, context_value=RequestContext(Loaders(work.sources), "bench")
        )

    first, second = await on(work.schema)(), await on(reference)()
    if first.errors or first.data != second.data:
        raise RuntimeError(f"{name}: the engines do not agree, so nothing was measured")
    for _ in range(6 * runs):  # until the simulations beside the caches have found the share of time that they may take
        await on(work.schema)()
    return Case(name, target, on(work.schema), on(reference), runs)


def _planning(schema: FastSchema) -> Callable[[], Awaitable[Any]]:
    document = schema.documents.document(FIRST_QUERY)
    operation: Any = document.operation(None)
    variables: Any = document.variables_of(operation, schema._schema).coerce({})  # noqa: SLF001 - what is measured

    async def plan() -> None:
        _compile(Planner(schema._schema, operation, document.fragments, variables).plan().root)  # noqa: SLF001 - what is measured

    return plan


def _compile(selection: Selection) -> None:
    compiled(selection)
    for found in selection.fields:
        shape: Shape = found.shape
        while isinstance(shape, List):
            shape = shape.item
        if isinstance(shape, Composite) and shape.only is not None:
            _compile(shape.only)


def _memory() -> dict[str, float]:
    """Measure what a kept document with its plan takes, and that many documents take no more than the bound allows."""
    schema = FastSchema(Query)
    documents = Documents(schema._schema, Limits(documents=500, plans=500))  # noqa: SLF001 - what is measured
    tracemalloc.start()
    try:
        _fill(documents, schema, 0, 500)
        full = tracemalloc.get_traced_memory()[0]
        _fill(documents, schema, 500, DOCUMENTS)
        gc.collect()
        later = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    return {"KiB a document with its plan": round(full / 500 / 1024, 1), f"growth over {DOCUMENTS} documents": round(later / full, 2)}


def _fill(documents: Documents, schema: FastSchema, first: int, last: int) -> None:
    for number in range(first, last):
        document: Document = documents.document(f"{{ posts(count: {number}) {{ id title user {{ name }} }} }}")
        operation: Any = document.operation(None)
        variables: Any = document.variables_of(operation, schema._schema).coerce({})  # noqa: SLF001 - what is measured
        _compile(documents.plan(document, operation, variables).root)
