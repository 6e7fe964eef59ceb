"""The civil status register of the Ministry of Justice: a JSON envelope around XML, and HTTP 200 whatever happens."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Final
from xml.sax.saxutils import escape

import orjson

from sandbox import personas
from sandbox.agency import Agency, Answer, Call, Counter, Enquiry, Found, Reason, RefusedError, check_bearer, someone_else, unique
from sandbox.codes import is_personal_id
from sandbox.events import is_case_id
from sandbox.persona_people import BIRTH_OF_MINH_ANH, MARRIAGE_OF_THU
from sandbox.records import Case, Event
from sandbox.world import World

_BY_CASE, _BY_PERSON, _STATES = "traDanhSachHoSo", "traSuKienTheoSoDinhDanh", "traTrangThaiHoSo"
_MODULES: Final = ("KS", "KH", "KT")
_JSON: Final = "application/json"
_UNKNOWN_CALLER, _WRONG_PROVINCE, _INCOMPLETE, _NOT_FOUND, _WRONG_TYPE, _WRONG_DATA = "100", "108", "200", "201", "302", "500"
_WORDS: Final = {
    _UNKNOWN_CALLER: "AUTHEN_ERROR",
    _WRONG_PROVINCE: "PROVINCE_ID_INCORRECT",
    _INCOMPLETE: "RECORD_UNCOMPLETE",
    _NOT_FOUND: "RECORD_NOT_FOUND",
    _WRONG_TYPE: "DATA_TYPE_INVALID",
    _WRONG_DATA: "DATA_INCORRECT",
}


class CivilStatus(Agency):
    """Births, marriages and deaths by case or by person, and how far cases are."""

    system = "civil_status"
    path = "/civil-status"
    counters = (
        Counter("POST", f"/civil-status/api/{_BY_CASE}", _BY_CASE),
        Counter("POST", f"/civil-status/api/{_BY_PERSON}", _BY_PERSON),
        Counter("POST", f"/civil-status/api/{_STATES}", _STATES),
    )

    def __init__(self, world: World, token: str) -> None:
        self._world = world
        self._token = token

    def operation(self, call: Call) -> str:
        """Take it from the path."""
        return call.operation

    def read(self, call: Call) -> Enquiry:
        """Check the caller, the asking province and the keys."""
        check_bearer(call, self._token)
        request = _object(call.body)
        if str(request.get("maTinh")) not in self._world.places.provinces:
            raise _refusal(_WRONG_PROVINCE)
        if call.operation == _BY_PERSON:
            return Enquiry(_BY_PERSON, _keys(request, "dsSoDinhDanh", 20, is_personal_id))
        if call.operation == _STATES:
            return Enquiry(_STATES, unique(_keys(request, "dsMaHoSo", 50, is_case_id)))
        module = str(request.get("module") or "")
        if module not in {"", *_MODULES}:
            raise _refusal(_WRONG_TYPE)
        return Enquiry(_BY_CASE, unique(_keys(request, "dsMaHoSo", 50, is_case_id)), {"module": module})

    def find(self, enquiry: Enquiry) -> Found:
        """Return the cases that are known, how far each is, or the events of every person asked."""
        if enquiry.operation == _BY_PERSON:
            rows = [self._events(personal_id) for personal_id in enquiry.keys]
            return Found(rows, len(rows))
        rows = self._states(enquiry) if enquiry.operation == _STATES else self._cases(enquiry)
        if not rows:
            raise _refusal(_NOT_FOUND)
        return Found(rows, len(rows))

    def others(self, enquiry: Enquiry) -> Iterable[Enquiry]:
        """Suggest people with events, or cases."""
        if enquiry.operation == _BY_PERSON:
            return someone_else(enquiry, (personas.TUAN, personas.SAU))
        cases = (BIRTH_OF_MINH_ANH.case_id, MARRIAGE_OF_THU.case_id)
        if enquiry.operation == _STATES:
            return someone_else(enquiry, cases)
        return someone_else(enquiry._replace(details={"module": ""}), cases)

    def write(self, enquiry: Enquiry, found: Found) -> Answer:
        """Put the XML, as a text, into the JSON."""
        del enquiry
        data = '<?xml version="1.0" encoding="UTF-8"?><DanhSachHoSo>' + b"".join(found.rows).decode() + "</DanhSachHoSo>"
        return Answer(200, _JSON, orjson.dumps({"status": 1, "code": 0, "message": "", "data": data}))

    def refuse(self, refusal: RefusedError) -> Answer:
        """Say status 0 and a code, in HTTP 200."""
        code = refusal.code or (_UNKNOWN_CALLER if refusal.reason is Reason.UNKNOWN_CALLER else _WRONG_DATA)
        return Answer(200, _JSON, orjson.dumps({"status": 0, "code": int(code), "message": _WORDS[code], "data": ""}))

    def _events(self, personal_id: str) -> bytes:
        cases = "".join(self._case(event) for event in self._world.events_of(personal_id))
        return f"<KetQua><SoDinhDanh>{personal_id}</SoDinhDanh>{cases}</KetQua>".encode()

    def _cases(self, enquiry: Enquiry) -> list[bytes]:
        module = enquiry.details["module"]
        events = (self._world.event(case) for case in enquiry.keys)
        return [self._case(event).encode() for event in events if event and module in {"", event.module}]

    def _states(self, enquiry: Enquiry) -> list[bytes]:
        return [_state(case).encode() for key in enquiry.keys if (case := self._world.case(key))]

    def _case(self, event: Event) -> str:
        office = self._world.places.full_name(event.commune)
        fields = {
            "maHoSo": event.case_id,
            "id": str(event.serial),
            "so": f"{1 + event.serial % 480}/{event.registered.year}",
            "quyenSo": f"{1 + event.serial % 7:02d}/{event.registered.year}",
            "trangSo": str(1 + event.serial % 200),
            "module": event.module,
            "maDonVi": f"TP{100_000 + 3 * int(event.commune)}",
            "tenDonVi": f"Ủy ban nhân dân {office}",
            "ngayTiepNhan": _day(event.received),
            "NgayDangKy": _day(event.registered),
        }
        return f"<HoSo>{_lines(fields)}{_parties(event)}</HoSo>"


def _state(case: Case) -> str:
    fields = {
        "maHoSo": case.case_id,
        "trangThai": str(case.state),
        "ngayTiepNhan": _day(case.received),
        "ngayHenTra": _day(case.promised) if case.promised else "",
        "lyDo": case.refusal,
    }
    return f"<HoSo>{_lines(fields)}</HoSo>"


def _lines(fields: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())


def _parties(event: Event) -> str:
    parts = [
        f"<{one.role}><HoTen>{escape(one.name)}</HoTen><SoDinhDanh>{one.personal_id}</SoDinhDanh></{one.role}>" for one in event.parties
    ]
    if event.module == "KH":
        parts.append(f"<TinhTrangHonNhan>{'LY_HON' if event.divorced else 'HIEU_LUC'}</TinhTrangHonNhan>")
    if event.died:
        parts.append(f"<NgayChet>{_day(event.died)}</NgayChet>")
    return "".join(parts)


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _refusal(code: str) -> RefusedError:
    return RefusedError(Reason.WRONG_REQUEST, _WORDS[code], code)


def _object(body: bytes) -> dict[str, object]:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _refusal(_WRONG_TYPE) from error
    if not isinstance(request, dict):
        raise _refusal(_WRONG_TYPE)
    return request


def _keys(request: dict[str, object], name: str, most: int, valid: Callable[[str], bool]) -> tuple[str, ...]:
    keys = request.get(name)
    if not keys:
        raise _refusal(_INCOMPLETE)
    if not isinstance(keys, list) or any(not isinstance(key, str) or not valid(key) for key in keys):
        raise _refusal(_WRONG_TYPE)
    if len(keys) > most:
        raise _refusal(_WRONG_DATA)
    return tuple(keys)
