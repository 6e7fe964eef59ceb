"""The insurance system: what is sent to it, and how books and periods are read from its JSON."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from graph.errors import ContractBroken, SystemRefused, SystemUnavailable, Theirs
from resolvers.identifiers import BusinessCode, InsuranceNumber, PersonalId
from resolvers.insurance import (
    SYSTEM,
    BookRecord,
    InsuranceStatus,
    PeriodRecord,
    YearOfBook,
    book_by_number,
    book_by_person,
    periods_by_year,
)
from resolvers.values import Gender, Money, PartialDate
from tests.lines import line

THU, VI, QUANG = PersonalId("099085000002"), PersonalId("099175000010"), PersonalId("099079000008")
THU_BOOK, VI_BOOK = InsuranceNumber("9900000002"), InsuranceNumber("9900000010")
AN_PHAT = BusinessCode("9900000016")
BOOK: dict[str, Any] = {
    "maSoBhxh": "9900000002", "soDinhDanh": "099085000002", "hoTen": "NGUYỄN VĂN THƯ", "soSoCu": "2796001234",
    "ngaySinh": "19850214", "loaiNgaySinh": "0", "gioiTinh": "1", "maHo": "999990001", "trangThai": "1",
    "tongThangDong": 210, "maDonVi": "9900000016", "mucDong": "25500000.00",
}  # fmt: skip
VI_ROW: dict[str, Any] = {**BOOK, "maSoBhxh": "9900000010", "soDinhDanh": "099175000010", "hoTen": "LÝ THỊ VI", "gioiTinh": "2"}
OLDER: dict[str, Any] = {"tuThang": "200807", "denThang": "201103", "maDonVi": "", "mucDong": ""}
PRESENT: dict[str, Any] = {"tuThang": "202001", "denThang": "", "maDonVi": "9900000016", "mucDong": "25500000.00"}


def row(key: str, data: object) -> dict[str, Any]:
    return {"khoa": key, "ketQua": "0" if data is None else "1", "duLieu": data}


def history(number: str, *periods: dict[str, Any]) -> dict[str, Any]:
    return row(number, {"maSoBhxh": number, "quaTrinh": periods})


def page(*rows: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    return {"trangThai": "1", "thongBao": "", "soBanGhi": len(rows) if total is None else total, "danhSach": rows}


def answering(body: object) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(200, json=body)


async def books(body: object, *people: PersonalId) -> Any:
    async with line(answering(body), SYSTEM) as upstream:
        return await book_by_person(upstream, people or [THU])


async def periods(body: object, *keys: YearOfBook) -> Any:
    async with line(answering(body), SYSTEM) as upstream:
        return await periods_by_year(upstream, keys or [YearOfBook(THU_BOOK, None)])


# ── the request ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_people_are_asked_for_in_one_body_with_the_token_in_a_header_of_its_own() -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        assert (request.method, str(request.url)) == ("POST", "http://agency.test/api/tra-cuu-so")
        assert request.headers["token"] == "secret-token"
        assert request.headers["content-type"] == "application/json; charset=utf-8"
        assert "authorization" not in request.headers
        sent = json.loads(request.content)
        assert sent.pop("maYeuCau")
        assert sent == {"loaiKhoa": "SO_DINH_DANH", "danhSachKhoa": [THU, VI]}
        return httpx.Response(200, json=page(row(THU, None), row(VI, None)))

    async with line(agency, SYSTEM) as upstream:
        assert await book_by_person(upstream, [THU, VI]) == {}


async def test_numbers_are_asked_for_as_another_kind_of_key() -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        sent = json.loads(request.content)
        assert request.url.path == "/api/tra-cuu-so"
        assert (sent["loaiKhoa"], sent["danhSachKhoa"]) == ("MA_SO_BHXH", [THU_BOOK])
        return httpx.Response(200, json=page(row(THU_BOOK, BOOK)))

    async with line(agency, SYSTEM) as upstream:
        assert (await book_by_number(upstream, [THU_BOOK]))[THU_BOOK].personal_id == THU


async def test_periods_take_one_call_for_each_year() -> None:
    sent: dict[int | None, list[str]] = {}

    def agency(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/qua-trinh"
        assert request.headers["token"] == "secret-token"
        body = json.loads(request.content)
        assert body["maYeuCau"]
        sent[body["nam"]] = body["danhSachKhoa"]
        return httpx.Response(200, json=page(*(history(number) for number in body["danhSachKhoa"])))

    async with line(agency, SYSTEM) as upstream:
        await periods_by_year(upstream, [YearOfBook(THU_BOOK, 2025), YearOfBook(VI_BOOK, None), YearOfBook(VI_BOOK, 2025)])

    assert sent == {2025: [THU_BOOK, VI_BOOK], None: [VI_BOOK]}


# ── a book ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_field_of_a_book_is_translated() -> None:
    assert await books(page(row(THU, BOOK))) == {
        THU: BookRecord(
            number=THU_BOOK,
            personal_id=THU,
            full_name="NGUYỄN VĂN THƯ",
            old_book_number="2796001234",
            birth_date=PartialDate("1985-02-14"),
            gender=Gender.MALE,
            household_code="999990001",
            status=InsuranceStatus.PAYING,
            months_paid=210,
            employer_code=AN_PHAT,
            salary_base=Money("25500000"),
        )
    }


async def test_an_empty_text_is_not_known() -> None:
    spare = {**BOOK, "soSoCu": "", "ngaySinh": "", "maHo": "", "maDonVi": "", "mucDong": "", "tongThangDong": None}

    book = (await books(page(row(THU, spare))))[THU]

    unknown = (book.old_book_number, book.birth_date, book.household_code, book.employer_code, book.salary_base, book.months_paid)
    assert unknown == (None, None, None, None, None, None)


async def test_a_book_found_by_its_number_may_be_without_a_personal_id() -> None:
    async with line(answering(page(row(THU_BOOK, {**BOOK, "soDinhDanh": ""}))), SYSTEM) as upstream:
        assert (await book_by_number(upstream, [THU_BOOK]))[THU_BOOK].personal_id is None


@pytest.mark.parametrize(
    ("text", "kind", "known"), [("19850214", "0", "1985-02-14"), ("19850000", "1", "1985"), ("19850200", "2", "1985-02")]
)
async def test_a_birth_date_may_be_known_in_part(text: str, kind: str, known: str) -> None:
    assert (await books(page(row(THU, {**BOOK, "ngaySinh": text, "loaiNgaySinh": kind}))))[THU].birth_date == known


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("1", InsuranceStatus.PAYING),
        (2, InsuranceStatus.PAUSED),
        ("3", InsuranceStatus.PENSIONER),
        ("4", InsuranceStatus.CLOSED),
        ("5", InsuranceStatus.UNKNOWN),
        ("", InsuranceStatus.UNKNOWN),
    ],
)
async def test_a_status_of_an_unknown_code_is_unknown(code: str | int, status: InsuranceStatus) -> None:
    assert (await books(page(row(THU, {**BOOK, "trangThai": code}))))[THU].status is status


@pytest.mark.parametrize(("code", "gender"), [(1, Gender.MALE), ("2", Gender.FEMALE), ("3", Gender.OTHER), ("", Gender.UNKNOWN)])
async def test_a_gender_of_an_unknown_code_is_unknown(code: str | int, gender: Gender) -> None:
    assert (await books(page(row(THU, {**BOOK, "gioiTinh": code}))))[THU].gender is gender


async def test_a_row_that_says_no_is_left_out_and_the_others_stay_under_their_keys() -> None:
    answer = await books(page(row(VI, VI_ROW), row(QUANG, None), row(THU, BOOK)), THU, QUANG, VI)

    assert {person: book.full_name for person, book in answer.items()} == {VI: "LÝ THỊ VI", THU: "NGUYỄN VĂN THƯ"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (page(row(THU, BOOK)), "exactly the keys that were asked"),
        (page(row(THU, BOOK), total=2), "promised 2 rows and sent 1"),
        (page(row(THU, BOOK), row(THU, BOOK)), "two records for one key"),
        (page(row(THU, BOOK), row(VI, None), row(QUANG, None)), "exactly the keys that were asked"),
        (page(row(THU, VI_ROW), row(VI, BOOK)), "the book of somebody else"),
        (page(row(THU, {**BOOK, "soDinhDanh": ""}), row(VI, None)), "the book of somebody else"),
        (page(row(THU, BOOK), {"khoa": VI, "ketQua": "9", "duLieu": None}), "does not fit its row"),
        (page(row(THU, BOOK), {"khoa": VI, "ketQua": "1", "duLieu": None}), "does not fit its row"),
        (page(row(VI, None), {"khoa": THU, "ketQua": "0", "duLieu": BOOK}), "does not fit its row"),
        (page(row(VI, None), row(THU, {**BOOK, "ngaySinh": "19850012"})), "PartialDate: expected"),
        (page(row(VI, None), row(THU, {**BOOK, "mucDong": "1,5"})), "an amount as a decimal string"),
        (page(row(VI, None), row(THU, {**BOOK, "maDonVi": "9900000017"})), "BusinessCode: expected"),
    ],
)
async def test_an_answer_that_cannot_be_trusted_breaks_the_contract(body: object, words: str) -> None:
    with pytest.raises(ContractBroken, match=words) as raised:
        await books(body, THU, VI)

    assert not any(value in raised.value.message for value in (THU, VI, "19850012", "9900000017"))


async def test_a_book_of_another_number_breaks_the_contract() -> None:
    async with line(answering(page(row(THU_BOOK, VI_ROW))), SYSTEM) as upstream:
        with pytest.raises(ContractBroken, match="a book of another number"):
            await book_by_number(upstream, [THU_BOOK])


# ── periods ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_field_of_a_period_is_translated() -> None:
    assert await periods(page(history(THU_BOOK, OLDER, PRESENT))) == {
        YearOfBook(THU_BOOK, None): (
            PeriodRecord(since=PartialDate("2008-07"), until=PartialDate("2011-03"), employer_code=None, salary_base=None),
            PeriodRecord(since=PartialDate("2020-01"), until=None, employer_code=AN_PHAT, salary_base=Money("25500000")),
        )
    }


async def test_the_oldest_period_comes_first_whatever_the_order_on_the_wire() -> None:
    found = (await periods(page(history(THU_BOOK, PRESENT, OLDER))))[YearOfBook(THU_BOOK, None)]

    assert [period.since for period in found] == ["2008-07", "2020-01"]


async def test_a_number_that_is_not_known_has_no_periods() -> None:
    assert await periods(page(row(THU_BOOK, None))) == {}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (page(), "exactly the keys that were asked"),
        (page(history(THU_BOOK), history(VI_BOOK)), "exactly the keys that were asked"),
        (page(row(THU_BOOK, {"maSoBhxh": VI_BOOK, "quaTrinh": []})), "periods of another number"),
        (page({"khoa": THU_BOOK, "ketQua": "2", "duLieu": None}), "does not fit its row"),
        (page(history(THU_BOOK, {**OLDER, "tuThang": ""})), "a date as yyyyMMdd"),
        (page(history(THU_BOOK, {**OLDER, "tuThang": "202013"})), "PartialDate: expected"),
    ],
)
async def test_periods_that_cannot_be_trusted_break_the_contract(body: object, words: str) -> None:
    with pytest.raises(ContractBroken, match=words):
        await periods(body)


# ── trouble ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        {"trangThai": "-1", "thongBao": "danhSachKhoa có khóa sai: 099085000002", "soBanGhi": 0, "danhSach": []},
        {"trangThai": "-1", "thongBao": "sai"},
    ],
)
async def test_a_refusal_inside_an_answer_of_200_is_a_refusal_and_is_not_quoted(body: object) -> None:
    with pytest.raises(SystemRefused, match="rejects the request") as raised:
        await books(body)

    assert THU not in raised.value.message


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(401, json={"maLoi": "401", "moTa": "Sai mã truy cập"}), SystemRefused),
        (httpx.Response(500, content=b"<html></html>", headers={"content-type": "text/html; charset=utf-8"}), SystemUnavailable),
        (httpx.Response(200, content=b"<html></html>", headers={"content-type": "text/html; charset=utf-8"}), ContractBroken),
    ],
)
async def test_trouble_names_the_system(response: httpx.Response, kind: type[Theirs]) -> None:
    async with line(lambda _request: response, SYSTEM) as upstream:
        with pytest.raises(kind) as raised:
            await book_by_person(upstream, [THU])

    assert raised.value.system == "insurance"
