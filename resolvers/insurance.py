"""Social insurance: who is insured, since when, by which employer and on what pay."""

import enum
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from graph.errors import SystemRefused
from graph.seam import ContractBroken, Record, System, Upstream, batch_many, batch_one, counted, keyed, wire
from resolvers.identifiers import BusinessCode, InsuranceNumber, PersonalId
from resolvers.values import Gender, Money, PartialDate, composed, gender_123

SYSTEM = System(
    "insurance",
    title="National insurance database (Cơ sở dữ liệu quốc gia về bảo hiểm)",
    owner="Viet Nam Social Security",
    protocol="REST POST",
)
ANSWERED = "1"
FOUND = {"1": True, "0": False}


class InsuranceStatus(enum.Enum):
    """Where a person stands with social insurance."""

    PAYING = "PAYING"
    PAUSED = "PAUSED"
    PENSIONER = "PENSIONER"
    CLOSED = "CLOSED"
    UNKNOWN = "UNKNOWN"


STATUSES = dict(zip(("1", "2", "3", "4"), InsuranceStatus, strict=False))


def _status(code: str | int) -> InsuranceStatus:
    return STATUSES.get(str(code), InsuranceStatus.UNKNOWN)


def _gender(code: str | int) -> Gender:
    return gender_123(str(code))


class BookRecord(Record):
    """An insurance book."""

    number: InsuranceNumber = wire("maSoBhxh")
    personal_id: PersonalId | None = wire("soDinhDanh")
    full_name: str = wire("hoTen", read=composed)
    old_book_number: str | None = wire("soSoCu")
    birth_date: PartialDate | None = wire("ngaySinh", read=PartialDate.compact)
    gender: Gender = wire("gioiTinh", read=_gender)
    household_code: str | None = wire("maHo")
    status: InsuranceStatus = wire("trangThai", read=_status)
    months_paid: int | None = wire("tongThangDong")
    employer_code: BusinessCode | None = wire("maDonVi")
    salary_base: Money | None = wire("mucDong", read=Money.written)


class PeriodRecord(Record):
    """A stretch of months with one employer and one base; `until` is null while it goes on."""

    since: PartialDate = wire("tuThang", read=PartialDate.compact)
    until: PartialDate | None = wire("denThang", read=PartialDate.compact)
    employer_code: BusinessCode | None = wire("maDonVi")
    salary_base: Money | None = wire("mucDong", read=Money.written)


class _HistoryRecord(Record):
    number: InsuranceNumber = wire("maSoBhxh")
    periods: tuple[PeriodRecord, ...] = wire("quaTrinh")


class _BookRow(Record):
    key: str = wire("khoa")
    result: str = wire("ketQua")
    book: BookRecord | None = wire("duLieu")


class _HistoryRow(Record):
    key: str = wire("khoa")
    result: str = wire("ketQua")
    history: _HistoryRecord | None = wire("duLieu")


class _Books(Record):
    status: str = wire("trangThai")
    total: int | None = wire("soBanGhi")
    rows: tuple[_BookRow, ...] | None = wire("danhSach")


class _Histories(Record):
    status: str = wire("trangThai")
    total: int | None = wire("soBanGhi")
    rows: tuple[_HistoryRow, ...] | None = wire("danhSach")


Row = TypeVar("Row", _BookRow, _HistoryRow)


class YearOfBook(NamedTuple):
    """The key of periods: an insurance number, and the year that they must touch (None for all years)."""

    number: InsuranceNumber
    year: int | None


@batch_one(SYSTEM, max_keys=30)
async def book_by_person(upstream: Upstream, people: Sequence[PersonalId]) -> Mapping[PersonalId, BookRecord]:
    """Look books up by personal id."""
    rows = await _books(upstream, "SO_DINH_DANH", people)
    for key, book in rows.items():
        if book.personal_id != key:
            raise ContractBroken(SYSTEM.name, "sent the book of somebody else")
    return {PersonalId(key): book for key, book in rows.items()}


@batch_one(SYSTEM, max_keys=30)
async def book_by_number(upstream: Upstream, numbers: Sequence[InsuranceNumber]) -> Mapping[InsuranceNumber, BookRecord]:
    """Look books up by insurance number."""
    rows = await _books(upstream, "MA_SO_BHXH", numbers)
    for key, book in rows.items():
        if book.number != key:
            raise ContractBroken(SYSTEM.name, "sent a book of another number")
    return {InsuranceNumber(key): book for key, book in rows.items()}


@batch_many(SYSTEM, max_keys=30)
async def periods_by_year(upstream: Upstream, keys: Sequence[YearOfBook]) -> Mapping[YearOfBook, tuple[PeriodRecord, ...]]:
    """Find periods, the oldest first, one call for each year that is asked for."""
    by_year: dict[int | None, list[InsuranceNumber]] = defaultdict(list)
    for key in keys:
        by_year[key.year].append(key.number)
    found: dict[YearOfBook, tuple[PeriodRecord, ...]] = {}
    for year, numbers in by_year.items():
        answer: _Histories = await _asked(upstream, "/qua-trinh", {"nam": year, "danhSachKhoa": numbers}, _Histories)
        rows = _rows(answer.status, answer.total, answer.rows, numbers)
        _said(rows, {key for key, row in rows.items() if row.history is not None})
        for row in rows.values():
            if row.history is not None:
                if row.history.number != row.key:
                    raise ContractBroken(SYSTEM.name, "sent periods of another number")
                found[YearOfBook(row.history.number, year)] = tuple(sorted(row.history.periods, key=lambda period: period.since))
    return found


async def _books(upstream: Upstream, kind: str, keys: Sequence[str]) -> dict[str, BookRecord]:
    answer: _Books = await _asked(upstream, "/tra-cuu-so", {"loaiKhoa": kind, "danhSachKhoa": keys}, _Books)
    rows = _rows(answer.status, answer.total, answer.rows, keys)
    _said(rows, {key for key, row in rows.items() if row.book is not None})
    return {key: row.book for key, row in rows.items() if row.book is not None}


async def _asked(upstream: Upstream, path: str, question: Mapping[str, object], returns: type[Record]) -> Any:
    """Send one request; the token has a header of its own."""
    body = {"maYeuCau": upstream.new_message_id(), **question}
    return await upstream.post(path, body, returns=returns, headers={"token": upstream.token})


def _rows(status: str, total: int | None, rows: Sequence[Row] | None, keys: Sequence[str]) -> dict[str, Row]:
    """Check that there is exactly one row for each key that was asked; a missing row is a loss on the way, not a "no"."""
    if status != ANSWERED or rows is None:
        raise SystemRefused(SYSTEM.name, "rejects the request")
    counted(SYSTEM, total, rows)
    found = keyed(SYSTEM, rows, lambda row: row.key)
    if found.keys() != set(keys):
        raise ContractBroken(SYSTEM.name, "did not answer for exactly the keys that were asked")
    return found


def _said(rows: Mapping[str, Row], known: set[str]) -> None:
    """Check that each row says of itself whether something was found; any other result is not a "no"."""
    if any(FOUND.get(row.result) is not (key in known) for key, row in rows.items()):
        raise ContractBroken(SYSTEM.name, "sent a result that does not fit its row")
