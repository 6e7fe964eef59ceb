"""Taxpayers over the real stack: people, businesses and branches under one kind of code."""

import pytest

from sandbox import personas
from tests.servers import Gateway

TAXPAYER = "query($code: TaxCode!) { taxpayer(code: $code) { taxCode kind citizen { personalId } business { code } } }"


def test_a_person_pays_under_the_personal_id(gateway: Gateway) -> None:
    answer = gateway.ask(TAXPAYER, code=personas.THU)

    person = {"taxCode": personas.THU, "kind": "PERSON", "citizen": {"personalId": personas.THU}, "business": None}
    assert answer == {"data": {"taxpayer": person}}


def test_a_business_pays_under_its_own_code(gateway: Gateway) -> None:
    answer = gateway.ask(TAXPAYER, code=personas.SAO_MAI)

    business = {"taxCode": personas.SAO_MAI, "kind": "BUSINESS", "citizen": None, "business": {"code": personas.SAO_MAI}}
    assert answer == {"data": {"taxpayer": business}}


@pytest.mark.parametrize("written", [personas.AN_PHAT_BRANCH, personas.AN_PHAT_BRANCH.replace("-", "")])
def test_a_branch_leads_to_its_parent_however_its_code_is_written(gateway: Gateway, written: str) -> None:
    answer = gateway.ask(TAXPAYER, code=written)

    branch = {"taxCode": personas.AN_PHAT_BRANCH, "kind": "BRANCH", "citizen": None, "business": {"code": personas.AN_PHAT}}
    assert answer == {"data": {"taxpayer": branch}}


def test_a_code_that_is_not_registered_is_null_without_an_error(gateway: Gateway) -> None:
    assert gateway.ask(TAXPAYER, code=personas.NOBODY) == {"data": {"taxpayer": None}}


def test_money_keeps_what_is_nought_apart_from_what_is_not_known(gateway: Gateway) -> None:
    answer = gateway.ask(
        "query($code: TaxCode!) { taxpayer(code: $code) { debt overpaid taxableIncome period registeredOn taxOffice { code name } } }",
        code=personas.HOA,
    )

    assert answer == {
        "data": {
            "taxpayer": {
                "debt": "0",
                "overpaid": None,
                "taxableIncome": None,
                "period": "2024",
                "registeredOn": "2012-05-14",
                "taxOffice": {"code": "13800", "name": "Thuế tỉnh Thanh Hóa"},
            }
        }
    }
