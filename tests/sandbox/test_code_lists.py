"""The shared code lists explain everybody's codes, by code or page by page."""

import httpx
import pytest

from tests.sandbox.wire import get_list

LISTS = {
    "donvihanhchinhcap1": 63,
    "donvihanhchinhcap3": 10_040,
    "dkkd-donvihanhchinhcap3": 10_040,
    "madantoc": 55,
    "matongiao": 12,
    "maquocgia": 45,
    "matinhtranghonnhan": 4,
    "magioitinh": 3,
    "manganhkinhte": 22,
}


async def test_a_commune_row_is_as_documented(client: httpx.AsyncClient) -> None:
    response = await get_list(client, "Category/donvihanhchinhcap3?code=00001&code=99998&code=00097")

    assert response.status_code == 200
    assert response.json() == {
        "list": "donvihanhchinhcap3",
        "version": "2025-07-01",
        "total": 2,
        "rows": [
            {
                "MaPhuongXa": "00001",
                "TenPhuongXa": "Phường Phúc Xá",
                "LoaiDonVi": "PHUONG",
                "MaTinhThanh": "01",
                "HieuLucTu": "2004-07-08",
                "HieuLucDen": "2025-06-30",
                "MaKeThua": ["00097"],
            },
            {
                "MaPhuongXa": "00097",
                "TenPhuongXa": "Phường Hồng Hà",
                "LoaiDonVi": "PHUONG",
                "MaTinhThanh": "01",
                "HieuLucTu": "2025-07-01",
                "HieuLucDen": None,
                "MaKeThua": [],
            },
        ],
    }


async def test_a_province_row_is_as_documented(client: httpx.AsyncClient) -> None:
    (row,) = (await get_list(client, "Category/donvihanhchinhcap1?code=02")).json()["rows"]

    assert row == {
        "MaTinhThanh": "02",
        "TenTinhThanh": "Tỉnh Hà Giang",
        "LoaiDonVi": "TINH",
        "HieuLucTu": "2004-07-08",
        "HieuLucDen": "2025-06-30",
        "MaKeThua": ["08"],
    }


async def test_the_registrys_own_numbers_lead_to_communes(client: httpx.AsyncClient) -> None:
    (row,) = (await get_list(client, "Category/dkkd-donvihanhchinhcap3?code=500679&code=00097")).json()["rows"]

    assert (row["MaNguon"], row["MaPhuongXa"]) == ("500679", "00097")


async def test_peoples_and_industries_are_named(client: httpx.AsyncClient) -> None:
    peoples = (await get_list(client, "Category/madantoc?code=08&code=01")).json()["rows"]
    (industry,) = (await get_list(client, "Category/manganhkinhte?code=G")).json()["rows"]

    assert peoples == [{"Ma": "08", "Ten": "HMông"}, {"Ma": "01", "Ten": "Kinh"}]
    assert industry == {"Ma": "G", "Ten": "Bán buôn và bán lẻ", "TuMa": "46", "DenMa": "47", "PhienBan": "VSIC2025"}


@pytest.mark.parametrize(("name", "length"), LISTS.items())
async def test_a_whole_list_comes_in_pages_that_name_its_length(client: httpx.AsyncClient, name: str, length: int) -> None:
    first = (await get_list(client, f"Category/{name}")).json()
    last = (await get_list(client, f"Category/{name}?offset={length - 1}&limit=10")).json()

    assert (first["total"], len(first["rows"])) == (length, min(length, 1000))
    assert (last["total"], len(last["rows"])) == (length, 1)


@pytest.mark.parametrize("name", LISTS)
async def test_metadata_names_the_columns_of_the_rows(client: httpx.AsyncClient, name: str) -> None:
    columns = (await get_list(client, f"Metadata/{name}")).json()
    (row,) = (await get_list(client, f"Category/{name}?limit=1")).json()["rows"]

    assert [column["PropertyCode"] for column in columns] == list(row)
    assert all(list(column) == ["PropertyCode", "PropertyName", "PropertyType"] for column in columns)


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("Category/nothing", 404, "LIST_NOT_FOUND"),
        ("Metadata/nothing", 404, "LIST_NOT_FOUND"),
        ("Category/madantoc?" + "&".join(f"code={number}" for number in range(101)), 400, "TOO_MANY_CODES"),
        ("Category/madantoc?code=", 400, "CODE_MALFORMED"),
        ("Category/madantoc?limit=1001", 400, "LIMIT_TOO_LARGE"),
        ("Category/madantoc?offset=-1", 400, "OFFSET_OR_LIMIT_MALFORMED"),
    ],
)
async def test_a_wrong_request_is_one_word(client: httpx.AsyncClient, path: str, status: int, word: str) -> None:
    response = await get_list(client, path)

    assert (response.status_code, response.json()) == (status, {"error": word})


async def test_a_hundred_codes_are_accepted(client: httpx.AsyncClient) -> None:
    path = "Category/madantoc?" + "&".join(f"code={number:02d}" for number in range(100))

    assert (await get_list(client, path)).json()["total"] == 55


async def test_a_wrong_token_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/code-lists/Category/madantoc", headers={"Authorization": "Bearer wrong"})

    assert (response.status_code, response.json()) == (401, {"error": "UNAUTHORIZED"})
