"""Cases over the real stack: "not yet" is an answer, and nobody asks for what is known not to be there."""

from itertools import islice
from typing import Any

from sandbox import personas
from sandbox.events import UNDER_WAY
from sandbox.records import PROCESSING, REFUSED
from sandbox.world import World
from tests.servers import Gateway, Sandbox

CASE = """query($caseId: CaseId!) { civilStatusCase(caseId: $caseId) {
    caseId state receivedOn expectedOn reason event { type child { personalId } } provenance { system stale } } }"""
ORIGIN = {"system": "civil_status", "stale": False}


def case(gateway: Gateway, case_id: str) -> Any:
    answer = gateway.ask(CASE, caseId=case_id)
    assert "errors" not in answer
    return answer["data"]["civilStatusCase"]


def test_a_case_that_is_being_worked_on_has_an_estimate_and_no_event(gateway: Gateway) -> None:
    assert case(gateway, personas.AN_CASE) == {
        "caseId": personas.AN_CASE,
        "state": "PENDING",
        "receivedOn": "2025-12-29",
        "expectedOn": "2026-01-08",
        "reason": None,
        "event": None,
        "provenance": ORIGIN,
    }


def test_a_case_that_was_refused_says_why(gateway: Gateway) -> None:
    refused = case(gateway, personas.BAY_CASE)

    assert (refused["state"], refused["reason"], refused["event"]) == ("FAILED", "MISSING_PAPERS", None)


def test_a_case_that_is_ready_leads_to_what_was_registered(gateway: Gateway) -> None:
    ready = case(gateway, personas.MINH_ANH_CASE)

    assert (ready["state"], ready["reason"]) == ("READY", None)
    assert ready["event"] == {"type": "BIRTH", "child": {"personalId": personas.MINH_ANH}}


def test_a_case_that_nobody_knows_is_null_without_an_error(gateway: Gateway) -> None:
    assert case(gateway, "G22.99-260101-999999") is None


def test_cases_are_asked_for_together_and_events_that_cannot_be_there_not_at_all(sandbox: Sandbox, gateway: Gateway) -> None:
    events = World(2026).events
    states = {PROCESSING: "PENDING", REFUSED: "FAILED"}
    unready = list(islice((one for at in range(UNDER_WAY) if (one := events.under_way(at)).state in states), 10))
    fields = " ".join(f'c{at}: civilStatusCase(caseId: "{one.case_id}") {{ state event {{ type }} }}' for at, one in enumerate(unready))
    sandbox.reset_calls()

    answer = gateway.ask(f"{{ {fields} }}")

    assert answer == {"data": {f"c{at}": {"state": states[one.state], "event": None} for at, one in enumerate(unready)}}
    assert sandbox.calls() == {"civil_status": 1}


def test_a_system_that_is_down_is_an_error_and_not_a_case_that_is_pending(sandbox: Sandbox, impatient: Gateway) -> None:
    with sandbox.fault("civil_status", "status", code=503):
        answer = impatient.ask(CASE, caseId="G22.99-260101-999998")

    assert answer["data"] == {"civilStatusCase": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UPSTREAM_UNAVAILABLE"]
