"""Spans: one for a request and one for each call that it needed, and in no byte of them anybody's name or number."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from graphql import parse

from graph.loading.calls import CallRecord
from graph.operating.traces import UNDER_WAY, Traces, parent_of
from graph.operating.watch import Asked, Watch
from graph.telemetry import ALLOWED
from sandbox import personas
from tests.consumers import HEADERS
from tests.graph.operating.telling import Heard, attributes, collector, last_words, telling
from tests.servers import PROJECT, TOKENS, Sandbox

QUERY = "query CitizenCard($id: PersonalId!) { citizen(id: $id) { fullName insurance { number } tax { status } } }"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@dataclass(frozen=True, eq=False)
class Source:
    """A batch function, as far as spans tell of it."""

    name: str
    system: SimpleNamespace


PEOPLE = Source("citizen_by_id", SimpleNamespace(name="population"))


def asked(*calls: CallRecord, own: int = 1, **known: Any) -> Asked:
    """Make a request that lasted from second 10 to 11 and asked for so many keys."""
    load = SimpleNamespace(calls=len(calls), keys=own, hits=2)
    loaders: Any = SimpleNamespace(calls=list(calls), loads={PEOPLE: load}, of={PEOPLE: load}.get)
    operation: Any = parse(f"query {known.pop('operation', 'CitizenCard')} {{ a }}").definitions[0]
    return Asked(known.pop("request_id", "r1"), 10.0, 11.0, known.pop("outcome", "ok"), operation=operation, loaders=loaders, **known)


def call(*, keys: int = 1, began: float = 10.2, ended: float = 10.7, outcome: str = "OK") -> CallRecord:
    source: Any = PEOPLE
    return CallRecord(source, keys, began, ended=ended, outcome=outcome)


@asynccontextmanager
async def tracing(**how: Any) -> AsyncIterator[tuple[Watch, Heard]]:
    """Run what makes spans; when this ends, they have been heard."""
    with collector() as (url, heard):
        traces = Traces(url, **how)
        yield Watch(traces=traces), heard
        await traces.close()


async def test_a_request_and_each_of_its_calls_have_a_span_with_their_own_beginning_and_end() -> None:
    async with tracing(service_name="one door") as (watch, heard):
        watch.ended(asked(call(), call(began=10.3, ended=10.4)))

    whole = next(span for span in heard.spans() if not span.parent_span_id)
    first, second = (span for span in heard.spans() if span.parent_span_id)
    assert whole.name == "query CitizenCard"
    assert {first.name, second.name} == {"population citizen_by_id"}
    assert first.parent_span_id == second.parent_span_id == whole.span_id
    assert round((whole.end_time_unix_nano - whole.start_time_unix_nano) / 1e9, 6) == 1.0
    assert round((first.start_time_unix_nano - whole.start_time_unix_nano) / 1e9, 6) == 0.2
    assert round((first.end_time_unix_nano - first.start_time_unix_nano) / 1e9, 6) == 0.5
    [resource] = heard.resources()[0].resource_spans
    assert [(each.key, each.value.string_value) for each in resource.resource.attributes] == [("service.name", "one door")]


async def test_spans_say_how_much_was_asked_and_how_it_went() -> None:
    async with tracing() as (watch, heard):
        watch.ended(asked(call(keys=3, outcome="UPSTREAM_TIMEOUT"), own=3, outcome="failed", codes={"UPSTREAM_TIMEOUT"}))

    one, whole = heard.spans()
    assert attributes(whole) == {
        "graphql.operation.name": "CitizenCard", "graphql.operation.type": "query", "motcua.outcome": "failed",
        "motcua.priority": "citizen", "motcua.request_id": "r1", "motcua.calls": 1, "motcua.keys": 3, "motcua.cached": 2,
        "error.type": "UPSTREAM_TIMEOUT",
    }  # fmt: skip
    assert attributes(one) == {
        "motcua.system": "population", "motcua.batch": "citizen_by_id", "motcua.keys": 3, "motcua.outcome": "UPSTREAM_TIMEOUT",
        "motcua.call.id": f"citizen_by_id-{10_200_000_000:x}", "motcua.call.shared": False, "error.type": "UPSTREAM_TIMEOUT",
    }  # fmt: skip
    assert one.status.code == whole.status.code == 2
    assert one.status.message == whole.status.message == ""


async def test_a_call_for_several_requests_has_a_span_in_each_that_says_so() -> None:
    shared = call(keys=2)
    async with tracing() as (watch, heard):
        watch.ended(asked(shared, request_id="r1"))
        watch.ended(asked(shared, request_id="r2"))

    calls = [attributes(span) for span in heard.spans() if span.parent_span_id]
    assert len({span.trace_id for span in heard.spans()}) == 2
    assert [found["motcua.call.shared"] for found in calls] == [True, True]
    assert len({found["motcua.call.id"] for found in calls}) == 1


async def test_a_call_that_had_begun_for_another_request_is_told_to_be_shared() -> None:
    async with tracing() as (watch, heard):
        watch.ended(asked(call(began=9.9)))

    assert attributes(heard.spans()[0])["motcua.call.shared"] is True


async def test_a_call_that_outlives_its_request_ends_with_it_and_is_told_to_be_under_way() -> None:
    async with tracing() as (watch, heard):
        watch.ended(asked(call(ended=0.0)))

    one, whole = heard.spans()
    assert attributes(one)["motcua.outcome"] == UNDER_WAY
    assert one.end_time_unix_nano == whole.end_time_unix_nano
    assert "error.type" not in attributes(one)


async def test_the_trace_of_the_client_goes_on() -> None:
    async with tracing() as (watch, heard):
        watch.ended(asked(traceparent=f"00-{TRACE}-{PARENT}-01".encode()))

    [whole] = heard.spans()
    assert (whole.trace_id.hex(), whole.parent_span_id.hex()) == (TRACE, PARENT)


async def test_what_the_client_has_decided_not_to_trace_is_not_traced() -> None:
    async with tracing() as (watch, heard):
        watch.ended(asked(call(), traceparent=f"00-{TRACE}-{PARENT}-00".encode()))

    assert heard.bodies == []


async def test_only_a_share_of_the_requests_is_traced() -> None:
    async with tracing(sample=0.0) as (watch, heard):
        for _ in range(20):
            watch.ended(asked(call()))

    assert heard.bodies == []


@pytest.mark.parametrize(
    "said",
    [
        "",
        "garbage",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
    ],
)
def test_a_trace_that_cannot_be_read_is_passed_over(said: str) -> None:
    assert parent_of(said.encode()) == {}


async def test_a_name_that_may_hold_a_number_of_a_person_is_not_told() -> None:
    async with tracing() as (watch, heard):
        watch.ended(asked(operation="Q099085000002"))

    [whole] = heard.spans()
    assert (whole.name, attributes(whole)["graphql.operation.name"]) == ("query other", "other")


async def test_a_collector_that_is_not_there_holds_nobody_up() -> None:
    traces = Traces("http://127.0.0.1:9/v1/traces")
    Watch(traces=traces).ended(asked(call()))
    await traces.close()


def test_no_byte_that_a_real_gateway_exports_is_about_anybody(sandbox: Sandbox, tmp_path: Path) -> None:
    with collector() as (url, heard), telling(sandbox, tmp_path, f'traces = "{url}"') as gateway:
        body = {"query": QUERY, "variables": {"id": personas.THU}}
        headers = {**HEADERS, "traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "who=099085000002", "baggage": "who=099085000002"}
        answer = httpx.post(f"{gateway.url}/graphql", json=body, headers=headers).json()
        gateway.ask('{ citizen(id: "099085000002") { fullName } }')
        gateway.ask('{ citizen(id: "0990850000021") { fullName } }')
        last_words(gateway)

    exported = b"".join(heard.bodies)
    spans = [span for span in heard.spans() if span.trace_id.hex() == TRACE]
    assert {span.name for span in spans if span.parent_span_id.hex() != PARENT} == {
        "population citizen_by_id", "insurance book_by_person", "tax taxpayer_by_code",
    }  # fmt: skip
    assert {name for span in heard.spans() for name in attributes(span)} <= ALLOWED
    citizen = answer["data"]["citizen"]
    secret = (personas.THU, citizen["fullName"], citizen["insurance"]["number"], "fullName", "citizen(", "$id", "who=", sandbox.url)
    assert not [word for word in (*secret, *TOKENS.values()) if word.encode() in exported]


def test_without_the_packages_the_start_stops_and_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['opentelemetry'] = None; from pathlib import Path; from graph.settings import load_settings\n"
        "from graph.operating.watch import tracing; import msgspec\n"
        "found = load_settings(Path('motcua.toml'), secrets=False)\n"
        "assert tracing(found) is None\n"
        "telemetry = msgspec.structs.replace(found.telemetry, traces='http://127.0.0.1:4318/v1/traces')\n"
        "try: tracing(msgspec.structs.replace(found, telemetry=telemetry))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, text=True, capture_output=True, check=True)

    assert done.stdout.startswith("SettingsWrong motcua.toml: telemetry.traces: needs OpenTelemetry (pip install 'motcua[otel]')")
