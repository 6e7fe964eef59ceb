"""Citizens over the real stack: one person put together from every system that knows them, and nobody made up."""

import pytest

from sandbox import personas
from tests.servers import PROJECT, Gateway, Sandbox

FIRST_QUERY = (PROJECT / "examples" / "first-query.graphql").read_text("utf-8")
KNOWN_WHERE = """query($id: PersonalId!) { citizen(id: $id) {
    fullName household { code } insurance { number } tax { taxCode } civilStatusEvents { type } businesses { code } } }"""


def test_the_first_query_is_answered_exactly(gateway: Gateway) -> None:
    answer = gateway.ask(FIRST_QUERY)

    assert answer == {
        "data": {
            "citizen": {
                "personalId": personas.THU,
                "fullName": "NGUYỄN VĂN THƯ",
                "birthDate": "1985-02-14",
                "permanentAddress": {
                    "text": "Số 12, đường Bạch Đằng",
                    "commune": {"name": "Phường Hồng Hà", "province": {"name": "Thành phố Hà Nội"}},
                },
                "father": {"fullName": "NGUYỄN VĂN HÒA", "insurance": {"status": "PENSIONER", "monthsPaid": 282}},
                "mother": {"fullName": "TRẦN THỊ LAN", "insurance": {"status": "PENSIONER", "monthsPaid": 249}},
                "insurance": {
                    "number": personas.THU_BOOK,
                    "status": "PAYING",
                    "monthsPaid": 210,
                    "employer": {"name": "CÔNG TY TNHH THƯƠNG MẠI & DỊCH VỤ AN PHÁT"},
                },
                "tax": {"taxCode": personas.THU, "status": "OPERATING", "debt": "0"},
                "businesses": [
                    {
                        "code": personas.AN_PHAT,
                        "name": "CÔNG TY TNHH THƯƠNG MẠI & DỊCH VỤ AN PHÁT",
                        "status": "OPERATING",
                        "legalRepresentatives": [
                            {"fullName": "Nguyễn Văn Thư", "position": "Giám đốc"},
                            {"fullName": "Lê Thị Mai", "position": "Phó giám đốc"},
                        ],
                        "tax": {"status": "OPERATING", "debt": "0"},
                    },
                    {
                        "code": personas.SAO_MAI,
                        "name": "CÔNG TY TNHH MỘT THÀNH VIÊN SAO MAI",
                        "status": "SUSPENDED",
                        "legalRepresentatives": [{"fullName": "Nguyễn Văn Thư", "position": "Giám đốc"}],
                        "tax": {"status": "SUSPENDED", "debt": "42600000"},
                    },
                ],
            }
        }
    }


def test_the_first_query_takes_as_few_calls_as_its_levels_allow(sandbox: Sandbox, impatient: Gateway) -> None:
    sandbox.reset_calls()

    answer = impatient.ask(FIRST_QUERY)

    assert "errors" not in answer
    # Three people, one a call. Then twice each: the person's own, and what only the first answer leads to.
    assert sandbox.calls() == {"population": 3, "business": 2, "insurance": 2, "tax": 2, "code_lists": 2}


def test_an_answer_from_the_cache_makes_no_call(sandbox: Sandbox, gateway: Gateway) -> None:
    before = gateway.ask(FIRST_QUERY)
    sandbox.reset_calls()

    assert gateway.ask(FIRST_QUERY) == before
    assert sandbox.calls() == {}


def test_a_person_whom_every_system_knows(gateway: Gateway) -> None:
    assert gateway.ask(KNOWN_WHERE, id=personas.THU) == {
        "data": {
            "citizen": {
                "fullName": "NGUYỄN VĂN THƯ",
                "household": {"code": "999990001"},
                "insurance": {"number": personas.THU_BOOK},
                "tax": {"taxCode": personas.THU},
                "civilStatusEvents": [{"type": "MARRIAGE"}],
                "businesses": [{"code": personas.AN_PHAT}, {"code": personas.SAO_MAI}],
            }
        }
    }


def test_a_person_whom_only_the_population_system_knows_has_no_errors(gateway: Gateway) -> None:
    assert gateway.ask(KNOWN_WHERE, id=personas.QUANG) == {
        "data": {
            "citizen": {
                "fullName": "ĐỖ MINH QUANG",
                "household": {"code": "999990004"},
                "insurance": None,
                "tax": None,
                "civilStatusEvents": [],
                "businesses": [],
            }
        }
    }


@pytest.mark.parametrize("person", [personas.NOBODY, personas.VI, personas.UNREGISTERED])
def test_a_person_whom_the_population_system_does_not_know_is_null_without_an_error(gateway: Gateway, person: str) -> None:
    assert gateway.ask(KNOWN_WHERE, id=person) == {"data": {"citizen": None}}


def test_nobody_else_is_asked_about_a_person_whom_the_population_system_does_not_know(sandbox: Sandbox, impatient: Gateway) -> None:
    sandbox.reset_calls()

    impatient.ask(KNOWN_WHERE, id=personas.NOBODY)

    assert sandbox.calls() == {"population": 1}


def test_a_person_whom_only_the_insurance_system_knows_is_reached_by_the_book(gateway: Gateway) -> None:
    answer = gateway.ask(
        "query($number: InsuranceNumber!) { insuranceBook(number: $number) { personalId fullName birthDate citizen { fullName } } }",
        number=personas.VI_BOOK,
    )

    book = {"personalId": personas.VI, "fullName": "LÝ THỊ VI", "birthDate": "1975-04", "citizen": None}
    assert answer == {"data": {"insuranceBook": book}}


def test_two_systems_that_disagree_are_both_shown(gateway: Gateway) -> None:
    answer = gateway.ask(
        "query($id: PersonalId!) { citizen(id: $id) { fullName birthDate insurance { fullName birthDate personalId } } }", id=personas.THUY
    )

    assert answer == {
        "data": {
            "citizen": {
                "fullName": "VÕ THỊ THÚY",
                "birthDate": "1986-12-03",
                "insurance": {"fullName": "VÕ THỊ THUÝ", "birthDate": "1986-03-12", "personalId": personas.THUY},
            }
        }
    }


def test_a_birth_date_of_which_only_the_year_is_known_is_that_year(gateway: Gateway) -> None:
    answer = gateway.ask("query($id: PersonalId!) { citizen(id: $id) { birthDate insurance { birthDate } } }", id=personas.BAY)

    assert answer == {"data": {"citizen": {"birthDate": "1947", "insurance": {"birthDate": "1947"}}}}


def test_a_person_who_has_died_is_told_so_by_every_system_in_its_own_way(gateway: Gateway) -> None:
    answer = gateway.ask(
        """query($id: PersonalId!) { citizen(id: $id) { isLiving household { code } insurance { status }
            civilStatusEvents { type diedOn deceased { citizen { isLiving } } } } }""",
        id=personas.SAU,
    )

    death = {"type": "DEATH", "diedOn": "2024-09-09", "deceased": {"citizen": {"isLiving": False}}}
    assert answer == {
        "data": {"citizen": {"isLiving": False, "household": None, "insurance": {"status": "CLOSED"}, "civilStatusEvents": [death]}}
    }


def test_the_widow_of_one_who_has_died_is_widowed(gateway: Gateway) -> None:
    answer = gateway.ask("query($id: PersonalId!) { citizen(id: $id) { isLiving maritalStatus spouse { fullName } } }", id=personas.NAM)

    assert answer == {"data": {"citizen": {"isLiving": True, "maritalStatus": "WIDOWED", "spouse": None}}}


def test_a_newborn_has_parents_and_a_birth_but_no_insurance(gateway: Gateway) -> None:
    answer = gateway.ask(
        """query($id: PersonalId!) { citizen(id: $id) { birthDate insurance { number } father { personalId } mother { personalId }
            civilStatusEvents { type child { personalId } } } }""",
        id=personas.AN,
    )

    assert answer == {
        "data": {
            "citizen": {
                "birthDate": "2025-11-05",
                "insurance": None,
                "father": {"personalId": personas.TUAN},
                "mother": {"personalId": personas.NGA},
                "civilStatusEvents": [{"type": "BIRTH", "child": {"personalId": personas.AN}}],
            }
        }
    }


def test_a_name_that_stands_whole_in_the_given_name_is_one_name(gateway: Gateway) -> None:
    answer = gateway.ask(
        "query($id: PersonalId!) { citizen(id: $id) { fullName gender ethnicity { code name } religion { name } nationality { name } } }",
        id=personas.HHEN,
    )

    assert answer == {
        "data": {
            "citizen": {
                "fullName": "H'HEN NIÊ",
                "gender": "FEMALE",
                "ethnicity": {"code": "12", "name": "Ê-đê"},
                "religion": {"name": "Tin Lành"},
                "nationality": {"name": "Việt Nam"},
            }
        }
    }


def test_people_come_in_the_order_of_their_ids_with_null_for_those_who_do_not_exist(gateway: Gateway) -> None:
    wanted = [personas.QUANG, personas.NOBODY, personas.THU, personas.VI, personas.QUANG]

    answer = gateway.ask("query($ids: [PersonalId!]!) { citizens(ids: $ids) { personalId } }", ids=wanted)

    quang, thu = {"personalId": personas.QUANG}, {"personalId": personas.THU}
    assert answer == {"data": {"citizens": [quang, None, thu, None, quang]}}


def test_a_person_who_is_wanted_twice_is_asked_for_once(sandbox: Sandbox, impatient: Gateway) -> None:
    sandbox.reset_calls()

    impatient.ask("query($ids: [PersonalId!]!) { citizens(ids: $ids) { personalId } }", ids=[personas.THU, personas.THU, personas.MAI])

    assert sandbox.calls() == {"population": 2}


def test_the_books_of_several_people_take_one_call(sandbox: Sandbox, impatient: Gateway) -> None:
    people = [personas.THU, personas.MAI, personas.HOA, personas.LAN, personas.QUANG]
    sandbox.reset_calls()

    answer = impatient.ask("query($ids: [PersonalId!]!) { citizens(ids: $ids) { insurance { monthsPaid } } }", ids=people)

    months = [person["insurance"] and person["insurance"]["monthsPaid"] for person in answer["data"]["citizens"]]
    assert months == [210, 165, 282, 249, None]
    assert sandbox.calls() == {"population": 5, "insurance": 1}


def test_a_family_is_reached_from_each_of_its_members(gateway: Gateway) -> None:
    answer = gateway.ask(
        """query($id: PersonalId!) { citizen(id: $id) {
            father { personalId } mother { personalId } spouse { personalId spouse { personalId } }
            fatherNamed { fullName personalId nationalityCode }
            householdHead { relation citizen { personalId } }
            household { members { relation fullName citizen { personalId father { personalId } } } } } }""",
        id=personas.MAI,
    )

    thu = {"personalId": personas.THU}
    members = [
        ("HEAD", "NGUYỄN VĂN THƯ", personas.THU, {"personalId": personas.HOA}),
        ("SPOUSE", "LÊ THỊ MAI", personas.MAI, None),
        ("CHILD", "NGUYỄN MINH ANH", personas.MINH_ANH, thu),
        ("CHILD", "NGUYỄN GIA BẢO", personas.GIA_BAO, thu),
    ]
    assert answer == {
        "data": {
            "citizen": {
                "father": None,
                "mother": None,
                "spouse": {**thu, "spouse": {"personalId": personas.MAI}},
                "fatherNamed": None,
                "householdHead": {"relation": "SPOUSE", "citizen": thu},
                "household": {
                    "members": [
                        {"relation": relation, "fullName": name, "citizen": {"personalId": person, "father": father}}
                        for relation, name, person, father in members
                    ]
                },
            }
        }
    }


def test_links_lead_from_a_person_to_every_system_and_back(gateway: Gateway) -> None:
    answer = gateway.ask(
        """query($id: PersonalId!) { citizen(id: $id) {
            insurance { citizen { personalId } }
            tax { citizen { personalId } business { code } }
            businesses { legalRepresentatives { citizen { personalId } } members { citizen { personalId } } }
            civilStatusEvents { husband { citizen { personalId } } wife { citizen { businesses { code } } } } } }""",
        id=personas.THU,
    )

    thu, mai = {"citizen": {"personalId": personas.THU}}, {"citizen": {"personalId": personas.MAI}}
    assert answer == {
        "data": {
            "citizen": {
                "insurance": thu,
                "tax": {**thu, "business": None},
                "businesses": [
                    {"legalRepresentatives": [thu, mai], "members": [thu, mai]},
                    {"legalRepresentatives": [thu], "members": [thu]},
                ],
                "civilStatusEvents": [{"husband": thu, "wife": {"citizen": {"businesses": [{"code": personas.AN_PHAT}]}}}],
            }
        }
    }


def test_ids_that_the_population_system_has_named_already_cost_no_further_call(sandbox: Sandbox, impatient: Gateway) -> None:
    sandbox.reset_calls()

    answer = impatient.ask(
        "query($id: PersonalId!) { citizen(id: $id) { father { personalId } spouse { personalId __typename } } }",
        id=personas.THU,
    )

    assert answer["data"]["citizen"] == {
        "father": {"personalId": personas.HOA},
        "spouse": {"personalId": personas.MAI, "__typename": "Citizen"},
    }
    assert sandbox.calls() == {"population": 1}
