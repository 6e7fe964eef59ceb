"""Insurance books over the real stack: the book of a person, and the periods of a year or of a life."""

from typing import Any

import pytest

from sandbox import personas
from tests.servers import Gateway, Sandbox

PERIODS = """query($number: InsuranceNumber!, $year: Int) { insuranceBook(number: $number) {
    periods(year: $year) { from to salaryBase employerCode } } }"""
FIRST = {"from": "2008-07", "to": "2011-03", "salaryBase": "3200000", "employerCode": None}
SECOND = {"from": "2011-04", "to": "2019-12", "salaryBase": "12000000", "employerCode": personas.AN_PHAT}
PRESENT = {"from": "2020-01", "to": None, "salaryBase": "25500000", "employerCode": personas.AN_PHAT}


def test_every_field_of_a_book_is_answered(gateway: Gateway) -> None:
    answer = gateway.ask(
        """query($number: InsuranceNumber!) { insuranceBook(number: $number) { number personalId fullName oldBookNumber birthDate gender
            householdCode status monthsPaid salaryBase employerCode employer { code } citizen { personalId } } }""",
        number=personas.THU_BOOK,
    )

    assert answer == {
        "data": {
            "insuranceBook": {
                "number": personas.THU_BOOK,
                "personalId": personas.THU,
                "fullName": "NGUYỄN VĂN THƯ",
                "oldBookNumber": None,
                "birthDate": "1985-02-14",
                "gender": "MALE",
                "householdCode": "999990001",
                "status": "PAYING",
                "monthsPaid": 210,
                "salaryBase": "25500000",
                "employerCode": personas.AN_PHAT,
                "employer": {"code": personas.AN_PHAT},
                "citizen": {"personalId": personas.THU},
            }
        }
    }


@pytest.mark.parametrize(
    ("year", "periods"),
    [(None, [FIRST, SECOND, PRESENT]), (2010, [FIRST]), (2011, [FIRST, SECOND]), (2019, [SECOND]), (2026, [PRESENT]), (2000, [])],
)
def test_periods_are_those_that_touch_the_year(gateway: Gateway, year: int | None, periods: list[dict[str, Any]]) -> None:
    answer = gateway.ask(PERIODS, number=personas.THU_BOOK, year=year)

    assert answer == {"data": {"insuranceBook": {"periods": periods}}}


def test_two_years_of_one_book_are_told_apart(sandbox: Sandbox, impatient: Gateway) -> None:
    query = """query($number: InsuranceNumber!) { insuranceBook(number: $number) {
        a: periods(year: 2010) { from } b: periods(year: 2026) { from } } }"""
    sandbox.reset_calls()

    answer = impatient.ask(query, number=personas.THU_BOOK)

    assert answer == {"data": {"insuranceBook": {"a": [{"from": "2008-07"}], "b": [{"from": "2020-01"}]}}}
    assert sandbox.calls() == {"insurance": 3}


@pytest.mark.parametrize("year", [1899, 2101, 0, -1, 99_999])
def test_a_year_that_no_book_can_have_is_refused_before_the_system_is_asked_for_periods(
    sandbox: Sandbox, impatient: Gateway, year: int
) -> None:
    sandbox.reset_calls()

    answer = impatient.ask(PERIODS, number=personas.THU_BOOK, year=year)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
    assert answer["data"] == {"insuranceBook": {"periods": None}}
    assert sandbox.calls() == {"insurance": 1}


def test_employer_and_book_of_a_period_lead_on(gateway: Gateway) -> None:
    answer = gateway.ask(
        """query($id: PersonalId!) { citizen(id: $id) { insurance { status employer { code }
            periods { employer { name legalRepresentatives { citizen { fullName } } } } } } }""",
        id=personas.NGA,
    )

    viet_han = {
        "name": "CÔNG TY CỔ PHẦN CÔNG NGHỆ VIỆT HÀN",
        "legalRepresentatives": [{"citizen": {"fullName": "HOÀNG ANH TUẤN"}}],
    }
    assert answer == {"data": {"citizen": {"insurance": {"status": "PAUSED", "employer": None, "periods": [{"employer": viet_han}]}}}}


def test_a_book_that_does_not_exist_is_null_without_an_error(gateway: Gateway) -> None:
    assert gateway.ask(PERIODS, number="9999999999") == {"data": {"insuranceBook": None}}
