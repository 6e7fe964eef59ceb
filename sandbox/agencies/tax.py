"""The tax system: SOAP with the password in the message, and one element for every code that was asked."""

from collections.abc import Iterable
from typing import Final

from lxml.etree import _Element

from sandbox import personas
from sandbox.agencies.soap import close_envelope, fault, local_name, open_envelope, tag, text_of
from sandbox.agency import Agency, Answer, Call, Counter, Enquiry, Found, Reason, RefusedError, same, someone_else
from sandbox.codes import is_tax_code
from sandbox.records import Taxpayer
from sandbox.world import World

NAMESPACE: Final = "http://gdt.gov.vn/nnt/1.0"
SECURITY: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
USER: Final = "motcua"

_OPERATION: Final = "TraCuuNNT"
_MOST: Final = 20
_CODES: Final = {Reason.UNKNOWN_CALLER: "TCT-401", Reason.TROUBLE: "TCT-500", Reason.HIDDEN_TROUBLE: "TCT-500"}


class Tax(Agency):
    """Taxpayers of all three kinds."""

    system = "tax"
    path = "/tax"
    counters = (Counter("POST", "/tax/ws", _OPERATION),)

    def __init__(self, world: World, password: str) -> None:
        self._world = world
        self._password = password

    def operation(self, call: Call) -> str:
        """Name the only one there is."""
        return call.operation

    def read(self, call: Call) -> Enquiry:
        """Check user, password and codes."""
        header, request = open_envelope(call)
        self._check_user(header)
        if call.headers["soapaction"].strip('"') != _OPERATION or request.tag != f"{{{NAMESPACE}}}{_OPERATION}":
            raise RefusedError(Reason.WRONG_REQUEST, "there is no such operation")
        transaction = text_of(request, "MaGiaoDich", NAMESPACE)
        if not transaction:
            raise RefusedError(Reason.WRONG_REQUEST, "MaGiaoDich is required")
        return Enquiry(_OPERATION, _codes(request), {"transaction": transaction})

    def _check_user(self, header: _Element | None) -> None:
        user, password = (
            "" if header is None else text_of(header, f"Security/UsernameToken/{name}", SECURITY) for name in ("Username", "Password")
        )
        if not (same(user, USER) and same(password, self._password)):
            raise RefusedError(Reason.UNKNOWN_CALLER, "wrong user or password")

    def find(self, enquiry: Enquiry) -> Found:
        """Return one row for every code, found or not."""
        rows = [self._row(code) for code in enquiry.keys]
        return Found(rows, len(rows))

    def others(self, enquiry: Enquiry) -> Iterable[Enquiry]:
        """Suggest taxpayers of both kinds."""
        return someone_else(enquiry, (personas.TUAN, personas.VIET_HAN))

    def write(self, enquiry: Enquiry, found: Found) -> Answer:
        """Repeat the transaction and count the rows."""
        start = (
            f'<TraCuuNNTResponse xmlns="{NAMESPACE}">{tag("MaGiaoDich", enquiry.details["transaction"])}<SoLuong>{found.total}</SoLuong>'
        )
        return close_envelope("soap", start.encode() + b"".join(found.rows) + b"</TraCuuNNTResponse>")

    def refuse(self, refusal: RefusedError) -> Answer:
        """Write a SOAP fault with the department's own code."""
        code = _CODES.get(refusal.reason, "TCT-422")
        side = "Server" if code == "TCT-500" else "Client"
        return fault("soap", side, refusal.message, f"<detail><MaLoi>{code}</MaLoi></detail>")

    def _row(self, code: str) -> bytes:
        taxpayer = self._world.taxpayer(code)
        if taxpayer is None:
            return f"<NNT>{tag('MaSoThue', code)}<MaKetQua>01</MaKetQua></NNT>".encode()
        return _taxpayer(taxpayer, self._office(taxpayer.province))

    def _office(self, province: str) -> str:
        """Name the tax office; that of a province that ended is its successor's."""
        place = self._world.places.provinces[province]
        if place.successors:
            place = self._world.places.provinces[place.successors[0]]
        name = place.name[:1].lower() + place.name[1:]
        return f"<CQTQuanLy><Ma>1{place.code}00</Ma><Ten>Thuế {name}</Ten></CQTQuanLy>"


def _codes(request: _Element) -> tuple[str, ...]:
    wanted = request.find(f"{{{NAMESPACE}}}DanhSachMST")
    codes = () if wanted is None else tuple((child.text or "").strip() for child in wanted if local_name(child) == "MST")
    if not 1 <= len(codes) <= _MOST:
        raise RefusedError(Reason.WRONG_REQUEST, f"DanhSachMST holds 1 to {_MOST} codes")
    if malformed := [code for code in codes if not is_tax_code(code)]:
        raise RefusedError(Reason.WRONG_REQUEST, f"malformed code {malformed[0]}")
    return codes


def _taxpayer(taxpayer: Taxpayer, office: str) -> bytes:
    return "".join(
        (
            "<NNT>",
            tag("MaSoThue", taxpayer.code),
            "<MaKetQua>00</MaKetQua><ThongTin>",
            tag("MaSoThue", taxpayer.code),
            tag("TenNNT", taxpayer.name.upper()),
            tag("LoaiNNT", taxpayer.kind),
            tag("TrangThaiNNT", taxpayer.status),
            office,
            tag("NoThue", _money(taxpayer.debt)),
            tag("SoTienNopThua", _money(taxpayer.overpaid)),
            tag("KyQuyetToan", "" if taxpayer.period is None else str(taxpayer.period)),
            tag("ThuNhapChiuThue", _money(taxpayer.income)),
            tag("NgayCap", taxpayer.issued.isoformat()),
            "</ThongTin></NNT>",
        )
    ).encode()


def _money(amount: int | None) -> str:
    return "" if amount is None else f"{amount}.00"
