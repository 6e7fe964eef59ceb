"""What Motcua says of itself is on a list, is one line of JSON for each event, and says nothing of people."""

import json
import logging
import os
import re
import signal
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph.gateway import log_fault
from graph.operating.siblings import meeting_folder
from graph.settings import load_settings
from graph.telemetry import ALLOWED, EVENTS, allowed, event, formatter, may_be_told
from sandbox import personas
from tests.consumers import HEADERS
from tests.graph.operating.telling import last_words, telling
from tests.servers import TOKENS, Sandbox, wait_until

SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
QUERY = "query CitizenCard($id: PersonalId!) { citizen(id: $id) { fullName gender } }"


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return what the log would hold."""
    made = formatter(as_json=True)
    return [json.loads(made.format(record)) for record in caplog.records]


def failing(words: str) -> Exception:
    """Make an error that has been raised."""
    try:
        int(words)
    except ValueError as error:
        return error
    raise AssertionError


def test_an_event_that_is_on_no_list_is_an_error() -> None:
    with pytest.raises(TypeError, match="citizen_found is no event"):
        event("citizen_found")


def test_a_field_that_an_event_does_not_have_is_an_error() -> None:
    with pytest.raises(TypeError, match="personal_id: no field of the event breaker_opened"):
        event("breaker_opened", system="tax", personal_id="099085000002")


def test_an_attribute_of_a_span_that_is_on_no_list_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"graphql\.document: no attribute"):
        allowed({"motcua.system": "tax", "graphql.document": "{ a }"})


def test_an_attribute_without_a_value_is_left_out() -> None:
    assert allowed({"motcua.system": "tax", "error.type": None}) == {"motcua.system": "tax"}


def test_no_list_has_a_name_for_what_is_about_people() -> None:
    names = ALLOWED.union(*(kind.fields for kind in EVENTS.values()))
    assert not [name for name in names if re.search(r"query|document|variable|\bkey\b|person|consumer|official|token|url", name)]


def test_an_event_is_one_line_with_time_level_and_its_fields(caplog: pytest.LogCaptureFixture) -> None:
    event("breaker_opened", system="tax", operation="taxpayer_by_code", reason="half of the calls\nfailed", after=None)

    [record] = caplog.records
    line = formatter(as_json=True).format(record)
    found = json.loads(line)
    assert "\n" not in line
    assert SECOND.fullmatch(found.pop("time"))
    assert list(found.items())[:2] == [("level", "warning"), ("event", "breaker_opened")]
    assert {**found, "reason": ""} == {
        "level": "warning",
        "event": "breaker_opened",
        "system": "tax",
        "operation": "taxpayer_by_code",
        "reason": "",
    }


def test_as_text_an_event_is_one_line_too(caplog: pytest.LogCaptureFixture) -> None:
    event("system_drained", system="tax")

    line = formatter(as_json=False).format(caplog.records[0])
    assert re.fullmatch(SECOND.pattern + r" \[warning *\] system_drained system=tax", line)


def test_a_fault_is_told_by_its_kind_its_place_and_its_request_but_not_in_its_words(caplog: pytest.LogCaptureFixture) -> None:
    log_fault(failing("no such person: 099085000002"), "request-7")

    [found] = lines(caplog)
    assert (found["level"], found["event"], found["kind"], found["request_id"]) == ("error", "internal_error", "ValueError", "request-7")
    assert "test_telemetry.py" in found["at"]
    assert "099085000002" not in caplog.text


@pytest.mark.parametrize(("logger", "name"), [("asyncio", "library"), ("uvicorn.error", "server")])
def test_of_the_error_of_a_library_the_words_are_not_told(logger: str, name: str, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger(logger).error("Exception in %s\n", "099085000002", exc_info=failing("no such person: 099085000002"))

    [found] = lines(caplog)
    assert (found["event"], found["kind"], found["level"]) == (name, "ValueError", "error")
    assert "099085000002" not in json.dumps(found)
    assert found.get("logger", found.get("message")) in {"asyncio", "Exception in %s"}


def test_a_sentence_of_our_own_is_told_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("motcua").warning("a message could not be answered: %s", "KeyError")

    assert [(found["event"], found["message"]) for found in lines(caplog)] == [("note", "a message could not be answered: KeyError")]


@pytest.mark.parametrize(
    ("name", "told"), [("CitizenCard", True), ("Top10Of2026", True), ("Q099085000002", False), ("Q123456", False), ("x" * 65, False)]
)
def test_the_name_of_an_operation_is_not_told_where_it_may_hold_a_number_of_a_person(name: str, *, told: bool) -> None:
    assert may_be_told(name) is told


def test_the_log_of_a_real_gateway_is_json_with_the_id_of_each_request_and_tells_of_nobody(sandbox: Sandbox, tmp_path: Path) -> None:
    with telling(sandbox, tmp_path, 'logs = "json"\naccess_log = true') as gateway:
        body = {"query": QUERY, "variables": {"id": personas.THU}}
        answer = httpx.post(f"{gateway.url}/graphql", json=body, headers={**HEADERS, "x-request-id": "desk-12"}).json()
        broken = {**HEADERS, "x-request-id": "desk-13", "content-type": "application/json"}
        httpx.post(f"{gateway.url}/graphql", content=b"no JSON", headers=broken)
        written = last_words(gateway)

    found = [json.loads(line) for line in written]
    first, second = (line for line in found if line["event"] == "request")
    assert all(SECOND.fullmatch(line["time"]) for line in found)
    assert {**first, "milliseconds": 0, "time": ""} == {
        "time": "", "level": "info", "event": "request", "request_id": "desk-12", "operation": "CitizenCard", "outcome": "ok",
        "milliseconds": 0, "calls": 1, "cached": 0, "priority": "citizen",
    }  # fmt: skip
    assert (second["request_id"], second["operation"], second["outcome"]) == ("desk-13", "anonymous", "refused")
    secret = (personas.THU, answer["data"]["citizen"]["fullName"], "personalId", "citizen(", *TOKENS.values())
    assert not [word for word in secret if any(word in line for line in written)]


def test_without_an_access_log_a_request_that_is_answered_is_not_told_of(sandbox: Sandbox, tmp_path: Path) -> None:
    with telling(sandbox, tmp_path, 'logs = "json"') as gateway:
        gateway.ask(QUERY, id=personas.THU)
        assert last_words(gateway) == []


def test_whatever_happens_each_line_of_the_log_is_json(sandbox: Sandbox, tmp_path: Path) -> None:
    with telling(sandbox, tmp_path, 'logs = "json"', workers=2) as gateway:
        port = int(gateway.url.rpartition(":")[2])
        meeting = meeting_folder(load_settings(gateway.settings, environment=TOKENS), "127.0.0.1", port)
        gateway.operate("POST", "/systems/tax/drain")
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(f"{personas.THU}\r\n\r\n".encode())
            line.recv(1_000)
        died = min(int(path.stem) for path in meeting.glob("*.sock"))
        os.kill(died, signal.SIGKILL)
        wait_until(lambda: len([path for path in meeting.glob("*.sock") if path.stem != str(died)]) == 2)
        written = last_words(gateway)

    found = [json.loads(line) for line in written]
    drained = [line for line in found if line["event"] == "system_drained"]
    assert len(drained) >= 2  # one from each worker, and from the one that takes the place of the dead
    assert {(line["system"], line["level"]) for line in drained} == {("tax", "warning")}
    assert [line["message"] for line in found if line["event"] == "server"] == ["Invalid HTTP request received."]
    [ended] = [line["reason"] for line in found if line["event"] == "worker_ended"]
    assert "was ended by signal 9 (SIGKILL); it is begun again" in ended
    assert personas.THU not in "".join(written)
