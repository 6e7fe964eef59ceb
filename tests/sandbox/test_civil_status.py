"""The civil status register says everything in HTTP 200: XML inside JSON, or a code."""

import httpx
import pytest

from sandbox import personas
from sandbox.events import UNDER_WAY
from sandbox.persona_people import BIRTH_OF_MINH_ANH, EVENTS, MARRIAGE_OF_THU
from sandbox.records import DONE, PROCESSING, RECEIVED, REFUSED, TODAY
from sandbox.world import World
from tests.sandbox.wire import child, civil_data, fields, post_civil_status

BY_CASE, BY_PERSON, STATES = "traDanhSachHoSo", "traSuKienTheoSoDinhDanh", "traTrangThaiHoSo"
COMMON = ["maHoSo", "id", "so", "quyenSo", "trangSo", "module", "maDonVi", "tenDonVi", "ngayTiepNhan", "NgayDangKy"]


def refusal(response: httpx.Response) -> tuple[int, int, str]:
    """Return status, code and word of a refusal."""
    assert response.status_code == 200
    answer = response.json()
    return answer["status"], answer["code"], answer["message"]


async def test_a_birth_names_the_child_and_the_parents(client: httpx.AsyncClient) -> None:
    response = await post_civil_status(client, BY_CASE, {"module": "KS", "dsMaHoSo": [BIRTH_OF_MINH_ANH.case_id]})
    data = civil_data(response)

    assert data.tag == "DanhSachHoSo"
    (case,) = data
    assert list(fields(case)) == [*COMMON, "NguoiDuocKhaiSinh", "Cha", "Me"]
    assert fields(case)["maHoSo"] == "G22.99-120420-000002"
    assert fields(case)["module"] == "KS"
    assert fields(case)["ngayTiepNhan"] == "20/04/2012"
    assert fields(case)["tenDonVi"] == "Ủy ban nhân dân Phường Hồng Hà, Thành phố Hà Nội"
    assert child(case, "NguoiDuocKhaiSinh") == {"HoTen": "Nguyễn Minh Anh", "SoDinhDanh": personas.MINH_ANH}
    assert child(case, "Me") == {"HoTen": "Lê Thị Mai", "SoDinhDanh": personas.MAI}


async def test_a_marriage_says_whether_it_stands(client: httpx.AsyncClient) -> None:
    (case,) = civil_data(await post_civil_status(client, BY_CASE, {"module": "", "dsMaHoSo": [MARRIAGE_OF_THU.case_id]}))

    assert list(fields(case)) == [*COMMON, "Chong", "Vo", "TinhTrangHonNhan"]
    assert fields(case)["TinhTrangHonNhan"] == "HIEU_LUC"


async def test_a_death_has_its_day(client: httpx.AsyncClient) -> None:
    (person,) = civil_data(await post_civil_status(client, BY_PERSON, {"dsSoDinhDanh": [personas.SAU]}))

    assert list(fields(person[1])) == [*COMMON, "NguoiChet", "NgayChet"]
    assert fields(person[1])["NgayChet"] == "09/09/2024"


async def test_every_person_asked_has_a_result_even_without_events(client: httpx.AsyncClient) -> None:
    people = [personas.TUAN, personas.NOBODY, personas.AN]
    results = civil_data(await post_civil_status(client, BY_PERSON, {"dsSoDinhDanh": people}))

    assert [result.tag for result in results] == ["KetQua"] * 3
    assert [result.findtext("SoDinhDanh") for result in results] == people
    assert [[case.findtext("module") for case in result.iter("HoSo")] for result in results] == [["KH"], [], ["KS"]]


async def test_a_childs_birth_is_not_an_event_of_the_parents(client: httpx.AsyncClient) -> None:
    (result,) = civil_data(await post_civil_status(client, BY_PERSON, {"dsSoDinhDanh": [personas.THU]}))

    assert [case.findtext("maHoSo") for case in result.iter("HoSo")] == [MARRIAGE_OF_THU.case_id]


async def test_unknown_cases_are_left_out_and_none_known_is_a_code(client: httpx.AsyncClient) -> None:
    unknown = "G22.99-200101-000001"
    some = await post_civil_status(client, BY_CASE, {"dsMaHoSo": [unknown, MARRIAGE_OF_THU.case_id]})
    none = await post_civil_status(client, BY_CASE, {"dsMaHoSo": [unknown]})
    other_module = await post_civil_status(client, BY_CASE, {"module": "KT", "dsMaHoSo": [MARRIAGE_OF_THU.case_id]})

    assert [case.findtext("maHoSo") for case in civil_data(some)] == [MARRIAGE_OF_THU.case_id]
    assert refusal(none) == (0, 201, "RECORD_NOT_FOUND")
    assert refusal(other_module) == (0, 201, "RECORD_NOT_FOUND")


@pytest.mark.parametrize(
    ("operation", "request_body", "code", "word"),
    [
        (BY_CASE, {"maTinh": "99", "dsMaHoSo": [MARRIAGE_OF_THU.case_id]}, 108, "PROVINCE_ID_INCORRECT"),
        (BY_CASE, {"maTinh": ["01"], "dsMaHoSo": [MARRIAGE_OF_THU.case_id]}, 108, "PROVINCE_ID_INCORRECT"),
        (BY_CASE, {}, 200, "RECORD_UNCOMPLETE"),
        (BY_CASE, {"dsMaHoSo": ["G22.99-201301-000001"]}, 302, "DATA_TYPE_INVALID"),
        (BY_CASE, {"dsMaHoSo": "G22.99-200101-000001"}, 302, "DATA_TYPE_INVALID"),
        (BY_CASE, {"module": "XX", "dsMaHoSo": [MARRIAGE_OF_THU.case_id]}, 302, "DATA_TYPE_INVALID"),
        (BY_CASE, {"module": ["KS"], "dsMaHoSo": [MARRIAGE_OF_THU.case_id]}, 302, "DATA_TYPE_INVALID"),
        (BY_CASE, {"dsMaHoSo": [MARRIAGE_OF_THU.case_id] * 51}, 500, "DATA_INCORRECT"),
        (STATES, {}, 200, "RECORD_UNCOMPLETE"),
        (STATES, {"dsMaHoSo": ["G22.99-201301-000001"]}, 302, "DATA_TYPE_INVALID"),
        (STATES, {"dsMaHoSo": [personas.AN_CASE] * 51}, 500, "DATA_INCORRECT"),
        (BY_PERSON, {"dsSoDinhDanh": ["1"]}, 302, "DATA_TYPE_INVALID"),
        (BY_PERSON, {"dsSoDinhDanh": [personas.THU] * 21}, 500, "DATA_INCORRECT"),
    ],
)
async def test_a_wrong_request_has_a_code(
    client: httpx.AsyncClient, operation: str, request_body: dict[str, object], code: int, word: str
) -> None:
    assert refusal(await post_civil_status(client, operation, request_body)) == (0, code, word)


async def test_fifty_cases_and_twenty_people_are_accepted(client: httpx.AsyncClient) -> None:
    cases = await post_civil_status(client, BY_CASE, {"dsMaHoSo": [event.case_id for event in EVENTS] * 8})
    people = await post_civil_status(client, BY_PERSON, {"dsSoDinhDanh": [personas.THU] * 20})

    assert len(civil_data(cases)) == len(EVENTS)
    assert len(civil_data(people)) == 20


async def test_every_case_says_how_far_it_is(client: httpx.AsyncClient) -> None:
    cases = [personas.AN_CASE, personas.BAY_CASE, personas.MINH_ANH_CASE]
    pending, refused, ready = civil_data(await post_civil_status(client, STATES, {"dsMaHoSo": cases}))

    assert fields(pending) == {
        "maHoSo": personas.AN_CASE,
        "trangThai": "2",
        "ngayTiepNhan": "29/12/2025",
        "ngayHenTra": "08/01/2026",
        "lyDo": "",
    }
    assert (fields(refused)["trangThai"], fields(refused)["lyDo"]) == ("4", "THIEU_GIAY_TO")
    assert (fields(ready)["trangThai"], fields(ready)["ngayHenTra"]) == ("3", "20/04/2012")


async def test_a_case_under_way_has_no_event_yet(client: httpx.AsyncClient) -> None:
    assert refusal(await post_civil_status(client, BY_CASE, {"dsMaHoSo": [personas.AN_CASE]}))[1] == 201


async def test_states_of_unknown_cases_are_left_out_and_none_known_is_a_code(client: httpx.AsyncClient) -> None:
    unknown = "G22.99-200101-000001"
    some = await post_civil_status(client, STATES, {"dsMaHoSo": [unknown, personas.AN_CASE, personas.AN_CASE]})

    assert [case.findtext("maHoSo") for case in civil_data(some)] == [personas.AN_CASE]
    assert refusal(await post_civil_status(client, STATES, {"dsMaHoSo": [unknown]})) == (0, 201, "RECORD_NOT_FOUND")


def test_cases_under_way_lead_back_and_are_no_events(world: World) -> None:
    cases = [world.events.under_way(at) for at in range(0, UNDER_WAY, 97)]
    shares = {state: sum(case.state == state for case in cases) / len(cases) for state in (RECEIVED, PROCESSING, REFUSED)}

    assert all(world.case(case.case_id) == case and world.event(case.case_id) is None for case in cases)
    assert all(case.received < TODAY for case in cases)
    assert all(case.promised and case.promised > TODAY for case in cases if case.state == PROCESSING)
    assert all(case.promised is None for case in cases if case.state == RECEIVED)
    assert all(bool(case.refusal) == (case.state == REFUSED) for case in cases)
    assert 0.4 < shares[PROCESSING] < 0.6
    assert min(shares[RECEIVED], shares[REFUSED]) > 0.15


def test_the_case_of_every_event_is_done(world: World) -> None:
    events = [event for index in range(0, 1_000_000, 9_973) for event in world.events.of_person(index)]

    assert len(events) > 50
    assert {case.state for event in [*events, *EVENTS] if (case := world.case(event.case_id))} == {DONE}
    assert all(world.case(event.case_id) for event in [*events, *EVENTS])


async def test_a_wrong_token_is_a_code_too(client: httpx.AsyncClient) -> None:
    response = await post_civil_status(client, BY_PERSON, {"dsSoDinhDanh": [personas.THU]}, token="wrong")

    assert refusal(response) == (0, 100, "AUTHEN_ERROR")


async def test_what_is_no_json_object_has_a_wrong_type(client: httpx.AsyncClient) -> None:
    for body in (b"[]", b"{"):
        headers = {"Authorization": "Bearer sandbox-civil_status"}
        response = await client.post(f"/civil-status/api/{BY_PERSON}", content=body, headers=headers)
        assert refusal(response)[1] == 302
