"""Businesses over the real stack: who may sign, who owns, where it sits, and what the tax system says."""

import pytest

from resolvers.identifiers import TaxBody
from sandbox import personas
from tests.servers import Gateway, Sandbox

HELD = """query($code: BusinessCode!) { business(code: $code) {
    legalRepresentatives { fullName personalId citizen { fullName } }
    members { name personalId businessCode citizen { fullName } business { code } } } }"""


def codes_with_a_right_check_digit(count: int) -> list[str]:
    """Make codes of the range that is kept for tests, beginning well behind the personas."""
    digits = (f"{body}{digit}" for body in range(990_500_000, 990_501_000) for digit in range(10))
    return [code for code in digits if TaxBody.is_right(code)][:count]


def test_every_field_of_a_business_is_answered(gateway: Gateway) -> None:
    answer = gateway.ask(
        """query($code: BusinessCode!) { business(code: $code) {
            code registryNumber name foreignName shortName type status foundedOn lastAmendedOn charterCapital
            legalRepresentatives { fullName position isMain } members { name sharePercent } } }""",
        code=personas.AN_PHAT,
    )

    assert answer == {
        "data": {
            "business": {
                "code": personas.AN_PHAT,
                "registryNumber": "9000001",
                "name": "CÔNG TY TNHH THƯƠNG MẠI & DỊCH VỤ AN PHÁT",
                "foreignName": "AN PHAT TRADING & SERVICES COMPANY LIMITED",
                "shortName": "AN PHAT CO., LTD",
                "type": "LIMITED_SEVERAL_MEMBERS",
                "status": "OPERATING",
                "foundedOn": "2011-03-15",
                "lastAmendedOn": "2024-05-06",
                "charterCapital": "6000000000",
                "legalRepresentatives": [
                    {"fullName": "Nguyễn Văn Thư", "position": "Giám đốc", "isMain": True},
                    {"fullName": "Lê Thị Mai", "position": "Phó giám đốc", "isMain": False},
                ],
                "members": [{"name": "Nguyễn Văn Thư", "sharePercent": 60.0}, {"name": "Lê Thị Mai", "sharePercent": 40.0}],
            }
        }
    }


def test_a_representative_whom_the_population_system_does_not_know_is_still_named(gateway: Gateway) -> None:
    answer = gateway.ask(HELD, code=personas.HOANG_HON)

    named = {"personalId": personas.UNREGISTERED, "citizen": None}
    assert answer == {
        "data": {
            "business": {
                "legalRepresentatives": [{"fullName": "Lâm Quốc Việt", **named}],
                "members": [{"name": "Lâm Quốc Việt", **named, "businessCode": None, "business": None}],
            }
        }
    }


def test_a_member_is_a_citizen_a_foreigner_or_a_business(gateway: Gateway) -> None:
    answer = gateway.ask(HELD, code=personas.VIET_HAN)

    assert "errors" not in answer
    assert answer["data"]["business"]["members"] == [
        {
            "name": "Hoàng Anh Tuấn",
            "personalId": personas.TUAN,
            "businessCode": None,
            "citizen": {"fullName": "HOÀNG ANH TUẤN"},
            "business": None,
        },
        {"name": "Hanbit Trading Co., Ltd.", "personalId": None, "businessCode": None, "citizen": None, "business": None},
        {
            "name": "CÔNG TY TNHH THƯƠNG MẠI & DỊCH VỤ AN PHÁT",
            "personalId": None,
            "businessCode": personas.AN_PHAT,
            "citizen": None,
            "business": {"code": personas.AN_PHAT},
        },
    ]


def test_what_is_not_known_of_a_business_is_null(gateway: Gateway) -> None:
    query = "query($code: BusinessCode!) { business(code: $code) { foreignName shortName charterCapital } }"

    answer = gateway.ask(query, code=personas.HOANG_HON)

    assert answer == {"data": {"business": {"foreignName": None, "shortName": None, "charterCapital": None}}}


@pytest.mark.parametrize(
    ("code", "registered", "taxed"),
    [
        (personas.AN_PHAT, "OPERATING", "OPERATING"),
        (personas.SAO_MAI, "SUSPENDED", "SUSPENDED"),
        (personas.LUA_VANG, "DISSOLVED", "CLOSED"),
    ],
)
def test_registry_and_tax_system_each_say_how_a_business_stands(gateway: Gateway, code: str, registered: str, taxed: str) -> None:
    answer = gateway.ask("query($code: BusinessCode!) { business(code: $code) { status tax { status } } }", code=code)

    assert answer == {"data": {"business": {"status": registered, "tax": {"status": taxed}}}}


def test_an_activity_belongs_to_a_section_whether_its_code_has_four_or_five_digits(gateway: Gateway) -> None:
    answer = gateway.ask(
        "query($code: BusinessCode!) { business(code: $code) { activities { vsic isMain section { code version } } } }",
        code=personas.VIET_HAN,
    )

    assert answer == {
        "data": {
            "business": {
                "activities": [
                    {"vsic": "6310", "isMain": True, "section": {"code": "K", "version": "VSIC2025"}},
                    {"vsic": "85590", "isMain": False, "section": {"code": "Q", "version": "VSIC2025"}},
                ]
            }
        }
    }


def test_businesses_come_in_the_order_of_their_codes_with_null_for_those_that_do_not_exist(gateway: Gateway) -> None:
    nothing = codes_with_a_right_check_digit(1)[0]
    wanted = [personas.LUA_VANG, nothing, personas.AN_PHAT]

    answer = gateway.ask("query($codes: [BusinessCode!]!) { businesses(codes: $codes) { code } }", codes=wanted)

    assert answer == {"data": {"businesses": [{"code": personas.LUA_VANG}, None, {"code": personas.AN_PHAT}]}}


@pytest.mark.parametrize(("count", "calls"), [(50, 1), (51, 2)])
def test_fifty_businesses_fit_in_a_call(sandbox: Sandbox, impatient: Gateway, count: int, calls: int) -> None:
    wanted = codes_with_a_right_check_digit(count)
    sandbox.reset_calls()

    answer = impatient.ask("query($codes: [BusinessCode!]!) { businesses(codes: $codes) { code } }", codes=wanted)

    assert len(answer["data"]["businesses"]) == count
    assert sandbox.calls() == {"business": calls}


def test_a_business_that_does_not_exist_is_null_without_an_error(gateway: Gateway) -> None:
    code = codes_with_a_right_check_digit(1)[0]

    assert gateway.ask("query($code: BusinessCode!) { business(code: $code) { name tax { status } } }", code=code) == {
        "data": {"business": None}
    }


def test_a_business_is_reached_from_its_representative_its_employee_and_its_taxpayer(gateway: Gateway) -> None:
    answer = gateway.ask(
        """query($person: PersonalId!, $code: TaxCode!) {
            citizen(id: $person) { businesses { code } insurance { employer { code } } }
            taxpayer(code: $code) { business { code tax { taxCode } } } }""",
        person=personas.MAI,
        code=personas.AN_PHAT,
    )

    an_phat = {"code": personas.AN_PHAT}
    assert answer == {
        "data": {
            "citizen": {"businesses": [an_phat], "insurance": {"employer": an_phat}},
            "taxpayer": {"business": {**an_phat, "tax": {"taxCode": personas.AN_PHAT}}},
        }
    }
