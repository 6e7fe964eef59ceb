"""Civil status events over the real stack: by person, by case, and from the event to the people in it."""

from sandbox import personas
from tests.servers import Gateway

EVENT = """query($caseId: CaseId!) { civilStatusEvent(caseId: $caseId) { caseId type
    child { fullName personalId citizen { personalId } } father { citizen { personalId } } mother { citizen { personalId } }
    husband { fullName } wife { fullName } marriageStatus deceased { fullName } diedOn } }"""


def case_of(gateway: Gateway, person: str) -> str:
    answer = gateway.ask("query($id: PersonalId!) { citizen(id: $id) { civilStatusEvents { caseId } } }", id=person)
    case: str = answer["data"]["citizen"]["civilStatusEvents"][0]["caseId"]
    return case


def test_a_birth_leads_to_the_child_and_both_parents(gateway: Gateway) -> None:
    case = case_of(gateway, personas.MINH_ANH)

    answer = gateway.ask(EVENT, caseId=case)

    assert answer == {
        "data": {
            "civilStatusEvent": {
                "caseId": case,
                "type": "BIRTH",
                "child": {"fullName": "Nguyễn Minh Anh", "personalId": personas.MINH_ANH, "citizen": {"personalId": personas.MINH_ANH}},
                "father": {"citizen": {"personalId": personas.THU}},
                "mother": {"citizen": {"personalId": personas.MAI}},
                "husband": None,
                "wife": None,
                "marriageStatus": None,
                "deceased": None,
                "diedOn": None,
            }
        }
    }


def test_a_marriage_is_the_same_event_for_both_spouses(gateway: Gateway) -> None:
    case = case_of(gateway, personas.TUAN)

    marriage = gateway.ask(EVENT, caseId=case)["data"]["civilStatusEvent"]

    assert case == case_of(gateway, personas.NGA)
    assert (marriage["type"], marriage["marriageStatus"]) == ("MARRIAGE", "IN_FORCE")
    assert (marriage["husband"], marriage["wife"]) == ({"fullName": "Hoàng Anh Tuấn"}, {"fullName": "Phan Thúy Nga"})


def test_the_register_of_an_event_is_answered(gateway: Gateway) -> None:
    answer = gateway.ask(
        """query($id: PersonalId!) { citizen(id: $id) { civilStatusEvents {
            number bookNumber page registrarCode registrar receivedOn registeredOn } } }""",
        id=personas.GIA_BAO,
    )

    assert answer["data"]["citizen"]["civilStatusEvents"] == [
        {
            "number": "4/2016",
            "bookNumber": "04/2016",
            "page": "4",
            "registrarCode": "TP100291",
            "registrar": "Ủy ban nhân dân Phường Hồng Hà, Thành phố Hà Nội",
            "receivedOn": "2016-08-01",
            "registeredOn": "2016-08-02",
        }
    ]


def test_a_birth_is_the_childs_event_and_not_the_fathers(gateway: Gateway) -> None:
    answer = gateway.ask("query($id: PersonalId!) { citizen(id: $id) { civilStatusEvents { type } } }", id=personas.TUAN)

    assert answer == {"data": {"citizen": {"civilStatusEvents": [{"type": "MARRIAGE"}]}}}


def test_a_case_that_does_not_exist_is_null_without_an_error(gateway: Gateway) -> None:
    assert gateway.ask(EVENT, caseId="G22.99-260101-999999") == {"data": {"civilStatusEvent": None}}
