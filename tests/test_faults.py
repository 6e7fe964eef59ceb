"""Six systems, each misbehaving in every way: the rest is answered, no row stands under another key, the error says who and what."""

from typing import Any

import pytest

from sandbox import personas
from tests.servers import SYSTEMS, Gateway, Sandbox

# For each system a query over two of its keys that goes straight to it, and where the keys come back in the answer.
DIRECT: dict[str, tuple[str, list[str]]] = {
    "population": ("{ citizens(ids: [%s, %s]) { key: personalId } }", [personas.THU, personas.QUANG]),
    "business": ("{ businesses(codes: [%s, %s]) { key: code } }", [personas.AN_PHAT, personas.SAO_MAI]),
    "insurance": (
        "{ a: insuranceBook(number: %s) { key: number } b: insuranceBook(number: %s) { key: number } }",
        [personas.THU_BOOK, personas.VI_BOOK],
    ),
    "civil_status": ("{ a: civilStatusEvent(caseId: %s) { key: caseId } b: civilStatusEvent(caseId: %s) { key: caseId } }", []),
    "tax": ("{ a: taxpayer(code: %s) { key: taxCode } b: taxpayer(code: %s) { key: taxCode } }", [personas.AN_PHAT, personas.THU]),
    "code_lists": ("{ a: commune(code: %s) { key: code } b: commune(code: %s) { key: code } }", ["00097", "00004"]),
}
# A system that is never the one that fails, so that there is a rest to be answered.
REST = {name: "business" if name != "business" else "tax" for name in SYSTEMS}


@pytest.fixture(autouse=True)
def forgetful(impatient: Gateway) -> None:
    """Let the gateway forget the faults of the tests before: it would leave a system alone that failed so often."""
    for system in SYSTEMS:
        impatient.resume(system)


@pytest.fixture(scope="module")
def cases(impatient: Gateway) -> list[str]:
    """Find two civil status cases by the people whom they concern."""
    answer = impatient.ask(
        "query($ids: [PersonalId!]!) { citizens(ids: $ids) { civilStatusEvents { caseId } } }", ids=[personas.THU, personas.SAU]
    )  # fmt: skip
    return [person["civilStatusEvents"][0]["caseId"] for person in answer["data"]["citizens"]]


def asked(system: str, keys: list[str]) -> tuple[str, list[str]]:
    """Make a query over the system under test and one over another, with the keys that it asks for."""
    query, known = DIRECT[system]
    keys = known or keys
    other, others = DIRECT[REST[system]]
    filled = query.strip("{} ") % tuple(f'"{key}"' for key in keys)
    rest = other.strip("{} ") % tuple(f'"{key}"' for key in others)
    rest = rest.replace("a:", "restA:").replace("b:", "restB:") if "a:" in rest else f"rest: {rest}"
    return f"{{ {_closed(filled)} {_closed(rest)} }}", keys


def _closed(selection: str) -> str:
    return selection + " }" * (selection.count("{") - selection.count("}"))


def items(answer: dict[str, Any], *, rest: bool) -> list[Any]:
    """Collect what the fields under test, or the rest, gave: one item for each key."""
    found: list[Any] = []
    for name, value in answer["data"].items():
        if name.startswith("rest") == rest:
            found.extend(value if isinstance(value, list) else [value])
    return found


BREAKING: list[tuple[str, dict[str, Any], str, bool]] = [
    ("delay", {"seconds": 2}, "UPSTREAM_TIMEOUT", True),
    ("hang", {}, "UPSTREAM_TIMEOUT", True),
    ("status", {"code": 500}, "UPSTREAM_UNAVAILABLE", True),
    ("status", {"code": 503}, "UPSTREAM_UNAVAILABLE", True),
    ("status", {"code": 429, "retry_after": 2}, "UPSTREAM_THROTTLED", True),
    ("cut_body", {}, "UPSTREAM_UNAVAILABLE", True),
    ("cut_body", {"chunked": True}, "UPSTREAM_UNAVAILABLE", True),
    ("wrong_content_type", {}, "UPSTREAM_CONTRACT", False),
    ("garbage", {}, "UPSTREAM_CONTRACT", False),
    ("huge_body", {"bytes": 6_000_000}, "UPSTREAM_CONTRACT", False),
    ("duplicate", {}, "UPSTREAM_CONTRACT", False),
    ("foreign", {}, "UPSTREAM_CONTRACT", False),
    ("foreign_extra", {}, "UPSTREAM_CONTRACT", False),
]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(("kind", "parameters", "code", "retryable"), BREAKING, ids=[f"{kind}-{code}" for kind, _, code, _ in BREAKING])
def test_a_system_that_misbehaves_costs_only_its_own_fields(
    sandbox: Sandbox,
    impatient: Gateway,
    cases: list[str],
    system: str,
    kind: str,
    parameters: dict[str, Any],
    code: str,
    *,
    retryable: bool,
) -> None:
    query, keys = asked(system, cases)

    with sandbox.fault(system, kind, **parameters):
        answer = impatient.ask(query)

    assert items(answer, rest=False) == [None] * len(keys)
    assert all(item is not None for item in items(answer, rest=True))
    for error in answer["errors"]:
        assert error["extensions"]["code"] == code
        assert error["extensions"]["system"] == system
        assert error["extensions"]["retryable"] is retryable
        assert system in error["message"]
        assert not any(key in error["message"] for key in keys)
    assert len(answer["errors"]) == len(keys)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_that_answers_in_another_order_changes_nothing(
    sandbox: Sandbox, impatient: Gateway, cases: list[str], system: str
) -> None:
    query, keys = asked(system, cases)

    with sandbox.fault(system, "reorder"):
        answer = impatient.ask(query)

    assert "errors" not in answer
    assert [item["key"] for item in items(answer, rest=False)] == keys


@pytest.mark.parametrize("system", ["business", "insurance", "tax", "code_lists"])
def test_a_system_that_loses_a_row_is_found_out(sandbox: Sandbox, impatient: Gateway, cases: list[str], system: str) -> None:
    query, keys = asked(system, cases)

    with sandbox.fault(system, "missing"):
        answer = impatient.ask(query)

    assert items(answer, rest=False) == [None] * len(keys)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"UPSTREAM_CONTRACT"}


@pytest.mark.parametrize("system", ["population", "civil_status"])
def test_a_loss_that_the_protocol_cannot_show_never_moves_another_row(
    sandbox: Sandbox, impatient: Gateway, cases: list[str], system: str
) -> None:
    query, keys = asked(system, cases)

    with sandbox.fault(system, "missing"):
        answer = impatient.ask(query)

    for key, item in zip(keys, items(answer, rest=False), strict=True):
        assert item is None or item["key"] == key


def test_a_refusal_inside_an_answer_of_200_is_an_error(sandbox: Sandbox, impatient: Gateway, cases: list[str]) -> None:
    for system in SYSTEMS:
        with sandbox.fault(system, "fault_in_200"):
            answer = impatient.ask(asked(system, cases)[0])
        assert {error["extensions"]["system"] for error in answer["errors"]} == {system}


def test_after_a_fault_everything_is_answered_again(sandbox: Sandbox, impatient: Gateway, cases: list[str]) -> None:
    for system in SYSTEMS:
        query, keys = asked(system, cases)
        with sandbox.fault(system, "status", code=500):
            impatient.ask(query)
        answer = impatient.ask(query)
        assert "errors" not in answer
        assert [item["key"] for item in items(answer, rest=False)] == keys
