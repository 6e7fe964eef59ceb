"""Tax: whether a person or a business is registered, in good standing, and owes anything."""

import enum
from collections.abc import Mapping, Sequence

import msgspec

from graph.seam import ContractBroken, Record, System, Upstream, batch_one, counted, keyed, soap, wire
from resolvers.identifiers import TaxCode
from resolvers.values import Money, PartialDate, composed

REQUEST = "http://gdt.gov.vn/nnt/1.0"
FOUND = {"00": True, "01": False}
SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"


class TaxOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asks: the user name that stands beside the secret in the SOAP header."""

    username: str


SYSTEM = System(
    "tax",
    title="Taxpayer register (Cơ sở dữ liệu về người nộp thuế)",
    owner="Tax Department, Ministry of Finance",
    protocol="SOAP 1.1",
    options=TaxOptions,
)


class TaxpayerKind(enum.Enum):
    """What pays."""

    PERSON = "PERSON"
    BUSINESS = "BUSINESS"
    BRANCH = "BRANCH"
    OTHER = "OTHER"


class TaxpayerStatus(enum.Enum):
    """Standing with the tax authority."""

    OPERATING = "OPERATING"
    CLOSED = "CLOSED"
    SUSPENDED = "SUSPENDED"
    AWAITING_CLOSURE = "AWAITING_CLOSURE"
    NOT_AT_ADDRESS = "NOT_AT_ADDRESS"
    UNKNOWN = "UNKNOWN"


KINDS = {"CN": TaxpayerKind.PERSON, "DN": TaxpayerKind.BUSINESS, "CNHANH": TaxpayerKind.BRANCH}
STATUSES = {
    "00": TaxpayerStatus.OPERATING,
    "01": TaxpayerStatus.CLOSED,
    "03": TaxpayerStatus.SUSPENDED,
    "04": TaxpayerStatus.AWAITING_CLOSURE,
    "06": TaxpayerStatus.NOT_AT_ADDRESS,
}


def _kind(code: str) -> TaxpayerKind:
    return KINDS.get(code, TaxpayerKind.OTHER)


def _status(code: str) -> TaxpayerStatus:
    return STATUSES.get(code, TaxpayerStatus.UNKNOWN)


class TaxOfficeRecord(Record):
    """The office in charge."""

    code: str = wire("Ma")
    name: str | None = wire("Ten")


class TaxpayerRecord(Record):
    """A taxpayer as the register has them."""

    tax_code: TaxCode = wire("MaSoThue")
    name: str = wire("TenNNT", read=composed)
    kind: TaxpayerKind = wire("LoaiNNT", read=_kind)
    status: TaxpayerStatus = wire("TrangThaiNNT", read=_status)
    tax_office: TaxOfficeRecord | None = wire("CQTQuanLy")
    debt: Money | None = wire("NoThue", read=Money.written)
    overpaid: Money | None = wire("SoTienNopThua", read=Money.written)
    period: PartialDate | None = wire("KyQuyetToan")
    taxable_income: Money | None = wire("ThuNhapChiuThue", read=Money.written)
    registered_on: PartialDate | None = wire("NgayCap")


class _Row(Record):
    """A row of the answer: every code that was asked has one, with what is known of it or without."""

    asked: TaxCode = wire("MaSoThue")
    result: str = wire("MaKetQua")
    taxpayer: TaxpayerRecord | None = wire("ThongTin")


class _Answer(Record):
    total: int = wire("SoLuong")
    rows: tuple[_Row, ...] = wire("NNT")


@batch_one(SYSTEM, max_keys=20)
async def taxpayer_by_code(upstream: Upstream, codes: Sequence[TaxCode]) -> Mapping[TaxCode, TaxpayerRecord]:
    """Look taxpayers up by code; a missing row is a loss on the way, not a "no"."""
    operation = soap.element(
        "TraCuuNNT",
        [_element("MaGiaoDich", upstream.new_message_id()), _element("DanhSachMST", [_element("MST", code) for code in codes])],
        namespace=REQUEST,
    )
    answer: _Answer = await upstream.soap(operation, returns=_Answer, action="TraCuuNNT", header=_security(upstream))
    counted(SYSTEM, answer.total, answer.rows)
    found = keyed(SYSTEM, answer.rows, lambda row: row.asked)
    if found.keys() != set(codes):
        raise ContractBroken(SYSTEM.name, "did not answer for exactly the codes that were asked")
    if any(FOUND.get(row.result) is not (row.taxpayer is not None) for row in answer.rows):
        raise ContractBroken(SYSTEM.name, "sent a result that does not fit its row")
    if any(row.taxpayer is not None and row.taxpayer.tax_code != code for code, row in found.items()):
        raise ContractBroken(SYSTEM.name, "sent a taxpayer under the code of another")
    return {code: row.taxpayer for code, row in found.items() if row.taxpayer is not None}


def _security(upstream: Upstream) -> soap.Element:
    """Put the user name and the secret where WS-Security wants them."""
    options: TaxOptions = upstream.options
    parts = [
        soap.element("Username", options.username, namespace=SECURITY),
        soap.element("Password", upstream.token, namespace=SECURITY),
    ]
    return soap.element("Security", [soap.element("UsernameToken", parts, namespace=SECURITY)], namespace=SECURITY)


def _element(name: str, content: str | list[soap.Element]) -> soap.Element:
    return soap.element(name, content, namespace=REQUEST)
