"""The business registry answers REST, numbers places its own way, and leaves out what it does not know."""

import re

import httpx
import pytest

from sandbox import personas
from tests.sandbox.wire import bearer, get_businesses, get_representatives


async def test_a_business_has_exactly_the_documented_fields(client: httpx.AsyncClient) -> None:
    response = await get_businesses(client, [personas.AN_PHAT])
    (row,) = response.json()["Data"]

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert list(row) == [
        *("ENTERPRISE_GDT_CODE", "ENTERPRISE_CODE", "NAME", "NAME_F", "SHORT_NAME", "ENTERPRISE_TYPE_NAME", "ENTERPRISE_STATUS"),
        *("FOUNDING_DATE", "LAST_AMEND_DATE", "CAPITAL_AMOUNT", "LEGAL_NAMES", "Representatives", "HOAdress", "BusinessActivity"),
        "Member",
    ]
    assert row["ENTERPRISE_CODE"] != row["ENTERPRISE_GDT_CODE"] == personas.AN_PHAT
    assert (row["FOUNDING_DATE"], row["LAST_AMEND_DATE"]) == ("15/03/2011", "06/05/2024")
    assert row["ENTERPRISE_TYPE_NAME"] == "Công ty trách nhiệm hữu hạn hai thành viên trở lên"
    assert row["LEGAL_NAMES"] == "Nguyễn Văn Thư; Lê Thị Mai"
    assert row["Representatives"][0] == {
        "FULL_NAME": "Nguyễn Văn Thư",
        "IDENTITY_NO": personas.THU,
        "POSITION": "Giám đốc",
        "IS_MAIN": "Y",
    }
    assert row["HOAdress"]["CityID"] == 1001
    assert row["HOAdress"]["WardID"] == 500_000 + 7 * 97
    assert row["BusinessActivity"][0] == {"CODE": "4632", "NAME": "Bán buôn thực phẩm", "IS_MAIN": "Y"}
    assert row["Member"][1] == {"MEMBER_NAME": "Lê Thị Mai", "IDENTITY_NO": personas.MAI, "MEMBER_GDT_CODE": None, "RATIO_PERCENT": 40.0}


async def test_capital_is_a_number_with_three_decimals_or_null(client: httpx.AsyncClient) -> None:
    response = await get_businesses(client, [personas.AN_PHAT, personas.HOANG_HON])

    assert re.findall(r'"CAPITAL_AMOUNT":([^,]+)', response.text) == ["6000000000.000", "null"]


async def test_members_may_be_foreign_or_businesses(client: httpx.AsyncClient) -> None:
    (row,) = (await get_businesses(client, [personas.VIET_HAN])).json()["Data"]

    numbers = [(member["IDENTITY_NO"], member["MEMBER_GDT_CODE"]) for member in row["Member"]]
    assert numbers == [(personas.TUAN, None), (None, None), (None, personas.AN_PHAT)]


async def test_unknown_businesses_are_left_out_of_the_total(client: httpx.AsyncClient) -> None:
    answer = (await get_businesses(client, ["9900000104", personas.SAO_MAI, personas.SAO_MAI])).json()

    assert (answer["Status"], answer["Total"]) == ("1", 1)
    assert [row["ENTERPRISE_GDT_CODE"] for row in answer["Data"]] == [personas.SAO_MAI]


async def test_nothing_found_has_a_status_of_its_own(client: httpx.AsyncClient) -> None:
    assert (await get_businesses(client, ["9900000104"])).json() == {"Status": "0", "Total": 0, "Data": []}
    assert (await get_representatives(client, [personas.NOBODY])).json() == {"Status": "0", "Total": 0, "Data": []}


async def test_a_representative_comes_with_the_whole_businesses(client: httpx.AsyncClient) -> None:
    answer = (await get_representatives(client, [personas.THU, personas.QUANG, personas.UNREGISTERED])).json()
    (an_phat,) = (await get_businesses(client, [personas.AN_PHAT])).json()["Data"]

    assert answer["Total"] == 2
    assert [row["IDENTITY_NO"] for row in answer["Data"]] == [personas.THU, personas.UNREGISTERED]
    assert answer["Data"][0]["Enterprises"][0] == an_phat


@pytest.mark.parametrize("code", ["", "990000001", "9900000017", "99000000AB", personas.AN_PHAT_BRANCH, personas.THU])
async def test_a_malformed_code_is_refused(client: httpx.AsyncClient, code: str) -> None:
    response = await get_businesses(client, [personas.AN_PHAT, code])

    assert response.status_code == 400
    assert response.json() == {"Status": "-1", "Message": f"malformed code {code}"}


async def test_fifty_keys_are_accepted_and_more_or_none_refused(client: httpx.AsyncClient) -> None:
    fifty = await get_businesses(client, [personas.AN_PHAT] * 50)
    more = await get_businesses(client, [personas.AN_PHAT] * 51)
    none = await client.get("/business/v1/enterprises", headers=bearer("business"))
    people = await get_representatives(client, [personas.THU] * 51)

    assert fifty.json()["Total"] == 1
    assert [response.status_code for response in (more, none, people)] == [400, 400, 400]
    assert more.json() == {"Status": "-1", "Message": "give code 1 to 50 times"}


async def test_a_wrong_token_is_refused(client: httpx.AsyncClient) -> None:
    response = await get_businesses(client, [personas.AN_PHAT], token="wrong")

    assert response.status_code == 401
    assert response.json()["Status"] == "-1"
