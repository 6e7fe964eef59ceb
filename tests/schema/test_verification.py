"""Verifying a claim over the real stack: four outcomes, and never a "no" that nobody said."""

import unicodedata
from typing import Any

import pytest

from sandbox import personas
from tests.servers import Gateway, Sandbox

QUERY = """query($id: PersonalId!, $fullName: String!, $birthDate: PartialDate!) {
    verifyCitizen(id: $id, fullName: $fullName, birthDate: $birthDate) { personalId outcome reason retryable } }"""


def claimed(gateway: Gateway, person: str, name: str, birth_date: str) -> dict[str, Any]:
    return gateway.ask(QUERY, id=person, fullName=name, birthDate=birth_date)


def said(person: str, outcome: str, reason: str | None = None, *, retryable: bool | None = None) -> dict[str, Any]:
    return {"data": {"verifyCitizen": {"personalId": person, "outcome": outcome, "reason": reason, "retryable": retryable}}}


@pytest.mark.parametrize(
    "name",
    [
        "Nguyễn Văn Thư",
        "NGUYỄN VĂN THƯ",
        "nguyễn  văn thư ",
        "Nguyen Van Thu",
        "NGUYENVANTHU",
        unicodedata.normalize("NFD", "Nguyễn Văn Thư"),
    ],
)
def test_a_right_claim_is_a_match_however_the_name_is_written(gateway: Gateway, name: str) -> None:
    assert claimed(gateway, personas.THU, name, "1985-02-14") == said(personas.THU, "MATCH")


@pytest.mark.parametrize("name", ["H'Hen Niê", "H’HEN NIÊ", "h'hen nie"])
def test_a_name_with_an_apostrophe_is_a_match(gateway: Gateway, name: str) -> None:
    assert claimed(gateway, personas.HHEN, name, "1992-03-27") == said(personas.HHEN, "MATCH")


@pytest.mark.parametrize(
    ("person", "name", "day"), [(personas.QUANG, "do minh quang", "1979-01-09"), (personas.TUAN, "Hoàng Anh Tuấn", "1996-02-29")]
)
def test_letters_with_a_stroke_and_leap_days_match(gateway: Gateway, person: str, name: str, day: str) -> None:
    assert claimed(gateway, person, name, day) == said(person, "MATCH")


@pytest.mark.parametrize(
    ("name", "day"), [("Nguyễn Văn Tư", "1985-02-14"), ("Nguyễn Văn Thư", "1985-02-15"), ("Thư Nguyễn Văn", "1985-02-14")]
)
def test_a_wrong_name_or_date_is_a_mismatch(gateway: Gateway, name: str, day: str) -> None:
    assert claimed(gateway, personas.THU, name, day) == said(personas.THU, "MISMATCH")


@pytest.mark.parametrize("person", [personas.NOBODY, personas.VI])
def test_a_person_whom_the_register_does_not_know_is_not_found(gateway: Gateway, person: str) -> None:
    assert claimed(gateway, person, "Lý Thị Vi", "1975-04-01") == said(person, "NOT_FOUND")


def test_a_person_registered_with_a_year_matches_that_year(gateway: Gateway) -> None:
    assert claimed(gateway, personas.BAY, "Huỳnh Văn Bảy", "1947") == said(personas.BAY, "MATCH")


def test_a_person_registered_with_a_year_matches_no_day(gateway: Gateway) -> None:
    assert claimed(gateway, personas.BAY, "Huỳnh Văn Bảy", "1947-01-01") == said(personas.BAY, "MISMATCH")


def test_a_person_registered_with_a_day_does_not_match_the_year_alone(gateway: Gateway) -> None:
    assert claimed(gateway, personas.THU, "Nguyễn Văn Thư", "1985") == said(personas.THU, "MISMATCH")


def test_where_the_register_is_down_nothing_can_be_said(sandbox: Sandbox, gateway: Gateway) -> None:
    with sandbox.fault("population", "status", code=500):
        answer = claimed(gateway, personas.THU, "Nguyễn Văn Thư", "1985-02-14")

    assert answer == said(personas.THU, "CANNOT_SAY", "UPSTREAM_UNAVAILABLE", retryable=True)


def test_where_the_register_fails_after_its_no_nothing_can_be_said(sandbox: Sandbox, gateway: Gateway) -> None:
    with sandbox.fault("population", "status", code=500, operation="TraCuuCongDan"):
        answer = claimed(gateway, personas.NOBODY, "Nguyễn Văn Thư", "1985-02-14")

    assert answer == said(personas.NOBODY, "CANNOT_SAY", "UPSTREAM_UNAVAILABLE", retryable=True)


def test_where_the_register_confirms_somebody_else_nothing_can_be_said(sandbox: Sandbox, gateway: Gateway) -> None:
    with sandbox.fault("population", "foreign"):
        answer = claimed(gateway, personas.THU, "Nguyễn Văn Thư", "1985-02-14")

    assert answer == said(personas.THU, "CANNOT_SAY", "UPSTREAM_CONTRACT", retryable=False)


def test_what_could_not_be_said_is_said_when_the_register_is_back(sandbox: Sandbox, gateway: Gateway) -> None:
    with sandbox.fault("population", "status", code=500):
        claimed(gateway, personas.MAI, "Lê Thị Mai", "1987-09-30")

    assert claimed(gateway, personas.MAI, "Lê Thị Mai", "1987-09-30") == said(personas.MAI, "MATCH")


def test_an_outcome_is_never_kept(sandbox: Sandbox, gateway: Gateway) -> None:
    claimed(gateway, personas.LAN, "Trần Thị Lan", "1960-11-02")
    sandbox.reset_calls()

    claimed(gateway, personas.LAN, "Trần Thị Lan", "1960-11-02")

    assert sandbox.calls() == {"population": 1}


@pytest.mark.parametrize(
    ("name", "day"), [("", "1985-02-14"), ("...", "1985-02-14"), ("'-'", "1985-02-14"), ("A" * 201, "1985-02-14"), ("A", "1985-02")]
)
def test_a_claim_that_the_register_cannot_compare_is_refused_without_a_call(
    sandbox: Sandbox, gateway: Gateway, name: str, day: str
) -> None:
    sandbox.reset_calls()

    answer = claimed(gateway, personas.THU, name, day)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
    assert answer["data"] == {"verifyCitizen": None}
    assert sandbox.calls() == {}
