"""Every kind of fault, at every agency that can have it."""

from collections.abc import Awaitable, Callable
from typing import Final

import httpx
import pytest

from sandbox import personas
from sandbox.app import SYSTEMS, agencies
from sandbox.persona_people import BIRTH_OF_MINH_ANH, MARRIAGE_OF_THU
from tests.sandbox.wire import (
    CITIZENS,
    TAXPAYERS,
    citizen,
    civil_data,
    fields,
    get_businesses,
    get_list,
    get_representatives,
    household,
    population_message,
    post_books,
    post_civil_status,
    post_periods,
    post_population,
    post_tax,
    rows,
    verified,
)

Ask = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]
Rows = Callable[[httpx.AsyncClient], Awaitable[tuple[int, list[str]]]]


async def population(client: httpx.AsyncClient) -> httpx.Response:
    """Look THU up."""
    return await post_population(client, population_message("TraCuuCongDan", personas.THU))


async def business(client: httpx.AsyncClient) -> httpx.Response:
    """Look two businesses up."""
    return await get_businesses(client, [personas.AN_PHAT, personas.SAO_MAI])


async def insurance(client: httpx.AsyncClient) -> httpx.Response:
    """Look two books up."""
    return await post_books(client, [personas.THU, personas.MAI])


async def civil_status(client: httpx.AsyncClient) -> httpx.Response:
    """Look the events of two people up."""
    return await post_civil_status(client, "traSuKienTheoSoDinhDanh", {"dsSoDinhDanh": [personas.THU, personas.AN]})


async def tax(client: httpx.AsyncClient) -> httpx.Response:
    """Look two taxpayers up."""
    return await post_tax(client, [personas.THU, personas.MAI])


async def code_lists(client: httpx.AsyncClient) -> httpx.Response:
    """Look two peoples up."""
    return await get_list(client, "Category/madantoc?code=01&code=02")


ASKS: Final[dict[str, Ask]] = {
    "population": population,
    "business": business,
    "insurance": insurance,
    "civil_status": civil_status,
    "tax": tax,
    "code_lists": code_lists,
}


async def business_rows(client: httpx.AsyncClient) -> tuple[int, list[str]]:
    """Return the promised number of businesses and the codes that came."""
    answer = (await business(client)).json()
    return answer["Total"], [row["ENTERPRISE_GDT_CODE"] for row in answer["Data"]]


async def insurance_rows(client: httpx.AsyncClient) -> tuple[int, list[str]]:
    """Return the promised number of books and the keys that came."""
    answer = (await insurance(client)).json()
    assert all(row["duLieu"]["soDinhDanh"] == row["khoa"] for row in answer["danhSach"])
    return answer["soBanGhi"], [row["khoa"] for row in answer["danhSach"]]


async def tax_rows(client: httpx.AsyncClient) -> tuple[int, list[str]]:
    """Return the promised number of taxpayers and the codes that came."""
    response = await tax(client)
    promised = rows(response, TAXPAYERS + "SoLuong")[0].text or ""
    return int(promised), [fields(row)["MaSoThue"] for row in rows(response, TAXPAYERS + "NNT")]


async def list_rows(client: httpx.AsyncClient) -> tuple[int, list[str]]:
    """Return the promised number of peoples and the codes that came."""
    answer = (await code_lists(client)).json()
    return answer["total"], [row["Ma"] for row in answer["rows"]]


ROWS: Final[dict[str, tuple[Rows, str, str, str]]] = {
    "business": (business_rows, personas.AN_PHAT, personas.SAO_MAI, personas.VIET_HAN),
    "insurance": (insurance_rows, personas.THU, personas.MAI, personas.TUAN),
    "tax": (tax_rows, personas.THU, personas.MAI, personas.TUAN),
    "code_lists": (list_rows, "01", "02", "55"),
}
"""For each system that counts its rows: how to read them, the two keys asked, and the stranger that comes instead."""


async def put(client: httpx.AsyncClient, system: str, kind: str, **parameters: object) -> None:
    """Make a system faulty."""
    response = await client.put(f"/_sandbox/faults/{system}", json={"kind": kind, **parameters})
    assert response.status_code == 204, response.text


@pytest.mark.parametrize("system", ROWS)
async def test_row_faults_change_the_rows_and_not_the_promise(client: httpx.AsyncClient, system: str) -> None:
    read, first, second, stranger = ROWS[system]
    outcomes = {"honest": await read(client)}
    for kind in ("reorder", "duplicate", "missing", "foreign", "foreign_extra"):
        await put(client, system, kind)
        outcomes[kind] = await read(client)

    assert outcomes == {
        "honest": (2, [first, second]),
        "reorder": (2, [second, first]),
        "duplicate": (2, [first, first, second]),
        "missing": (2, [second]),
        "foreign": (2, [stranger, second]),
        "foreign_extra": (3, [first, second, stranger]),
    }


async def test_row_faults_of_the_civil_status_register(client: httpx.AsyncClient) -> None:
    outcomes = {}
    for kind in ("reorder", "duplicate", "missing", "foreign", "foreign_extra"):
        await put(client, "civil_status", kind)
        outcomes[kind] = [result.findtext("SoDinhDanh") for result in civil_data(await civil_status(client))]

    assert outcomes == {
        "reorder": [personas.AN, personas.THU],
        "duplicate": [personas.THU, personas.THU, personas.AN],
        "missing": [personas.AN],
        "foreign": [personas.TUAN, personas.AN],
        "foreign_extra": [personas.THU, personas.AN, personas.TUAN],
    }


async def test_a_foreign_case_takes_the_place_of_the_one_asked(client: httpx.AsyncClient) -> None:
    await put(client, "civil_status", "foreign")
    response = await post_civil_status(client, "traDanhSachHoSo", {"module": "KS", "dsMaHoSo": [BIRTH_OF_MINH_ANH.case_id]})

    assert [case.findtext("maHoSo") for case in civil_data(response)] == [MARRIAGE_OF_THU.case_id]


async def test_row_faults_of_the_population_system(client: httpx.AsyncClient) -> None:
    outcomes = {}
    for kind in ("reorder", "duplicate", "missing", "foreign", "foreign_extra"):
        await put(client, "population", kind)
        outcomes[kind] = [fields(person)["SoDinhDanh"] for person in await citizen(client, personas.THU)]

    assert outcomes == {
        "reorder": [personas.THU],
        "duplicate": [personas.THU, personas.THU],
        "missing": [],
        "foreign": [personas.OFFICIAL],
        "foreign_extra": [personas.THU, personas.OFFICIAL],
    }


async def test_a_foreign_household_does_not_hold_the_person_asked(client: httpx.AsyncClient) -> None:
    await put(client, "population", "foreign")
    (home,) = await household(client, personas.MAI)

    assert personas.MAI not in {fields(member)["SoDinhDanh"] for member in home.iter(CITIZENS + "ThanhVien")}


async def test_a_foreign_row_answers_a_check_of_name_and_birth_date_too(client: httpx.AsyncClient) -> None:
    await put(client, "population", "foreign")

    assert await verified(client, personas.THU, "NGUYENVANTHU", NgayThangNam="19850214")
    assert not await verified(client, personas.THU, "SOMEBODY", NgayThangNam="19850214")


async def test_foreign_representatives_and_periods_belong_to_others(client: httpx.AsyncClient) -> None:
    await put(client, "business", "foreign")
    await put(client, "insurance", "foreign")
    representatives = (await get_representatives(client, [personas.THU])).json()
    periods = (await post_periods(client, [personas.THU_BOOK], None)).json()

    assert [row["IDENTITY_NO"] for row in representatives["Data"]] == [personas.TUAN]
    assert [(row["khoa"], row["duLieu"]["maSoBhxh"]) for row in periods["danhSach"]] == [(personas.VI_BOOK, personas.VI_BOOK)]


async def test_where_there_is_no_row_none_can_be_replaced(client: httpx.AsyncClient) -> None:
    await put(client, "population", "foreign")

    assert await citizen(client, personas.NOBODY) == []


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("code", [500, 503, 429])
async def test_a_status_comes_with_the_agencys_own_body(client: httpx.AsyncClient, system: str, code: int) -> None:
    await put(client, system, "status", code=code, retry_after=7)
    response = await ASKS[system](client)
    signs = {
        "population": "soapenv:Server",
        "business": '"Status":"-1"',
        "insurance": "<html>",
        "civil_status": '"code":500',
        "tax": "TCT-500",
        "code_lists": "INTERNAL_ERROR",
    }

    assert response.status_code == code
    assert response.headers["retry-after"] == "7"
    assert signs[system] in response.text


@pytest.mark.parametrize("system", SYSTEMS)
async def test_trouble_can_hide_in_a_200(client: httpx.AsyncClient, system: str) -> None:
    await put(client, system, "fault_in_200")
    response = await ASKS[system](client)
    signs = {
        "population": "soapenv:Server",
        "business": '"Status":"-1"',
        "insurance": '"trangThai":"-1"',
        "civil_status": '"status":0,"code":500',
        "tax": "TCT-500",
        "code_lists": "INTERNAL_ERROR",
    }

    assert response.status_code == 200
    assert signs[system] in response.text


@pytest.mark.parametrize("system", SYSTEMS)
async def test_an_answer_can_be_a_page_garbage_or_huge(client: httpx.AsyncClient, system: str) -> None:
    honest = await ASKS[system](client)
    await put(client, system, "wrong_content_type")
    page = await ASKS[system](client)
    await put(client, system, "garbage")
    garbage = await ASKS[system](client)
    await put(client, system, "huge_body", bytes=3_000_000)
    huge = await ASKS[system](client)

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.text.startswith("<!DOCTYPE html>")
    assert (garbage.status_code, garbage.headers["content-type"]) == (200, honest.headers["content-type"])
    assert b"not a document" in garbage.content
    assert (huge.headers["content-type"], len(huge.content)) == (honest.headers["content-type"], 3_000_000)


async def test_a_delay_is_slept_through_and_then_answered() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    transport = httpx.ASGITransport(app=agencies(sleep=sleep))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        await put(client, "tax", "delay", seconds=2.5)
        response = await tax(client)

    assert waits == [2.5]
    assert response.status_code == 200


async def test_a_fault_can_hit_one_operation_only(client: httpx.AsyncClient) -> None:
    await put(client, "population", "status", code=503, operation="TraCuuHoGiaDinh")
    response = await post_population(client, population_message("TraCuuHoGiaDinh", personas.THU))

    assert (await population(client)).status_code == 200
    assert response.status_code == 503


async def test_a_fault_can_pass_after_some_times(client: httpx.AsyncClient) -> None:
    await put(client, "business", "status", code=500, times=2)

    assert [(await business(client)).status_code for _ in range(3)] == [500, 500, 200]


async def test_faults_end_when_they_are_deleted(client: httpx.AsyncClient) -> None:
    for system in SYSTEMS:
        await put(client, system, "status", code=500)
    await client.delete("/_sandbox/faults/tax")
    one_healed = [(await ask(client)).status_code for ask in ASKS.values()]
    await client.delete("/_sandbox/faults")
    all_healed = [(await ask(client)).status_code for ask in ASKS.values()]

    assert one_healed == [500, 500, 500, 500, 200, 500]
    assert all_healed == [200] * 6


async def test_a_poisoned_key_spoils_the_whole_call_and_no_other(client: httpx.AsyncClient) -> None:
    await put(client, "business", "poison", keys=[personas.SAO_MAI], times=2)
    statuses = [
        (await get_businesses(client, codes)).status_code
        for codes in ([personas.AN_PHAT], [personas.AN_PHAT, personas.SAO_MAI], [personas.AN_PHAT], [personas.SAO_MAI], [personas.SAO_MAI])
    ]

    assert statuses == [200, 400, 200, 400, 200]


@pytest.mark.parametrize("code", [413, 422, 503])
async def test_a_poisoned_key_is_answered_with_the_status_it_was_given(client: httpx.AsyncClient, code: int) -> None:
    await put(client, "tax", "poison", keys=[personas.MAI], code=code)

    assert (await tax(client)).status_code == code


READABLE: Final = {
    "population": ("<NgayThangNam>19850214</NgayThangNam>", "<Nam>99</Nam>"),
    "business": ('"FOUNDING_DATE":"15/03/2011"', '"FOUNDING_DATE":"99/99/9999"'),
    "insurance": ('"ngaySinh":"19850214"', '"ngaySinh":"99999999"'),
    "civil_status": ("<NgayDangKy>14/06/2010<", "<NgayDangKy>99/99/9999<"),
    "tax": ("<NgayCap>2012-05-14<", "<NgayCap>9999-99-99<"),
    "code_lists": ('"Ten":"Kinh"', '"Ten":7'),
}
"""For each system, a value in the row of the first key that is asked, and what stands there when nobody can read it."""


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_row_that_cannot_be_read_stands_beside_honest_ones(client: httpx.AsyncClient, system: str) -> None:
    good, bad = READABLE[system]
    first = {"business": personas.AN_PHAT, "code_lists": "01"}.get(system, personas.THU)
    honest = (await ASKS[system](client)).text
    await put(client, system, "undecodable", keys=[first])
    spoiled = (await ASKS[system](client)).text
    await put(client, system, "undecodable", keys=["somebody else"])

    assert good in honest
    assert spoiled == honest.replace(good, bad, 1)
    assert (await ASKS[system](client)).text == honest


async def test_a_case_that_nobody_knows_leaves_the_others_readable(client: httpx.AsyncClient) -> None:
    unknown = "G22.99-100612-999999"
    await put(client, "civil_status", "undecodable", keys=[unknown])
    response = await post_civil_status(client, "traDanhSachHoSo", {"dsMaHoSo": [BIRTH_OF_MINH_ANH.case_id, unknown]})

    assert [case.findtext("maHoSo") for case in civil_data(response)] == [BIRTH_OF_MINH_ANH.case_id]
