"""Places over the real stack: living and ended ones, who took over from whom, and the registry's own numbers."""

from sandbox import personas
from tests.servers import Gateway, Sandbox

HOME = """query($id: PersonalId!) { citizen(id: $id) { permanentAddress { communeCode provinceCode commune {
    name kind validFrom validUntil province { name } successors { code name validUntil province { code } } } } } }"""


def test_a_living_commune_has_no_end_and_no_successors(gateway: Gateway) -> None:
    answer = gateway.ask(HOME, id=personas.THU)

    assert answer["data"]["citizen"]["permanentAddress"] == {
        "communeCode": "00097",
        "provinceCode": "01",
        "commune": {
            "name": "Phường Hồng Hà",
            "kind": "WARD",
            "validFrom": "2025-07-01",
            "validUntil": None,
            "province": {"name": "Thành phố Hà Nội"},
            "successors": [],
        },
    }


def test_an_ended_commune_keeps_its_name_and_names_its_one_successor(gateway: Gateway) -> None:
    answer = gateway.ask(HOME, id=personas.BINH)

    commune = answer["data"]["citizen"]["permanentAddress"]["commune"]
    assert (commune["name"], commune["validUntil"]) == ("Phường Phúc Xá", "2025-06-30")
    assert commune["successors"] == [{"code": "00097", "name": "Phường Hồng Hà", "validUntil": None, "province": {"code": "01"}}]


def test_an_ended_commune_that_was_divided_names_all_its_successors(gateway: Gateway) -> None:
    answer = gateway.ask(HOME, id=personas.TUYET)

    commune = answer["data"]["citizen"]["permanentAddress"]["commune"]
    assert (commune["name"], commune["validUntil"]) == ("Phường Điện Biên", "2025-06-30")
    assert [(successor["code"], successor["name"], successor["validUntil"]) for successor in commune["successors"]] == [
        ("00004", "Phường Ba Đình", None),
        ("00070", "Phường Hoàn Kiếm", None),
        ("00190", "Phường Ô Chợ Dừa", None),
        ("00226", "Phường Văn Miếu - Quốc Tử Giám", None),
    ]


def test_an_ended_province_leads_to_the_one_that_took_it_over(gateway: Gateway) -> None:
    answer = gateway.ask('{ province(code: "02") { name kind validUntil successors { code name validUntil successors { code } } } }')

    successor: dict[str, object] = {"code": "08", "name": "Tỉnh Tuyên Quang", "validUntil": None, "successors": []}
    assert answer == {
        "data": {"province": {"name": "Tỉnh Hà Giang", "kind": "PROVINCE", "validUntil": "2025-06-30", "successors": [successor]}}
    }


def test_all_provinces_are_34_living_and_29_ended(gateway: Gateway) -> None:
    answer = gateway.ask("{ provinces { code validUntil successors { validUntil } } }")

    provinces = answer["data"]["provinces"]
    ended = [province for province in provinces if province["validUntil"]]
    assert (len(provinces), len(ended)) == (63, 29)
    assert all(province["successors"] == [{"validUntil": None}] for province in ended)


def test_places_of_several_people_take_one_call_for_each_level(sandbox: Sandbox, impatient: Gateway) -> None:
    query = "query($ids: [PersonalId!]!) { citizens(ids: $ids) { permanentAddress { commune { name province { name } } } } }"
    sandbox.reset_calls()

    answer = impatient.ask(query, ids=[personas.THU, personas.QUANG, personas.HHEN, personas.AN])

    assert "errors" not in answer
    assert sandbox.calls() == {"population": 4, "code_lists": 2}


def test_the_registrys_own_number_of_a_commune_is_translated(gateway: Gateway) -> None:
    answer = gateway.ask(
        "query($code: BusinessCode!) { business(code: $code) { headOffice { text sourceCode commune { code name province { name } } } } }",
        code=personas.AN_PHAT,
    )

    assert answer == {
        "data": {
            "business": {
                "headOffice": {
                    "text": "Số 12, đường Bạch Đằng, Phường Hồng Hà, Thành phố Hà Nội",
                    "sourceCode": "500679",
                    "commune": {"code": "00097", "name": "Phường Hồng Hà", "province": {"name": "Thành phố Hà Nội"}},
                }
            }
        }
    }


def test_a_head_office_may_stand_in_a_commune_that_has_ended(gateway: Gateway) -> None:
    answer = gateway.ask(
        "query($code: BusinessCode!) { business(code: $code) { headOffice { commune { validUntil successors { code } } } } }",
        code=personas.LUA_VANG,
    )

    commune = {"validUntil": "2025-06-30", "successors": [{"code": "00097"}]}
    assert answer == {"data": {"business": {"headOffice": {"commune": commune}}}}


def test_a_place_that_does_not_exist_is_null_without_an_error(gateway: Gateway) -> None:
    assert gateway.ask('{ commune(code: "99999") { name } province(code: "99") { name } }') == {"data": {"commune": None, "province": None}}
