"""The figures: those of all workers added up, in a form that Prometheus reads, under bounded names, and only for whom they are open to."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from graphql import parse
from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette

from graph.loading.figures import CacheFigures
from graph.operating.http import OpenTo, metrics_route
from graph.operating.metrics import BATCH, QUESTION, SYSTEM, Counts, Exposition, Metrics, Total
from graph.operating.operations import ANONYMOUS, NAMES_AT_MOST, OTHER, OperationFigures, Requests
from graph.operating.siblings import Siblings, Worker
from graph.operating.watch import Asked, Watch
from graph.upstream.figures import BOUNDS, QuotaFigures, SystemFigures
from sandbox import personas
from tests.graph.operating.operators import TOKEN, settings_in
from tests.graph.operating.telling import telling
from tests.servers import Sandbox

QUERY = "query CitizenCard($id: PersonalId!) { citizen(id: $id) { fullName } }"
HERE, ELSEWHERE = "127.0.0.1", "192.0.2.7"


class Read:
    """An exposition, as Prometheus reads it."""

    def __init__(self, text: str) -> None:
        self.families: dict[str, Metric] = {family.name: family for family in text_string_to_metric_families(text)}
        self.values = {
            (sample.name, frozenset(sample.labels.items())): sample.value for family in self.families.values() for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        return self.values[name, frozenset(labels.items())]


def tax() -> SystemFigures:
    """Make the figures of a system with something in every field."""
    found = SystemFigures(
        "tax", calls=5, keys=9, retries=2, extra_calls=1, outcomes={"OK": 4, "UPSTREAM_TIMEOUT": 1}, by_operation={"taxpayer_by_code": 5},
        refused={"breaker": 3}, waiting=7, under_way=2, limit=8, breakers={"taxpayer_by_code": "half_open"}, opened=1,
        quotas=[QuotaFigures(60, 100, 40), QuotaFigures(86_400, 9_000, 9_500), QuotaFigures(90, 10, 1)], retries_left=12.5, drained=True,
        closed_until=1_000.0,
    )  # fmt: skip
    found.latency.note(0.03)
    found.latency.note(70.0)
    found.waits.note(0.001)
    return found


def people() -> CacheFigures:
    """Make the figures of a cache, each another number."""
    numbered = {name: place for place, name in enumerate(CacheFigures.__struct_fields__) if name not in {"name", "system", "seconds"}}
    return CacheFigures(name="citizen_by_id", system="population", **numbered)


def exposed(requests: Requests | None = None, *, silent: int = 0) -> Read:
    total = Total({"citizen_by_id": people()}, {"tax": tax()}, requests or Requests(), 2, silent)
    return Read(generate_latest(Exposition(total)).decode())


@asynccontextmanager
async def workers(folder: Path, *counted: Mapping[str, Any]) -> AsyncIterator[list[Metrics]]:
    """Run workers of one gateway that answer so when they are asked what they have counted."""
    async with AsyncExitStack() as stack:
        made = []
        for number, handlers in enumerate(counted, start=1):
            siblings = Siblings(settings_in(folder), Worker(port=8000), handlers)
            siblings.pid = number
            made.append(Metrics(await stack.enter_async_context(siblings)))
        yield made


def counting(requests: Requests) -> Mapping[str, Any]:
    return {QUESTION: Counts(lambda: [people()], lambda: [tax()], requests).counted}


def asked(operation: str | None, **how: Any) -> Asked:
    found: Any = None if operation is None else parse(f"query {operation} {{ a }}").definitions[0]
    return Asked("r", 1.0, 1.02, how.pop("outcome", "ok"), how.pop("codes", ()), found)


async def test_what_two_workers_have_counted_is_added(tmp_path: Path) -> None:
    requests = [Requests(), Requests()]
    for one in requests:
        Watch(one).ended(asked("CitizenCard"))
    Watch(requests[1]).ended(asked("CitizenCard", outcome="partial", codes=("UPSTREAM_TIMEOUT", "SHED")))

    async with workers(tmp_path, counting(requests[0]), counting(requests[1])) as (first, second):
        texts = [await first.exposed(), await second.exposed()]

    assert texts[0] == texts[1]
    read = Read(texts[0].decode())
    assert (read("motcua_workers"), read("motcua_workers_silent")) == (2, 0)
    assert read("motcua_requests_total", operation="CitizenCard", outcome="ok") == 2
    assert read("motcua_requests_total", operation="CitizenCard", outcome="partial") == 1
    assert read("motcua_request_errors_total", operation="CitizenCard", code="SHED") == 1
    assert read("motcua_request_seconds_count", operation="CitizenCard") == 3
    assert read("motcua_request_seconds_bucket", operation="CitizenCard", le="0.01") == 0
    assert read("motcua_request_seconds_bucket", operation="CitizenCard", le="0.025") == 3
    assert read("motcua_system_calls_total", system="tax", outcome="OK") == 8
    assert read("motcua_system_call_seconds_bucket", system="tax", le="60.0") == 2
    assert read("motcua_system_call_seconds_bucket", system="tax", le="+Inf") == 4
    assert read("motcua_system_call_seconds_sum", system="tax") == pytest.approx(140.06)
    assert read("motcua_system_concurrency_limit_calls", system="tax") == 16
    assert read("motcua_system_quota_used_calls", system="tax", window="minute") == 40
    assert read("motcua_cache_hits_total", batch="citizen_by_id", system="population") == 2 * people().hits


async def test_a_worker_that_cannot_answer_is_told_to_be_silent_and_the_others_are_counted(tmp_path: Path) -> None:
    async def hang(_body: Any) -> Any:
        await asyncio.Event().wait()

    requests = Requests()
    Watch(requests).ended(asked(None))
    async with workers(tmp_path, counting(requests), {QUESTION: hang}) as (first, _):
        read = Read((await first.exposed(0.05)).decode())

    assert (read("motcua_workers"), read("motcua_workers_silent")) == (1, 1)
    assert read("motcua_requests_total", operation="anonymous", outcome="ok") == 1


def test_each_state_of_a_system_is_told() -> None:
    read = exposed(silent=3)

    assert read("motcua_workers_silent") == 3
    assert read("motcua_system_keys_total", system="tax") == 9
    assert read("motcua_system_operation_calls_total", system="tax", operation="taxpayer_by_code") == 5
    assert read("motcua_system_retries_total", system="tax") == 2
    assert read("motcua_system_extra_calls_total", system="tax") == 1
    assert read("motcua_system_retries_left", system="tax") == 12.5
    assert read("motcua_system_refused_keys_total", system="tax", reason="breaker") == 3
    assert read("motcua_system_waiting_keys", system="tax") == 7
    assert read("motcua_system_under_way_calls", system="tax") == 2
    assert read("motcua_system_breaker_state", system="tax", operation="taxpayer_by_code") == 1
    assert read("motcua_system_breaker_opened_total", system="tax") == 1
    assert read("motcua_system_drained", system="tax") == 1
    assert read("motcua_system_closed", system="tax") == 1
    assert read("motcua_system_wait_seconds_count", system="tax") == 1
    left = [read("motcua_system_quota_left_calls", system="tax", window=window) for window in ("minute", "day", "90s")]
    assert left == [60, 0, 9]


def test_every_figure_of_a_cache_is_told() -> None:
    read = exposed()

    told = sorted(value for (name, _), value in read.values.items() if name.startswith(("motcua_cache_", "motcua_batch_")))
    assert told == sorted(value for value in msgspec.structs.asdict(people()).values() if isinstance(value, int) and value)
    assert len(told) == len(BATCH)


def test_every_metric_has_a_sentence_that_explains_it_and_its_name_is_used_once() -> None:
    families = list(Exposition(Total({}, {}, Requests(), 1, 0)).collect())

    assert len({family.name for family in families}) == len(families) > len(SYSTEM) + len(BATCH)
    for family in families:
        assert family.documentation[0].isupper() or family.documentation[0].isdigit()
        assert family.documentation.endswith(".")
        assert family.name.startswith("motcua_")


def test_the_bounds_of_the_histograms_are_those_that_are_counted_in() -> None:
    buckets = [dict(labels)["le"] for name, labels in exposed().values if name == "motcua_system_wait_seconds_bucket"]

    assert sorted(float(bound) for bound in buckets) == [*BOUNDS, float("inf")]


def test_clients_that_invent_names_fill_one_place() -> None:
    requests = Requests()
    for number in range(2 * NAMES_AT_MOST):
        requests.note(f"Invented{number}", "ok", 0.01)
    requests.note("Q099085000002", "ok", 0.01)

    assert len(requests.operations) == NAMES_AT_MOST + 1
    assert requests.operations[OTHER].outcomes["ok"] == NAMES_AT_MOST + 1


def test_of_the_names_of_all_workers_those_that_came_first_are_told_apart() -> None:
    requests, further = Requests(), Requests()
    for number in range(NAMES_AT_MOST):
        requests.note(f"Early{number}", "ok", 0.01, clock=lambda: 1.0)
        further.note(f"Late{number}", "ok", 0.01, clock=lambda: 2.0)
    further.note("Early0", "ok", 0.01, clock=lambda: 3.0)
    further.note(ANONYMOUS, "ok", 0.01, clock=lambda: 3.0)
    requests.add(further)
    told = requests.bounded().operations

    assert len(told) == NAMES_AT_MOST + 2
    assert (told["Early0"].outcomes["ok"], told[ANONYMOUS].outcomes["ok"]) == (1, 1)
    assert told[OTHER].outcomes["ok"] == NAMES_AT_MOST + 1


def test_a_name_is_one_label_whatever_is_in_it() -> None:
    requests = Requests({'a"b\\c\n}': OperationFigures(1.0)})

    assert exposed(requests)("motcua_requests_total", operation='a"b\\c\n}', outcome="ok") == 0


@pytest.mark.parametrize(
    ("open_to", "address", "token", "status"),
    [
        ("loopback", HERE, None, 200),
        ("loopback", "::1", None, 200),
        ("loopback", "::ffff:127.0.0.1", None, 200),
        ("loopback", ELSEWHERE, None, 401),
        ("loopback", "testclient", None, 401),
        ("loopback", ELSEWHERE, TOKEN, 200),
        ("token", HERE, None, 401),
        ("token", HERE, "another token", 401),
        ("token", ELSEWHERE, TOKEN, 200),
        ("open", ELSEWHERE, None, 200),
    ],
)
async def test_who_may_read_the_figures(open_to: OpenTo, address: str, token: str | None, status: int, tmp_path: Path) -> None:
    async with workers(tmp_path, counting(Requests())) as (metrics,):
        app = httpx.ASGITransport(Starlette(routes=[metrics_route(metrics, TOKEN, open_to)]), client=(address, 4_000))
        async with httpx.AsyncClient(transport=app, base_url="http://gateway") as client:
            headers = {"x-forwarded-for": "127.0.0.1", **({"authorization": f"Bearer {token}"} if token else {})}
            answer = await client.get("/metrics", headers=headers)
            put = await client.put("/metrics", headers=headers)

    assert (answer.status_code, put.status_code) == (status, 405 if status == 200 else 401)
    assert (b"motcua_workers 1.0\n" in answer.content) is (status == 200)
    if status == 200:
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_the_figures_of_a_real_gateway_of_two_workers_add_up_whichever_is_asked(sandbox: Sandbox, tmp_path: Path) -> None:
    with telling(sandbox, tmp_path, workers=2) as gateway:
        before = sandbox.calls()
        for number in range(12):
            gateway.ask(QUERY, id=[personas.THU, personas.LAN, personas.MAI][number % 3])
        gateway.ask("{ nothing }")
        reads = [Read(httpx.get(f"{gateway.url}/metrics").text) for _ in range(4)]
        calls = sandbox.calls()["population"] - before.get("population", 0)

    for read in reads:
        assert (read("motcua_workers"), read("motcua_workers_silent")) == (2, 0)
        assert read("motcua_requests_total", operation="CitizenCard", outcome="ok") == 12
        assert read("motcua_requests_total", operation="anonymous", outcome="refused") == 1
        assert read("motcua_request_errors_total", operation="anonymous", code="BAD_USER_INPUT") == 1
        assert read("motcua_batch_calls_total", batch="citizen_by_id", system="population") == calls
        assert read("motcua_system_calls_total", system="population", outcome="OK") == calls
        looked = [read(f"motcua_cache_{name}_total", batch="citizen_by_id", system="population") for name in ("hits", "misses")]
        assert sum(looked) == 12


def test_where_the_settings_say_so_nobody_can_read_them(sandbox: Sandbox, tmp_path: Path) -> None:
    with telling(sandbox, tmp_path, 'metrics = "off"') as gateway:
        assert httpx.get(f"{gateway.url}/metrics").status_code == 404
