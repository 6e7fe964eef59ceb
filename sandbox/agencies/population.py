"""The population system of the Ministry of Public Security: SOAP, one person a call, every answer in upper case."""

import re
from collections.abc import Iterable
from typing import Final

from lxml.etree import _Element

from sandbox import personas
from sandbox.agencies.soap import close_envelope, fault, local_name, open_envelope, tag, text_of
from sandbox.agency import Agency, Answer, Call, Counter, Enquiry, Found, Reason, RefusedError, check_bearer, someone_else
from sandbox.changes import Changes
from sandbox.codes import is_personal_id
from sandbox.records import Address, Household, Person, Relative
from sandbox.spelling import comparable
from sandbox.world import World

REQUEST: Final = "http://dancuquocgia.bca"
ANSWER: Final = "http://www.mic.gov.vn/dancu/1.0"

_VERIFY, _LOOK_UP, _HOUSEHOLD = "TraCuuThongTinCongDan", "TraCuuCongDan", "TraCuuHoGiaDinh"
_INTEGRATIONS: Final = {_VERIFY: "037", _LOOK_UP: "034", _HOUSEHOLD: "035"}
_MANDATORY: Final = ("MaYeuCau", "MaDVC", "MaTichHop", "MaCanBo", "MaDonVi", "TaiKhoan")
_OPERATION: Final = re.compile(rb"<(?:[\w.-]+:)?(TraCuu\w+)")
_SOMEONE: Final = (personas.OFFICIAL, personas.QUANG, personas.BAY)


class Population(Agency):
    """Citizens, households, and the check of id, name and birth date together."""

    system = "population"
    path = "/population"
    counters = (Counter("POST", "/population/ws", ""),)

    def __init__(self, world: World, changes: Changes, token: str) -> None:
        self._world = world
        self._changes = changes
        self._token = token

    def operation(self, call: Call) -> str:
        """Name the first element that looks like an operation."""
        match = _OPERATION.search(call.body)
        name = match[1].decode() if match else ""
        return name if name in _INTEGRATIONS else ""

    def read(self, call: Call) -> Enquiry:
        """Check the caller, the six mandatory elements and the personal id."""
        check_bearer(call, self._token)
        _, request = open_envelope(call)
        operation = local_name(request)
        if operation not in _INTEGRATIONS or request.tag != f"{{{REQUEST}}}{operation}":
            raise RefusedError(Reason.WRONG_REQUEST, "there is no such operation")
        _check_mandatory(request, _INTEGRATIONS[operation])
        personal_id = _required(request, "SoDinhDanh")
        if not is_personal_id(personal_id):
            raise RefusedError(Reason.WRONG_REQUEST, "SoDinhDanh is malformed")
        details = _claims(request) if operation == _VERIFY else {}
        return Enquiry(operation, (personal_id,), details)

    def find(self, enquiry: Enquiry) -> Found:
        """Return the one citizen or household, or nothing."""
        key = enquiry.keys[0]
        if enquiry.operation == _HOUSEHOLD:
            household = self._world.household(key)
            rows = [_household(household)] if household else []
        else:
            known = self._world.person(key)
            person = self._changes.person(known) if known else None
            matches = person and (enquiry.operation == _LOOK_UP or _matches(person, enquiry))
            rows = [_person(person)] if person and matches else []
        return Found(rows, len(rows))

    def others(self, enquiry: Enquiry) -> Iterable[Enquiry]:
        """Suggest people who live alone, so that even the household is another."""
        plain = enquiry._replace(operation=_LOOK_UP) if enquiry.operation == _VERIFY else enquiry
        return someone_else(plain, _SOMEONE)

    def write(self, enquiry: Enquiry, found: Found) -> Answer:
        """Put the row, if any, into its collection."""
        name = "HoGiaDinhCollection" if enquiry.operation == _HOUSEHOLD else "CongdanCollection"
        return close_envelope("soapenv", f'<{name} xmlns="{ANSWER}">'.encode() + b"".join(found.rows) + f"</{name}>".encode())

    def refuse(self, refusal: RefusedError) -> Answer:
        """Write a SOAP fault."""
        if refusal.reason is Reason.UNKNOWN_CALLER:
            return fault("soapenv", "Client.Authentication", refusal.message)
        theirs = refusal.reason in {Reason.TROUBLE, Reason.HIDDEN_TROUBLE}
        return fault("soapenv", "Server" if theirs else "Client", refusal.message)


def _required(request: _Element, path: str) -> str:
    value = text_of(request, path, REQUEST)
    if not value:
        raise RefusedError(Reason.WRONG_REQUEST, f"{path} is required")
    return value


def _check_mandatory(request: _Element, integration: str) -> None:
    values = {name: _required(request, name) for name in _MANDATORY}
    if tuple(local_name(child) for child in list(request)[: len(_MANDATORY)]) != _MANDATORY:
        raise RefusedError(Reason.WRONG_REQUEST, f"the request begins with {', '.join(_MANDATORY)}, in this order")
    if values["MaTichHop"] != integration:
        raise RefusedError(Reason.WRONG_REQUEST, f"MaTichHop of this operation is {integration}")
    if not is_personal_id(values["MaCanBo"]):
        raise RefusedError(Reason.WRONG_REQUEST, "MaCanBo is malformed")


def _claims(request: _Element) -> dict[str, str]:
    """Read the name and birth date that are to be checked; the birth date is a day or only a year."""
    day = text_of(request, "NgayThangNamSinh/NgayThangNam", REQUEST)
    year = text_of(request, "NgayThangNamSinh/Nam", REQUEST)
    if not day and not year:
        raise RefusedError(Reason.WRONG_REQUEST, "NgayThangNamSinh is required")
    birth = day or year
    if (day and year) or not (birth.isascii() and birth.isdigit()) or len(birth) != (8 if day else 4):
        raise RefusedError(Reason.WRONG_REQUEST, "NgayThangNamSinh is malformed")
    return {"name": _required(request, "HoVaTen"), "birth": birth}


def _matches(person: Person, enquiry: Enquiry) -> bool:
    known = person.birth.compact() if person.birth.month else str(person.birth.year)
    return enquiry.details["birth"] == known and comparable(enquiry.details["name"]) == comparable(person.full_name)


def _person(person: Person) -> bytes:
    birth = person.birth
    return "".join(
        (
            "<CongDan>",
            tag("SoDinhDanh", person.personal_id),
            tag("SoCMND", person.old_id),
            _name(person),
            tag("GioiTinh", str(person.gender)),
            tag("DanToc", person.ethnicity),
            tag("TonGiao", person.religion),
            tag("TinhTrangHonNhan", str(person.marital_status)),
            tag("NhomMau", person.blood_group),
            "<NgayThangNamSinh>",
            tag("NgayThangNam", birth.compact()) if birth.month else tag("Nam", str(birth.year)),
            "</NgayThangNamSinh>",
            _address("NoiDangKyKhaiSinh", person.birth_place),
            _address("QueQuan", person.home_place),
            _address("ThuongTru", person.permanent),
            _address("NoiOHienTai", person.current),
            "<QuocTich>VN</QuocTich>",
            _relative("Cha", person.father),
            _relative("Me", person.mother),
            _relative("VoChong", person.spouse),
            _seat(person),
            tag("SoSoHoKhau", person.seat.code if person.seat else ""),
            tag("TrangThai", "2" if person.dead else "1"),
            tag("DuocBaoVe", "1") if person.protected else "",
            "</CongDan>",
        )
    ).encode()


def _name(person: Person) -> str:
    parts = ("", "", person.full_name) if person.whole_name_in_given else (person.surname, person.middle, person.given)
    surname, middle, given = (part.upper() for part in parts)
    return f"<HoVaTen>{tag('Ho', surname)}{tag('ChuDem', middle)}{tag('Ten', given)}</HoVaTen>"


def _address(name: str, address: Address) -> str:
    codes = f"<MaTinhThanh>{address.province}</MaTinhThanh><MaPhuongXa>{address.commune}</MaPhuongXa>"
    return f"<{name}>{codes}{tag('ChiTiet', address.detail)}<QuocGia>VN</QuocGia></{name}>"


def _relative(name: str, relative: Relative | None) -> str:
    if relative is None:
        return ""
    ids = f"{tag('SoDinhDanh', relative.personal_id)}{tag('SoCMND', relative.old_id)}"
    return f"<{name}>{tag('HoVaTen', relative.name.upper())}<QuocTich>VN</QuocTich>{ids}</{name}>"


def _seat(person: Person) -> str:
    if person.seat is None:
        return ""
    head = person.seat.head
    ids = f"{tag('SoDinhDanh', head.personal_id)}{tag('SoCMND', head.old_id)}"
    return f"<ChuHo>{tag('QuanHe', person.seat.relation)}{ids}{tag('HoVaTen', head.name.upper())}</ChuHo>"


def _household(household: Household) -> bytes:
    head = household.members[0]
    members = "".join(
        f"<ThanhVien>{tag('SoDinhDanh', one.personal_id)}{tag('HoVaTen', one.name.upper())}{tag('QuanHe', one.relation)}</ThanhVien>"
        for one in household.members
    )
    chief = f"<ChuHo>{tag('SoDinhDanh', head.personal_id)}{tag('HoVaTen', head.name.upper())}</ChuHo>"
    return f"<HoGiaDinh>{tag('MaHo', household.code)}{_address('DiaChi', household.address)}{chief}{members}</HoGiaDinh>".encode()
