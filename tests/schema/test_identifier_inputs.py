"""What cannot be right is refused before any call is made, and never quoted."""

import json

import pytest

from sandbox import personas
from tests.servers import Gateway, Sandbox

WRONG: list[tuple[str, str, str]] = [
    ("citizen(id: %s) { fullName }", "PersonalId", "09908500000"),
    ("citizen(id: %s) { fullName }", "PersonalId", "000085000002"),
    ("citizen(id: %s) { fullName }", "PersonalId", "099285000002"),
    ("citizen(id: %s) { fullName }", "PersonalId", "09908500000x"),
    ("citizens(ids: [%s]) { fullName }", "PersonalId", "0990850000022"),
    ("business(code: %s) { name }", "BusinessCode", "9900000017"),
    ("business(code: %s) { name }", "BusinessCode", "9900000070"),
    ("businesses(codes: [%s]) { name }", "BusinessCode", "990000001"),
    ("taxpayer(code: %s) { name }", "TaxCode", "9900000017-001"),
    ("taxpayer(code: %s) { name }", "TaxCode", "9900000016-000"),
    ("insuranceBook(number: %s) { fullName }", "InsuranceNumber", "99000000021"),
    ("civilStatusEvent(caseId: %s) { type }", "CaseId", "G22.99-260115"),
    ("commune(code: %s) { name }", "CommuneCode", "97531246"),
    ("province(code: %s) { name }", "ProvinceCode", "753"),
    ('verifyCitizen(id: %s, fullName: "A", birthDate: "1985") { outcome }', "PersonalId", "0990850000"),
    ('verifyCitizen(id: "099085000002", fullName: "A", birthDate: %s) { outcome }', "PartialDate", "1985-02-30"),
    ('verifyCitizen(id: "099085000002", fullName: "A", birthDate: %s) { outcome }', "PartialDate", "14/02/1985"),
]


@pytest.mark.parametrize(("field", "kind", "value"), WRONG)
def test_a_wrong_literal_is_refused_without_a_call_and_is_not_quoted(
    sandbox: Sandbox, gateway: Gateway, field: str, kind: str, value: str
) -> None:
    sandbox.reset_calls()

    answer = gateway.ask(f'{{ {field % json.dumps(value)} good: citizen(id: "{personas.THU}") {{ fullName }} }}')

    assert "data" not in answer
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "retryable": False}
    assert kind in error["message"]
    assert value not in json.dumps(answer)
    assert sandbox.calls() == {}


@pytest.mark.parametrize(("field", "kind", "value"), WRONG)
def test_a_wrong_variable_is_refused_without_a_call_and_is_not_quoted(
    sandbox: Sandbox, gateway: Gateway, field: str, kind: str, value: str
) -> None:
    sandbox.reset_calls()

    answer = gateway.ask(f"query($value: {kind}!) {{ {field % '$value'} }}", value=value)

    assert "data" not in answer
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "retryable": False}
    assert "$value" in error["message"]
    assert value not in json.dumps(answer)
    assert sandbox.calls() == {}


@pytest.mark.parametrize("value", ["99085000002", "1.5", "true", "[]", "{}"])
def test_a_literal_that_is_no_string_is_refused_without_a_call(sandbox: Sandbox, gateway: Gateway, value: str) -> None:
    sandbox.reset_calls()

    answer = gateway.ask(f"{{ citizen(id: {value}) {{ fullName }} }}")

    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert value not in answer["errors"][0]["message"]
    assert sandbox.calls() == {}


@pytest.mark.parametrize("value", [99_085_000_002, 1.5, True, None, {"id": "1"}])
def test_a_variable_that_is_no_string_is_refused_without_a_call(sandbox: Sandbox, gateway: Gateway, value: object) -> None:
    sandbox.reset_calls()

    answer = gateway.ask("query($id: PersonalId!) { citizen(id: $id) { fullName } }", id=value)

    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert "99085000002" not in json.dumps(answer)
    assert sandbox.calls() == {}


@pytest.mark.parametrize(
    ("field", "kind", "key"),
    [
        ("citizens(ids: $keys) { fullName }", "PersonalId", personas.THU),
        ("businesses(codes: $keys) { name }", "BusinessCode", personas.AN_PHAT),
    ],
)
def test_more_than_a_thousand_keys_are_refused_without_a_call(sandbox: Sandbox, gateway: Gateway, field: str, kind: str, key: str) -> None:
    sandbox.reset_calls()

    answer = gateway.ask(f"query($keys: [{kind}!]!) {{ found: {field} }}", keys=[key] * 1_001)

    assert answer["data"] == {"found": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
    assert sandbox.calls() == {}


def test_a_thousand_keys_are_answered(gateway: Gateway) -> None:
    answer = gateway.ask("query($keys: [PersonalId!]!) { citizens(ids: $keys) { personalId } }", keys=[personas.THU] * 1_000)

    assert answer == {"data": {"citizens": [{"personalId": personas.THU}] * 1_000}}
