"""Population: who a person is, where they live, who belongs to their family and household."""

import enum
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from graph.errors import Theirs
from graph.seam import ContractBroken, Record, SubjectFacts, System, Upstream, batch_one, keyed, soap, wire
from resolvers.identifiers import CommuneCode, OldIdNumber, PersonalId, ProvinceCode
from resolvers.values import Gender, PartialDate, bare, composed, gender_123

REQUEST = "http://dancuquocgia.bca"
THREE_FACTORS, BY_ID, HOUSEHOLD = "037", "034", "035"


class PopulationOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asks: the ministry of public security wants an official's own id, unit and account in every message.

    `official` stands in where the caller names no official of their own.
    """

    agency: str
    official: str
    unit: str
    account: str


SYSTEM = System(
    "population",
    title="National population database (Cơ sở dữ liệu quốc gia về dân cư)",
    owner="Ministry of Public Security",
    protocol="SOAP 1.1",
    options=PopulationOptions,
    per_official=True,
)


class MaritalStatus(enum.Enum):
    """Marital status as registered."""

    NEVER_MARRIED = "NEVER_MARRIED"
    MARRIED = "MARRIED"
    WIDOWED = "WIDOWED"
    DIVORCED = "DIVORCED"
    UNKNOWN = "UNKNOWN"


class Kinship(enum.Enum):
    """How a member of a household is related to its head."""

    HEAD = "HEAD"
    SPOUSE = "SPOUSE"
    CHILD = "CHILD"
    PARENT = "PARENT"
    SIBLING = "SIBLING"
    OTHER = "OTHER"


MARITAL = {"1": MaritalStatus.NEVER_MARRIED, "2": MaritalStatus.MARRIED, "3": MaritalStatus.WIDOWED, "4": MaritalStatus.DIVORCED}
KINSHIP = {
    "CHU_HO": Kinship.HEAD,
    "VO_CHONG": Kinship.SPOUSE,
    "CON": Kinship.CHILD,
    "CHA_ME": Kinship.PARENT,
    "ANH_CHI_EM": Kinship.SIBLING,
}


class _Name(msgspec.Struct):
    Ho: str | None = None
    ChuDem: str | None = None
    Ten: str | None = None


class _Date(msgspec.Struct):
    Nam: str | None = None
    NgayThangNam: str | None = None


def _joined_name(name: _Name) -> str:
    return composed(" ".join(part for part in (name.Ho, name.ChuDem, name.Ten) if part))


def _date(date: _Date) -> PartialDate | None:
    known = date.NgayThangNam or date.Nam
    return PartialDate.compact(known) if known else None


def _marital_status(code: str) -> MaritalStatus:
    return MARITAL.get(code, MaritalStatus.UNKNOWN)


def _kinship(code: str) -> Kinship:
    return KINSHIP.get(code, Kinship.OTHER)


def _living(code: str) -> bool:
    return code != "2"


def _protected(code: str) -> bool:
    if code not in {"0", "1"}:  # somebody who may be under protection is not taken for one who is not
        message = "expected 0 or 1"
        raise ValueError(message)
    return code == "1"


class AddressRecord(Record):
    """An address with the national codes of its place, which may be dead ones."""

    province_code: ProvinceCode | None = wire("MaTinhThanh")
    commune_code: CommuneCode | None = wire("MaPhuongXa")
    street: str | None = wire("ChiTiet")
    country: str | None = wire("QuocGia")


class RelativeRecord(Record):
    """A relative as another person's record names them; the id may be unknown."""

    full_name: str | None = wire("HoVaTen", read=composed)
    personal_id: PersonalId | None = wire("SoDinhDanh")
    nationality_code: str | None = wire("QuocTich")


class HeadRecord(Record):
    """The head of a person's household, as the person's own record names them."""

    relation: Kinship = wire("QuanHe", read=_kinship, absent=Kinship.OTHER)
    personal_id: PersonalId | None = wire("SoDinhDanh")
    full_name: str | None = wire("HoVaTen", read=composed)


class CitizenRecord(Record):
    """A person as the population database has them."""

    personal_id: PersonalId = wire("SoDinhDanh")
    old_id_number: OldIdNumber | None = wire("SoCMND")
    full_name: str = wire("HoVaTen", read=_joined_name)
    gender: Gender = wire("GioiTinh", read=gender_123, absent=Gender.UNKNOWN)
    birth_date: PartialDate | None = wire("NgayThangNamSinh", read=_date)
    ethnicity_code: str | None = wire("DanToc")
    religion_code: str | None = wire("TonGiao")
    nationality_code: str | None = wire("QuocTich")
    marital_status: MaritalStatus | None = wire("TinhTrangHonNhan", read=_marital_status)
    blood_group: str | None = wire("NhomMau")
    birth_place: AddressRecord | None = wire("NoiDangKyKhaiSinh")
    home_town: AddressRecord | None = wire("QueQuan")
    permanent_address: AddressRecord | None = wire("ThuongTru")
    current_address: AddressRecord | None = wire("NoiOHienTai")
    father_named: RelativeRecord | None = wire("Cha")
    mother_named: RelativeRecord | None = wire("Me")
    spouse_named: RelativeRecord | None = wire("VoChong")
    household_head: HeadRecord | None = wire("ChuHo")
    household_code: str | None = wire("SoSoHoKhau")
    living: bool = wire("TrangThai", read=_living)
    protected: bool = wire("DuocBaoVe", read=_protected, absent=False)


class MemberRecord(Record):
    """A member of a household."""

    personal_id: PersonalId = wire("SoDinhDanh")
    full_name: str = wire("HoVaTen", read=composed)
    relation: Kinship = wire("QuanHe", read=_kinship)


class HouseholdRecord(Record):
    """A household: its code, where it lives, who belongs to it."""

    code: str = wire("MaHo")
    address: AddressRecord | None = wire("DiaChi")
    members: tuple[MemberRecord, ...] = wire("ThanhVien")


class _Citizens(Record):
    people: tuple[CitizenRecord, ...] = wire("CongDan")


class _Households(Record):
    households: tuple[HouseholdRecord, ...] = wire("HoGiaDinh")


class Outcome(enum.Enum):
    """What comparing an id, a name and a birth date with the register gave."""

    MATCH = "MATCH"
    MISMATCH = "MISMATCH"
    NOT_FOUND = "NOT_FOUND"
    CANNOT_SAY = "CANNOT_SAY"


class Claim(NamedTuple):
    """What somebody says of themselves: all three must be right."""

    personal_id: PersonalId
    full_name: str
    birth_date: PartialDate


class VerificationRecord(Record):
    """The outcome for one claim; `reason` and `retryable` are set where nothing can be said."""

    personal_id: PersonalId
    outcome: Outcome
    reason: str | None = None
    retryable: bool | None = None


def _household(_key: PersonalId, person: CitizenRecord) -> tuple[str, ...]:
    return () if person.household_code is None else (f"household:{person.household_code}",)


def _members(_key: PersonalId, household: HouseholdRecord) -> tuple[str, ...]:
    return (f"household:{household.code}",)


@batch_one(SYSTEM, max_keys=1, tags=_household, facts=SubjectFacts(protected="protected", born="birth_date"))
async def citizen_by_id(upstream: Upstream, ids: Sequence[PersonalId]) -> Mapping[PersonalId, CitizenRecord]:
    """Look one person up by personal id."""
    answer: _Citizens = await _asked(upstream, "TraCuuCongDan", BY_ID, [_text("SoDinhDanh", ids[0])], _Citizens)
    return keyed(SYSTEM, answer.people, lambda person: person.personal_id)


@batch_one(SYSTEM, max_keys=1, tags=_members)
async def household_by_member(upstream: Upstream, ids: Sequence[PersonalId]) -> Mapping[PersonalId, HouseholdRecord]:
    """Look up the household that a person belongs to; an answer without that person is somebody else's household."""
    answer: _Households = await _asked(upstream, "TraCuuHoGiaDinh", HOUSEHOLD, [_text("SoDinhDanh", ids[0])], _Households)
    if len(answer.households) > 1:
        raise ContractBroken(SYSTEM.name, "sent two households for one person")
    if not answer.households:
        return {}
    household = answer.households[0]
    if ids[0] not in {member.personal_id for member in household.members}:
        raise ContractBroken(SYSTEM.name, "sent the household of somebody else")
    return {ids[0]: household}


@batch_one(SYSTEM, max_keys=1, sharing="none")
async def verification(upstream: Upstream, claims: Sequence[Claim]) -> Mapping[Claim, VerificationRecord]:
    """Compare a claim by service 037, which says "no" to a wrong name and to an unknown person alike.

    After a "no" the person is looked up by id alone, which tells MISMATCH from NOT_FOUND; where that fails, nothing can be said.
    """
    claim = claims[0]
    try:
        answer: _Citizens = await _asked(upstream, "TraCuuThongTinCongDan", THREE_FACTORS, _factors(claim), _Citizens)
        if answer.people:
            outcome = _confirmed(claim, answer)
        else:
            known = await citizen_by_id(upstream, [claim.personal_id])
            outcome = Outcome.MISMATCH if known else Outcome.NOT_FOUND
    except Theirs as trouble:
        unsaid = VerificationRecord(
            personal_id=claim.personal_id, outcome=Outcome.CANNOT_SAY, reason=trouble.code, retryable=trouble.retryable
        )
        return {claim: unsaid}
    return {claim: VerificationRecord(personal_id=claim.personal_id, outcome=outcome)}


def _confirmed(claim: Claim, answer: _Citizens) -> Outcome:
    if [person.personal_id for person in answer.people] != [claim.personal_id]:
        raise ContractBroken(SYSTEM.name, "sent records that were not asked for")
    return Outcome.MATCH


def _factors(claim: Claim) -> list[soap.Element]:
    """Write a claim as 037 wants it: the name bare, the date whole or as a year."""
    compact = claim.birth_date.replace("-", "")
    date = _text("NgayThangNam", compact) if len(compact) == 8 else _text("Nam", compact[:4])  # noqa: PLR2004 - yyyyMMdd
    return [
        _text("SoDinhDanh", claim.personal_id),
        _text("HoVaTen", bare(claim.full_name)),
        soap.element("NgayThangNamSinh", [date], namespace=REQUEST),
    ]


async def _asked(upstream: Upstream, operation: str, service: str, question: list[soap.Element], returns: type[Record]) -> Any:
    """Send one request; the official who asks is part of each."""
    options: PopulationOptions = upstream.options
    who = [
        _text("MaYeuCau", upstream.new_message_id()),
        _text("MaDVC", options.agency),
        _text("MaTichHop", service),
        _text("MaCanBo", upstream.official or options.official),
        _text("MaDonVi", options.unit),
        _text("TaiKhoan", options.account),
    ]
    return await upstream.soap(soap.element(operation, who + question, namespace=REQUEST), returns=returns, action=operation)


def _text(name: str, text: str) -> soap.Element:
    return soap.element(name, text, namespace=REQUEST)
