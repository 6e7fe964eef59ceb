"""The civil status register says everything in HTTP 200: XML inside JSON, or a code."""

import httpx
import pytest

from sandbox import personas
from sandbox.persona_people import BIRTH_OF_MINH_ANH, EVENTS, MARRIAGE_OF_THU
from tests.sandbox.wire import child, civil_data, fields, post_civil_status

BY_CASE, BY_PERSON = "traDanhSachHoSo", "traSuKienTheoSoDinhDanh"
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


async def test_a_wrong_token_is_a_code_too(client: httpx.AsyncClient) -> None:
    response = await post_civil_status(client, BY_PERSON, {"dsSoDinhDanh": [personas.THU]}, token="wrong")

    assert refusal(response) == (0, 100, "AUTHEN_ERROR")


async def test_what_is_no_json_object_has_a_wrong_type(client: httpx.AsyncClient) -> None:
    for body in (b"[]", b"{"):
        headers = {"Authorization": "Bearer sandbox-civil_status"}
        response = await client.post(f"/civil-status/api/{BY_PERSON}", content=body, headers=headers)
        assert refusal(response)[1] == 302
