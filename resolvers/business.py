"""Business registration: what a firm is, whether it operates, and who may sign for it."""

import enum
from collections.abc import Mapping, Sequence
from decimal import Decimal

from graph.seam import ContractBroken, Record, System, Upstream, batch_many, batch_one, counted, keyed, wire
from resolvers.identifiers import BusinessCode, PersonalId
from resolvers.values import Money, PartialDate, composed, yes_no

SYSTEM = System(
    "business",
    title="National business registration database (Cơ sở dữ liệu quốc gia về đăng ký doanh nghiệp)",
    owner="Ministry of Finance",
    protocol="REST GET",
)


class BusinessType(enum.Enum):
    """Legal form."""

    LIMITED_ONE_MEMBER = "LIMITED_ONE_MEMBER"
    LIMITED_SEVERAL_MEMBERS = "LIMITED_SEVERAL_MEMBERS"
    JOINT_STOCK = "JOINT_STOCK"
    PRIVATE = "PRIVATE"
    OTHER = "OTHER"


class BusinessStatus(enum.Enum):
    """Whether the business operates."""

    OPERATING = "OPERATING"
    SUSPENDED = "SUSPENDED"
    DISSOLVING = "DISSOLVING"
    DISSOLVED = "DISSOLVED"
    NOT_AT_ADDRESS = "NOT_AT_ADDRESS"
    UNKNOWN = "UNKNOWN"


TYPES = {
    "công ty trách nhiệm hữu hạn một thành viên": BusinessType.LIMITED_ONE_MEMBER,
    "công ty trách nhiệm hữu hạn hai thành viên trở lên": BusinessType.LIMITED_SEVERAL_MEMBERS,
    "công ty cổ phần": BusinessType.JOINT_STOCK,
    "doanh nghiệp tư nhân": BusinessType.PRIVATE,
}
STATUSES = dict(zip(("1", "2", "3", "4", "5"), BusinessStatus, strict=False))


def _type(words: str) -> BusinessType:
    return TYPES.get(composed(words).lower(), BusinessType.OTHER)


def _status(code: str | int) -> BusinessStatus:
    return STATUSES.get(str(code), BusinessStatus.UNKNOWN)


def _source_code(number: int | str) -> str:
    return str(number)


class SeatRecord(Record):
    """The head office; the registry numbers places its own way, so its codes are kept as source codes."""

    source_city: str | None = wire("CityID", read=_source_code)
    source_ward: str | None = wire("WardID", read=_source_code)
    text: str | None = wire("AddressFullText")


class RepresentativeRecord(Record):
    """A person who may sign for the business."""

    full_name: str = wire("FULL_NAME", read=composed)
    personal_id: PersonalId | None = wire("IDENTITY_NO")
    position: str | None = wire("POSITION")
    is_main: bool = wire("IS_MAIN", read=yes_no)


class ActivityRecord(Record):
    """A registered line of business."""

    code: str = wire("CODE")
    name: str = wire("NAME")
    is_main: bool = wire("IS_MAIN", read=yes_no)


class ShareholderRecord(Record):
    """A member or founding shareholder: a person, or another business."""

    name: str = wire("MEMBER_NAME", read=composed)
    personal_id: PersonalId | None = wire("IDENTITY_NO")
    business_code: BusinessCode | None = wire("MEMBER_GDT_CODE")
    share_percent: float | None = wire("RATIO_PERCENT")


def _money(amount: Decimal) -> Money:
    return Money.of(amount)


class BusinessRecord(Record):
    """A business as registered."""

    code: BusinessCode = wire("ENTERPRISE_GDT_CODE")
    registry_number: str | None = wire("ENTERPRISE_CODE", read=_source_code)
    name: str = wire("NAME", read=composed)
    foreign_name: str | None = wire("NAME_F")
    short_name: str | None = wire("SHORT_NAME")
    type: BusinessType = wire("ENTERPRISE_TYPE_NAME", read=_type)
    status: BusinessStatus = wire("ENTERPRISE_STATUS", read=_status)
    founded_on: PartialDate | None = wire("FOUNDING_DATE", read=PartialDate.slashed)
    last_amended_on: PartialDate | None = wire("LAST_AMEND_DATE", read=PartialDate.slashed)
    charter_capital: Money | None = wire("CAPITAL_AMOUNT", read=_money)
    head_office: SeatRecord | None = wire("HOAdress")
    legal_representatives: tuple[RepresentativeRecord, ...] = wire("Representatives")
    activities: tuple[ActivityRecord, ...] = wire("BusinessActivity")
    members: tuple[ShareholderRecord, ...] = wire("Member")


class _Page(Record):
    total: int = wire("Total")
    rows: tuple[BusinessRecord, ...] = wire("Data")


class _RepresentedRecord(Record):
    personal_id: PersonalId = wire("IDENTITY_NO")
    businesses: tuple[BusinessRecord, ...] = wire("Enterprises")


class _RepresentedPage(Record):
    total: int = wire("Total")
    rows: tuple[_RepresentedRecord, ...] = wire("Data")


@batch_one(SYSTEM, max_keys=50)
async def business_by_code(upstream: Upstream, codes: Sequence[BusinessCode]) -> Mapping[BusinessCode, BusinessRecord]:
    """Look businesses up by code; an unknown code is left out."""
    page: _Page = await upstream.get("/enterprises", {"code": codes}, returns=_Page)
    counted(SYSTEM, page.total, page.rows)
    return keyed(SYSTEM, page.rows, lambda business: business.code)


@batch_many(SYSTEM, max_keys=50)
async def businesses_by_representative(upstream: Upstream, people: Sequence[PersonalId]) -> Mapping[PersonalId, tuple[BusinessRecord, ...]]:
    """Find the businesses that people represent; a business that does not name the person is not theirs, and breaks the contract."""
    page: _RepresentedPage = await upstream.get("/representatives", {"identity": people}, returns=_RepresentedPage)
    counted(SYSTEM, page.total, page.rows)
    for row in page.rows:
        if any(row.personal_id not in {person.personal_id for person in found.legal_representatives} for found in row.businesses):
            raise ContractBroken(SYSTEM.name, "sent a business under a person who does not represent it")
    return {person: row.businesses for person, row in keyed(SYSTEM, page.rows, lambda row: row.personal_id).items()}
