"""The shared code lists of the Ministry of Science and Technology: what the codes in everybody's records mean."""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Final

import orjson

from sandbox.agency import Agency, Answer, Call, Counter, Enquiry, Found, Reason, RefusedError, check_bearer, someone_else, unique
from sandbox.changes import Changes
from sandbox.lists import COUNTRIES, ETHNICITIES, GENDERS, MARITAL_STATUSES, RELIGIONS, SECTIONS
from sandbox.places import REFORM, Place, Places
from sandbox.world import World

Rows = dict[str, dict[str, object]]

_CATEGORY, _METADATA = "Category", "Metadata"
_MOST_CODES: Final = 100
_MOST_ROWS: Final = 1000
_JSON: Final = "application/json"
_STATUS: Final = {
    Reason.UNKNOWN_CALLER: (401, "UNAUTHORIZED"),
    Reason.NOT_HERE: (404, "LIST_NOT_FOUND"),
    Reason.TOO_LARGE: (413, "REQUEST_TOO_LARGE"),
    Reason.TROUBLE: (500, "INTERNAL_ERROR"),
    Reason.HIDDEN_TROUBLE: (200, "INTERNAL_ERROR"),
}


class CodeLists(Agency):
    """Lists by code or as a whole, and what their columns are called."""

    system = "code_lists"
    path = "/code-lists"
    counters = (Counter("GET", "/code-lists/Category/{list}", _CATEGORY), Counter("GET", "/code-lists/Metadata/{list}", _METADATA))

    def __init__(self, world: World, changes: Changes, token: str) -> None:
        self._changes = changes
        self._token = token
        self._makers = _makers(world.places)
        self._made: dict[str, dict[str, bytes]] = {}

    def operation(self, call: Call) -> str:
        """Take it from the path."""
        return call.operation

    def read(self, call: Call) -> Enquiry:
        """Check the caller, the list, the codes or the part of the list that is wanted."""
        check_bearer(call, self._token)
        name = call.path["list"]
        if name not in self._makers:
            raise RefusedError(Reason.NOT_HERE, "there is no such list")
        if call.operation == _METADATA:
            return Enquiry(_METADATA, (), {"list": name})
        codes = unique(value for parameter, value in call.query if parameter == "code")
        if len(codes) > _MOST_CODES:
            raise RefusedError(Reason.WRONG_REQUEST, "TOO_MANY_CODES")
        if "" in codes:
            raise RefusedError(Reason.WRONG_REQUEST, "CODE_MALFORMED")
        return Enquiry(_CATEGORY, codes, {"list": name, **_part(dict(call.query))})

    def find(self, enquiry: Enquiry) -> Found:
        """Return the rows of the codes, or a part of the list with the length of the whole."""
        rows = self._rows(enquiry.details["list"])
        if enquiry.operation == _METADATA:
            columns = orjson.loads(next(iter(rows.values())))
            described = [orjson.dumps(_column(name, value)) for name, value in columns.items()]
            return Found(described, len(described))
        if enquiry.keys:
            found = [rows[code] for code in enquiry.keys if code in rows]
            return Found(found, len(found))
        start = int(enquiry.details["offset"])
        return Found(list(rows.values())[start : start + int(enquiry.details["limit"])], len(rows))

    def others(self, enquiry: Enquiry) -> Iterable[Enquiry]:
        """Suggest the last codes of the list."""
        rows = self._rows(enquiry.details["list"])
        return someone_else(enquiry, reversed(rows)) if enquiry.operation == _CATEGORY else ()

    def write(self, enquiry: Enquiry, found: Found) -> Answer:
        """Name the list, count the rows and give them a version; metadata is a bare array without one."""
        rows = b"[" + b",".join(row for row in found.rows if row) + b"]"
        if enquiry.operation == _METADATA:
            return Answer(200, _JSON, rows)
        start = f'{{"list":"{enquiry.details["list"]}","version":"{REFORM}","total":{found.total},"rows":'
        body = start.encode() + rows + b"}"
        return Answer(200, _JSON, body, f'"{blake2b(body, digest_size=16).hexdigest()}"')

    def refuse(self, refusal: RefusedError) -> Answer:
        """Give one word."""
        status, word = _STATUS.get(refusal.reason, (400, refusal.message))
        return Answer(status, _JSON, orjson.dumps({"error": word}))

    def has(self, name: str, code: str) -> bool:
        """Tell whether there is such a list with a row of this code."""
        return name in self._makers and code in self._rows(name)

    def _rows(self, name: str) -> dict[str, bytes]:
        if name not in self._made:
            self._made[name] = {code: orjson.dumps(row) for code, row in self._makers[name]().items()}
        made, names = self._made[name], self._changes.rows(name)
        return made | {code: _renamed(made[code], new) for code, new in names.items()} if names else made


def _renamed(row: bytes, name: str) -> bytes:
    return orjson.dumps({column: name if column.startswith("Ten") else value for column, value in orjson.loads(row).items()})


def _part(query: dict[str, str]) -> dict[str, str]:
    part = {"offset": query.get("offset", "0"), "limit": query.get("limit", str(_MOST_ROWS))}
    if any(not (value.isascii() and value.isdigit() and len(value) < 10) for value in part.values()):
        raise RefusedError(Reason.WRONG_REQUEST, "OFFSET_OR_LIMIT_MALFORMED")
    if int(part["limit"]) > _MOST_ROWS:
        raise RefusedError(Reason.WRONG_REQUEST, "LIMIT_TOO_LARGE")
    return part


def _column(name: str, value: object) -> dict[str, str]:
    kind = "list" if isinstance(value, list) else "date" if name.startswith("HieuLuc") else "string"
    return {"PropertyCode": name, "PropertyName": _COLUMNS[name], "PropertyType": kind}


_COLUMNS: Final = {
    "Ma": "Mã",
    "Ten": "Tên",
    "TuMa": "Từ mã ngành cấp 2",
    "DenMa": "Đến mã ngành cấp 2",
    "PhienBan": "Phiên bản",
    "MaTinhThanh": "Mã tỉnh, thành phố",
    "TenTinhThanh": "Tên tỉnh, thành phố",
    "MaPhuongXa": "Mã phường, xã, đặc khu",
    "TenPhuongXa": "Tên phường, xã, đặc khu",
    "LoaiDonVi": "Loại đơn vị",
    "HieuLucTu": "Hiệu lực từ",
    "HieuLucDen": "Hiệu lực đến",
    "MaKeThua": "Mã đơn vị kế thừa",
    "MaNguon": "Mã của hệ thống nguồn",
}


def _makers(places: Places) -> dict[str, Callable[[], Rows]]:
    return {
        "donvihanhchinhcap1": lambda: {code: _province(place) for code, place in sorted(places.provinces.items())},
        "donvihanhchinhcap3": lambda: {code: _commune(place) for code, place in sorted(places.communes.items())},
        "dkkd-donvihanhchinhcap3": lambda: _registry_communes(places),
        "madantoc": lambda: _pairs(ETHNICITIES),
        "matongiao": lambda: _pairs(RELIGIONS),
        "maquocgia": lambda: _pairs(COUNTRIES),
        "matinhtranghonnhan": lambda: _pairs(MARITAL_STATUSES),
        "magioitinh": lambda: _pairs(GENDERS),
        "manganhkinhte": _industries,
    }


def _pairs(names: dict[str, str]) -> Rows:
    return {code: {"Ma": code, "Ten": name} for code, name in names.items()}


def _industries() -> Rows:
    return {one.code: {"Ma": one.code, "Ten": one.name, "TuMa": one.first, "DenMa": one.last, "PhienBan": "VSIC2025"} for one in SECTIONS}


def _validity(place: Place) -> dict[str, object]:
    return {"HieuLucTu": place.since, "HieuLucDen": place.until, "MaKeThua": list(place.successors)}


def _province(place: Place) -> dict[str, object]:
    return {"MaTinhThanh": place.code, "TenTinhThanh": place.name, "LoaiDonVi": place.kind, **_validity(place)}


def _commune(place: Place) -> dict[str, object]:
    names = {"MaPhuongXa": place.code, "TenPhuongXa": place.name, "LoaiDonVi": place.kind}
    return {**names, "MaTinhThanh": place.province, **_validity(place)}


def _registry_communes(places: Places) -> Rows:
    numbered = ((str(500_000 + 7 * int(code)), place) for code, place in sorted(places.communes.items()))
    return {number: {**_commune(place), "MaNguon": number} for number, place in numbered}
