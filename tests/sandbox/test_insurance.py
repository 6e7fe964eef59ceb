"""The insurance system has a row for every key that was asked, and its errors look like answers."""

import httpx
import pytest

from sandbox import personas
from sandbox.app import default_token
from tests.sandbox.wire import post_books, post_periods


async def test_a_book_has_exactly_the_documented_fields(client: httpx.AsyncClient) -> None:
    response = await post_books(client, [personas.THU])

    assert response.status_code == 200
    assert response.json() == {
        "trangThai": "1",
        "thongBao": "",
        "soBanGhi": 1,
        "danhSach": [
            {
                "khoa": personas.THU,
                "ketQua": "1",
                "duLieu": {
                    "maSoBhxh": personas.THU_BOOK,
                    "soDinhDanh": personas.THU,
                    "hoTen": "NGUYỄN VĂN THƯ",
                    "soSoCu": "",
                    "ngaySinh": "19850214",
                    "loaiNgaySinh": "0",
                    "gioiTinh": "1",
                    "maHo": "999990001",
                    "trangThai": "1",
                    "tongThangDong": 210,
                    "maDonVi": personas.AN_PHAT,
                    "mucDong": "25500000.00",
                },
            }
        ],
    }


async def test_every_key_has_a_row_found_or_not(client: httpx.AsyncClient) -> None:
    answer = (await post_books(client, [personas.NOBODY, personas.THU, personas.NOBODY])).json()

    assert answer["soBanGhi"] == 3
    assert [(row["khoa"], row["ketQua"]) for row in answer["danhSach"]] == [
        (personas.NOBODY, "0"),
        (personas.THU, "1"),
        (personas.NOBODY, "0"),
    ]
    assert answer["danhSach"][0]["duLieu"] is None


async def test_birth_dates_have_three_precisions(client: httpx.AsyncClient) -> None:
    rows = (await post_books(client, [personas.THU, personas.BAY, personas.VI])).json()["danhSach"]

    births = [(row["duLieu"]["ngaySinh"], row["duLieu"]["loaiNgaySinh"]) for row in rows]
    assert births == [("19850214", "0"), ("19470000", "1"), ("19750400", "2")]


async def test_a_book_is_found_by_its_number_too(client: httpx.AsyncClient) -> None:
    rows = (await post_books(client, [personas.VI_BOOK, "9900000999"], kind="MA_SO_BHXH")).json()["danhSach"]

    assert rows[0]["duLieu"]["soDinhDanh"] == personas.VI
    assert (rows[0]["duLieu"]["maDonVi"], rows[0]["duLieu"]["mucDong"]) == ("", "")
    assert rows[1] == {"khoa": "9900000999", "ketQua": "0", "duLieu": None}


async def test_periods_are_those_that_touch_the_year(client: httpx.AsyncClient) -> None:
    every, touching, before = [(await post_periods(client, [personas.THU_BOOK], year)).json() for year in (None, 2011, 1990)]

    assert every["soBanGhi"] == 1
    data = every["danhSach"][0]["duLieu"]
    assert data["maSoBhxh"] == personas.THU_BOOK
    assert data["quaTrinh"][-1] == {"tuThang": "202001", "denThang": "", "maDonVi": personas.AN_PHAT, "mucDong": "25500000.00"}
    assert [period["tuThang"] for period in touching["danhSach"][0]["duLieu"]["quaTrinh"]] == ["200807", "201104"]
    assert before["danhSach"][0] == {"khoa": personas.THU_BOOK, "ketQua": "1", "duLieu": {"maSoBhxh": personas.THU_BOOK, "quaTrinh": []}}


async def test_periods_of_an_unknown_number_are_not_found(client: httpx.AsyncClient) -> None:
    answer = (await post_periods(client, ["9900000999"], 2020)).json()

    assert answer["danhSach"] == [{"khoa": "9900000999", "ketQua": "0", "duLieu": None}]


@pytest.mark.parametrize(
    "request_body",
    [
        {},
        {"maYeuCau": "1", "loaiKhoa": "HO_TEN", "danhSachKhoa": [personas.THU]},
        {"maYeuCau": "1", "loaiKhoa": "SO_DINH_DANH", "danhSachKhoa": []},
        {"maYeuCau": "1", "loaiKhoa": "SO_DINH_DANH", "danhSachKhoa": ["12"]},
        {"maYeuCau": "1", "loaiKhoa": "SO_DINH_DANH", "danhSachKhoa": [12]},
        {"maYeuCau": "1", "loaiKhoa": "SO_DINH_DANH", "danhSachKhoa": [personas.THU] * 31},
        {"loaiKhoa": "SO_DINH_DANH", "danhSachKhoa": [personas.THU]},
        [],
    ],
)
async def test_a_wrong_request_is_told_so_in_a_200(client: httpx.AsyncClient, request_body: object) -> None:
    headers = {"token": default_token("insurance")}
    response = await client.post("/insurance/api/v2/tra-cuu-so", json=request_body, headers=headers)

    assert response.status_code == 200
    assert response.json()["trangThai"] == "-1"
    assert response.json()["thongBao"]


async def test_what_is_no_json_or_no_year_is_a_wrong_request(client: httpx.AsyncClient) -> None:
    headers = {"token": default_token("insurance")}
    response = await client.post("/insurance/api/v2/qua-trinh", content=b"{", headers=headers)
    year = await post_periods(client, [personas.THU_BOOK], 99)

    assert response.json()["trangThai"] == "-1"
    assert year.json()["trangThai"] == "-1"


async def test_thirty_keys_are_accepted(client: httpx.AsyncClient) -> None:
    assert (await post_books(client, [personas.THU] * 30)).json()["soBanGhi"] == 30


async def test_the_token_has_a_header_of_its_own(client: httpx.AsyncClient) -> None:
    response = await post_books(client, [personas.THU], token="wrong")

    assert response.status_code == 401
    assert response.json()["maLoi"] == "401"
    assert response.json()["moTa"]
