"""The social insurance system: JSON posted with a token of its own, and one row for every key that was asked."""

from collections.abc import Iterable
from typing import Final

import orjson

from sandbox import personas
from sandbox.agency import Agency, Answer, Call, Counter, Enquiry, Found, Reason, RefusedError, same, someone_else
from sandbox.codes import is_insurance_number, is_personal_id
from sandbox.records import Book, Period
from sandbox.world import World

_BOOK, _PERIODS = "tra-cuu-so", "qua-trinh"
_BY_PERSON, _BY_NUMBER = "SO_DINH_DANH", "MA_SO_BHXH"
_MOST: Final = 30
_JSON: Final = "application/json"
_PAGE: Final = "<html><head><title>500</title></head><body>Lỗi hệ thống</body></html>".encode()


class Insurance(Agency):
    """Books by person or number, and the periods in them."""

    system = "insurance"
    path = "/insurance"
    counters = (Counter("POST", "/insurance/api/v2/tra-cuu-so", _BOOK), Counter("POST", "/insurance/api/v2/qua-trinh", _PERIODS))

    def __init__(self, world: World, token: str) -> None:
        self._world = world
        self._token = token

    def operation(self, call: Call) -> str:
        """Take it from the path."""
        return call.operation

    def read(self, call: Call) -> Enquiry:
        """Check the caller, the kind of key and the keys."""
        if not same(call.headers.get("token", ""), self._token):
            raise RefusedError(Reason.UNKNOWN_CALLER, "Sai mã truy cập")
        request = _object(call.body)
        if not request.get("maYeuCau"):
            raise RefusedError(Reason.WRONG_REQUEST, "Thiếu maYeuCau")
        kind = _BY_NUMBER
        details: dict[str, str] = {}
        if call.operation == _BOOK:
            kind = str(request.get("loaiKhoa"))
            details["kind"] = kind
        elif year := _year(request.get("nam")):
            details["year"] = year
        return Enquiry(call.operation, _keys(request, kind), details)

    def find(self, enquiry: Enquiry) -> Found:
        """Return one row for every key, found or not."""
        by_person = enquiry.details.get("kind") == _BY_PERSON
        rows = []
        for key in enquiry.keys:
            book = self._world.book(key) if by_person else self._world.book_numbered(key)
            data = None
            if book:
                data = _book(book) if enquiry.operation == _BOOK else _periods(book, enquiry.details.get("year", ""))
            rows.append(orjson.dumps({"khoa": key, "ketQua": "1" if data else "0", "duLieu": data}))
        return Found(rows, len(rows))

    def others(self, enquiry: Enquiry) -> Iterable[Enquiry]:
        """Suggest people with a book, or the numbers of books."""
        people = enquiry.details.get("kind") == _BY_PERSON
        candidates = (personas.TUAN, personas.OFFICIAL) if people else (personas.VI_BOOK, personas.THU_BOOK)
        return someone_else(enquiry, candidates)

    def write(self, enquiry: Enquiry, found: Found) -> Answer:
        """Count the rows in front of them."""
        del enquiry
        start = f'{{"trangThai":"1","thongBao":"","soBanGhi":{found.total},"danhSach":['
        return Answer(200, _JSON, start.encode() + b",".join(found.rows) + b"]}")

    def refuse(self, refusal: RefusedError) -> Answer:
        """Say "-1" in an answer that looks fine, except to strangers and in real trouble."""
        if refusal.reason is Reason.UNKNOWN_CALLER:
            return Answer(401, _JSON, orjson.dumps({"maLoi": "401", "moTa": refusal.message}))
        if refusal.reason is Reason.TROUBLE:
            return Answer(500, "text/html; charset=utf-8", _PAGE)
        body = {"trangThai": "-1", "thongBao": refusal.message, "soBanGhi": 0, "danhSach": []}
        return Answer(200, _JSON, orjson.dumps(body))


def _object(body: bytes) -> dict[str, object]:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedError(Reason.WRONG_REQUEST, "Nội dung không phải JSON") from error
    if not isinstance(request, dict):
        raise RefusedError(Reason.WRONG_REQUEST, "Nội dung không phải đối tượng JSON")
    return request


def _keys(request: dict[str, object], kind: str) -> tuple[str, ...]:
    valid = {_BY_PERSON: is_personal_id, _BY_NUMBER: is_insurance_number}.get(kind)
    if valid is None:
        raise RefusedError(Reason.WRONG_REQUEST, "loaiKhoa không hợp lệ")
    keys = request.get("danhSachKhoa")
    if not isinstance(keys, list) or not 1 <= len(keys) <= _MOST:
        raise RefusedError(Reason.WRONG_REQUEST, f"danhSachKhoa phải có từ 1 đến {_MOST} khóa")
    if any(not isinstance(key, str) or not valid(key) for key in keys):
        raise RefusedError(Reason.WRONG_REQUEST, "danhSachKhoa có khóa sai định dạng")
    return tuple(keys)


def _year(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, int) or isinstance(value, bool) or not 1900 <= value <= 2100:
        raise RefusedError(Reason.WRONG_REQUEST, "nam không hợp lệ")
    return str(value)


def _book(book: Book) -> dict[str, object]:
    precision = "0" if book.birth.day else "2" if book.birth.month else "1"
    return {
        "maSoBhxh": book.number,
        "soDinhDanh": book.personal_id,
        "hoTen": book.name.upper(),
        "soSoCu": book.old_book,
        "ngaySinh": book.birth.compact(),
        "loaiNgaySinh": precision,
        "gioiTinh": str(book.gender),
        "maHo": book.household,
        "trangThai": str(book.status),
        "tongThangDong": book.months,
        "maDonVi": book.employer,
        "mucDong": _money(book.salary),
    }


def _periods(book: Book, year: str) -> dict[str, object]:
    return {"maSoBhxh": book.number, "quaTrinh": [_period(period) for period in book.periods if _touches(period, year)]}


def _touches(period: Period, year: str) -> bool:
    return not year or (period.first[:4] <= year and (not period.last or year <= period.last[:4]))


def _period(period: Period) -> dict[str, object]:
    return {"tuThang": period.first, "denThang": period.last, "maDonVi": period.employer, "mucDong": _money(period.salary)}


def _money(amount: int | None) -> str:
    return "" if amount is None else f"{amount}.00"
