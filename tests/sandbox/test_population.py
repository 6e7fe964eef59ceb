"""The population system speaks SOAP, checks the asking official, and answers for one person a call."""

import httpx
import pytest
from lxml import etree

from sandbox import personas
from tests.sandbox.wire import CITIZENS, child, citizen, fields, household, parsed, population_message, post_population, rows, verified


def fault_of(response: httpx.Response) -> tuple[str, str]:
    """Return code and text of a SOAP fault."""
    assert response.status_code == 500
    return parsed(response).findtext(".//faultcode") or "", parsed(response).findtext(".//faultstring") or ""


async def test_a_citizen_has_exactly_the_documented_fields(client: httpx.AsyncClient) -> None:
    (thu,) = await citizen(client, personas.THU)

    assert list(fields(thu)) == [
        *("SoDinhDanh", "SoCMND", "HoVaTen", "GioiTinh", "DanToc", "TonGiao", "TinhTrangHonNhan", "NhomMau", "NgayThangNamSinh"),
        *("NoiDangKyKhaiSinh", "QueQuan", "ThuongTru", "NoiOHienTai", "QuocTich", "Cha", "Me", "VoChong", "ChuHo", "SoSoHoKhau"),
        "TrangThai",
    ]
    assert all(etree.QName(element).namespace == CITIZENS[1:-1] for element in thu.iter())
    assert fields(thu)["SoDinhDanh"] == personas.THU
    assert child(thu, "HoVaTen") == {"Ho": "NGUYỄN", "ChuDem": "VĂN", "Ten": "THƯ"}
    assert child(thu, "NgayThangNamSinh") == {"NgayThangNam": "19850214"}
    assert child(thu, "ThuongTru") == {"MaTinhThanh": "01", "MaPhuongXa": "00097", "ChiTiet": "Số 12, đường Bạch Đằng", "QuocGia": "VN"}
    assert child(thu, "Cha") == {"HoVaTen": "NGUYỄN VĂN HÒA", "QuocTich": "VN", "SoDinhDanh": personas.HOA, "SoCMND": "990000003"}
    assert child(thu, "ChuHo") == {"QuanHe": "CHU_HO", "SoDinhDanh": personas.THU, "SoCMND": "990000002", "HoVaTen": "NGUYỄN VĂN THƯ"}
    assert (fields(thu)["GioiTinh"], fields(thu)["TinhTrangHonNhan"], fields(thu)["TrangThai"]) == ("1", "2", "1")


async def test_unknown_relatives_are_absent_and_unknown_values_empty(client: httpx.AsyncClient) -> None:
    (quang,) = await citizen(client, personas.QUANG)

    assert not {"Cha", "Me", "VoChong"} & fields(quang).keys()
    assert fields(quang)["SoCMND"] == ""


async def test_a_birth_known_by_its_year_is_a_year(client: httpx.AsyncClient) -> None:
    (bay,) = await citizen(client, personas.BAY)

    assert child(bay, "NgayThangNamSinh") == {"Nam": "1947"}


async def test_a_whole_name_can_stand_in_the_given_name(client: httpx.AsyncClient) -> None:
    (hhen,) = await citizen(client, personas.HHEN)

    assert child(hhen, "HoVaTen") == {"Ho": "", "ChuDem": "", "Ten": "H'HEN NIÊ"}


async def test_the_dead_are_marked_and_belong_to_no_household(client: httpx.AsyncClient) -> None:
    (sau,) = await citizen(client, personas.SAU)

    assert fields(sau)["TrangThai"] == "2"
    assert "ChuHo" not in fields(sau)
    assert await household(client, personas.SAU) == []


async def test_only_people_under_protection_are_flagged(client: httpx.AsyncClient) -> None:
    (kim,), (thu,) = await citizen(client, personas.KIM), await citizen(client, personas.THU)

    assert fields(kim)["DuocBaoVe"] == "1"
    assert "DuocBaoVe" not in fields(thu)


async def test_nobody_is_an_empty_collection(client: httpx.AsyncClient) -> None:
    response = await post_population(client, population_message("TraCuuCongDan", personas.NOBODY))

    assert response.status_code == 200
    assert [len(collection) for collection in rows(response, CITIZENS + "CongdanCollection")] == [0]


async def test_a_household_is_found_by_any_member(client: httpx.AsyncClient) -> None:
    (home,) = await household(client, personas.GIA_BAO)
    members = [fields(member) for member in home.iter(CITIZENS + "ThanhVien")]

    assert list(fields(home))[:3] == ["MaHo", "DiaChi", "ChuHo"]
    assert child(home, "ChuHo") == {"SoDinhDanh": personas.THU, "HoVaTen": "NGUYỄN VĂN THƯ"}
    assert child(home, "DiaChi")["MaPhuongXa"] == "00097"
    assert [(member["SoDinhDanh"], member["QuanHe"]) for member in members] == [
        (personas.THU, "CHU_HO"),
        (personas.MAI, "VO_CHONG"),
        (personas.MINH_ANH, "CON"),
        (personas.GIA_BAO, "CON"),
    ]


async def test_service_037_wants_id_name_and_birth_date_to_agree(client: httpx.AsyncClient) -> None:
    assert await verified(client, personas.THU, "NGUYENVANTHU", NgayThangNam="19850214")
    assert await verified(client, personas.THU, "Nguyễn Văn Thư", NgayThangNam="19850214")
    assert not await verified(client, personas.THU, "NGUYENVANTHO", NgayThangNam="19850214")
    assert not await verified(client, personas.THU, "NGUYENVANTHU", NgayThangNam="19850215")
    assert not await verified(client, personas.HOA, "NGUYENVANTHU", NgayThangNam="19850214")
    assert not await verified(client, personas.NOBODY, "NGUYENVANTHU", NgayThangNam="19850214")


async def test_a_birth_year_matches_only_those_known_by_their_year(client: httpx.AsyncClient) -> None:
    assert await verified(client, personas.BAY, "HUYNHVANBAY", Nam="1947")
    assert not await verified(client, personas.BAY, "HUYNHVANBAY", NgayThangNam="19470101")
    assert not await verified(client, personas.THU, "NGUYENVANTHU", Nam="1985")


@pytest.mark.parametrize("name", ["MaYeuCau", "MaDVC", "MaTichHop", "MaCanBo", "MaDonVi", "TaiKhoan", "SoDinhDanh"])
async def test_a_mandatory_element_that_is_empty_is_a_fault(client: httpx.AsyncClient, name: str) -> None:
    response = await post_population(client, population_message("TraCuuCongDan", personas.THU, **{name: ""}))

    assert fault_of(response) == ("soapenv:Client", f"{name} is required")


async def test_the_mandatory_elements_stand_in_their_order(client: httpx.AsyncClient) -> None:
    message = population_message("TraCuuCongDan", personas.THU)
    swapped = message.replace("MaDonVi", "X").replace("TaiKhoan", "MaDonVi").replace("X>", "TaiKhoan>")

    code, text = fault_of(await post_population(client, swapped))

    assert code == "soapenv:Client"
    assert "in this order" in text


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"SoDinhDanh": "12345678901"}, "SoDinhDanh is malformed"),
        ({"SoDinhDanh": "99085000002x"}, "SoDinhDanh is malformed"),
        ({"MaCanBo": "official"}, "MaCanBo is malformed"),
        ({"MaTichHop": "037"}, "MaTichHop of this operation is 034"),
    ],
)
async def test_a_malformed_element_is_a_fault(client: httpx.AsyncClient, change: dict[str, str], text: str) -> None:
    response = await post_population(client, population_message("TraCuuCongDan", personas.THU, **change))

    assert fault_of(response) == ("soapenv:Client", text)


@pytest.mark.parametrize(
    ("further", "text"),
    [
        ("<d:HoVaTen>A</d:HoVaTen>", "NgayThangNamSinh is required"),
        ("<d:NgayThangNamSinh><d:Nam>1985</d:Nam></d:NgayThangNamSinh>", "HoVaTen is required"),
        ("<d:HoVaTen>A</d:HoVaTen><d:NgayThangNamSinh><d:Nam>85</d:Nam></d:NgayThangNamSinh>", "NgayThangNamSinh is malformed"),
    ],
)
async def test_service_037_needs_a_name_and_a_birth_date(client: httpx.AsyncClient, further: str, text: str) -> None:
    response = await post_population(client, population_message("TraCuuThongTinCongDan", personas.THU, further))

    assert fault_of(response) == ("soapenv:Client", text)


async def test_a_wrong_token_is_an_authentication_fault(client: httpx.AsyncClient) -> None:
    response = await post_population(client, population_message("TraCuuCongDan", personas.THU), token="wrong")

    assert fault_of(response)[0] == "soapenv:Client.Authentication"


@pytest.mark.parametrize(
    "message",
    [
        "not xml",
        "<a><b></a>",
        "<Envelope/>",
        population_message("TraCuuNguoi", personas.THU),
        population_message("TraCuuCongDan", personas.THU).replace("dancuquocgia.bca", "elsewhere"),
        f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>{population_message("TraCuuCongDan", "&x;")}',
        f'<!DOCTYPE a [<!ENTITY x "{personas.THU}">]>{population_message("TraCuuCongDan", "&x;")}',
    ],
)
async def test_what_is_no_request_is_a_client_fault(client: httpx.AsyncClient, message: str) -> None:
    response = await post_population(client, message)

    assert fault_of(response)[0] == "soapenv:Client"
    assert personas.THU not in response.text


async def test_the_content_type_and_the_soap_action_are_required(client: httpx.AsyncClient) -> None:
    message = population_message("TraCuuCongDan", personas.THU)
    token = {"Authorization": "Bearer sandbox-population"}
    as_json = await client.post("/population/ws", content=message, headers={"Content-Type": "application/json", "SOAPAction": "", **token})
    without_action = await client.post("/population/ws", content=message, headers={"Content-Type": "text/xml", **token})

    assert fault_of(as_json)[1] == "Content-Type must be text/xml"
    assert fault_of(without_action)[1] == "the header SOAPAction is required"


async def test_a_request_over_one_mebibyte_is_refused(client: httpx.AsyncClient) -> None:
    message = population_message("TraCuuCongDan", personas.THU) + " " * (1 << 20)

    assert fault_of(await post_population(client, message))[1] == "the request is larger than one mebibyte"
