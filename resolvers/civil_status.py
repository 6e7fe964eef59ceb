"""Civil status: births, marriages and deaths as the registrars entered them, and how far their cases are."""

import enum
from collections.abc import Mapping, Sequence

import msgspec

from graph.seam import (
    CaseState,
    Codes,
    ContractBroken,
    Record,
    System,
    Upstream,
    batch_many,
    batch_one,
    case_states,
    is_pending,
    keyed,
    wire,
)
from resolvers.identifiers import CaseId, PersonalId
from resolvers.values import PartialDate, composed


class CivilStatusOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asks: the province code that the ministry of justice gave us."""

    province: str


SYSTEM = System(
    "civil_status",
    title="Civil status registration system (Hệ thống thông tin đăng ký, quản lý hộ tịch)",
    owner="Ministry of Justice",
    protocol="JSON envelope with XML inside",
    options=CivilStatusOptions,
)
CODES = Codes(
    absent=frozenset({201}),
    refused={
        100: "our credentials",
        101: "our address",
        106: "our agency id",
        108: "our province id",
        200: "the request as incomplete",
        302: "the type of a value",
    },
)


class EventType(enum.Enum):
    """What was registered."""

    BIRTH = "BIRTH"
    MARRIAGE = "MARRIAGE"
    DEATH = "DEATH"
    OTHER = "OTHER"


class MarriageStatus(enum.Enum):
    """Whether a registered marriage still stands."""

    IN_FORCE = "IN_FORCE"
    DIVORCED = "DIVORCED"
    UNKNOWN = "UNKNOWN"


class RefusalReason(enum.Enum):
    """Why a case was refused; anything but a known code is OTHER, so that no words about people get through."""

    MISSING_PAPERS = "MISSING_PAPERS"
    NOT_ENTITLED = "NOT_ENTITLED"
    WRONG_DETAILS = "WRONG_DETAILS"
    OTHER = "OTHER"


EVENT_TYPES = {"KS": EventType.BIRTH, "KH": EventType.MARRIAGE, "KT": EventType.DEATH}
MARRIAGE_STATUSES = {"HIEU_LUC": MarriageStatus.IN_FORCE, "LY_HON": MarriageStatus.DIVORCED}
REFUSAL_REASONS = {
    "THIEU_GIAY_TO": RefusalReason.MISSING_PAPERS,
    "KHONG_DU_DIEU_KIEN": RefusalReason.NOT_ENTITLED,
    "SAI_THONG_TIN": RefusalReason.WRONG_DETAILS,
}
_state = case_states({"1": CaseState.PENDING, "2": CaseState.PENDING, "3": CaseState.READY, "4": CaseState.FAILED})


def _event_type(module: str) -> EventType:
    return EVENT_TYPES.get(module, EventType.OTHER)


def _marriage_status(code: str) -> MarriageStatus:
    return MARRIAGE_STATUSES.get(code, MarriageStatus.UNKNOWN)


def _refusal_reason(code: str) -> RefusalReason:
    return REFUSAL_REASONS.get(code, RefusalReason.OTHER)


class PartyRecord(Record):
    """A person whom an event names."""

    full_name: str | None = wire("HoTen", read=composed)
    personal_id: PersonalId | None = wire("SoDinhDanh")


class EventRecord(Record):
    """An entry in a civil status book; which parties it has depends on its type."""

    case_id: CaseId = wire("maHoSo")
    number: str | None = wire("so")
    book_number: str | None = wire("quyenSo")
    page: str | None = wire("trangSo")
    type: EventType = wire("module", read=_event_type)
    registrar_code: str | None = wire("maDonVi")
    registrar: str | None = wire("tenDonVi")
    received_on: PartialDate | None = wire("ngayTiepNhan", read=PartialDate.slashed)
    registered_on: PartialDate | None = wire("NgayDangKy", read=PartialDate.slashed)
    child: PartyRecord | None = wire("NguoiDuocKhaiSinh")
    father: PartyRecord | None = wire("Cha")
    mother: PartyRecord | None = wire("Me")
    husband: PartyRecord | None = wire("Chong")
    wife: PartyRecord | None = wire("Vo")
    marriage_status: MarriageStatus | None = wire("TinhTrangHonNhan", read=_marriage_status)
    deceased: PartyRecord | None = wire("NguoiChet")
    died_on: PartialDate | None = wire("NgayChet", read=PartialDate.slashed)

    def concerns(self, person: PersonalId) -> bool:
        """Tell whether the event is this person's own: they were born, married or died."""
        return person in {party.personal_id for party in (self.child, self.husband, self.wife, self.deceased) if party is not None}


class CaseRecord(Record):
    """How far a case is: what was asked for stands in a book only when it is ready."""

    case_id: CaseId = wire("maHoSo")
    state: CaseState = wire("trangThai", read=_state)
    received_on: PartialDate | None = wire("ngayTiepNhan", read=PartialDate.slashed)
    expected_on: PartialDate | None = wire("ngayHenTra", read=PartialDate.slashed)
    reason: RefusalReason | None = wire("lyDo", read=_refusal_reason)


class _Cases(Record):
    events: tuple[EventRecord, ...] = wire("HoSo")


class _States(Record):
    cases: tuple[CaseRecord, ...] = wire("HoSo")


class _OfPerson(Record):
    personal_id: PersonalId = wire("SoDinhDanh")
    events: tuple[EventRecord, ...] = wire("HoSo")


class _People(Record):
    people: tuple[_OfPerson, ...] = wire("KetQua")


@batch_one(SYSTEM, max_keys=50)
async def event_by_case(upstream: Upstream, cases: Sequence[CaseId]) -> Mapping[CaseId, EventRecord]:
    """Look events up by case id; the one call that always took many keys."""
    options: CivilStatusOptions = upstream.options
    body = {"maTinh": options.province, "module": "", "dsMaHoSo": cases}
    answer: _Cases | None = await upstream.enveloped("/traDanhSachHoSo", body, returns=_Cases, codes=CODES)
    return keyed(SYSTEM, answer.events if answer else (), lambda event: event.case_id)


@batch_one(SYSTEM, max_keys=50, provisional=is_pending)
async def civil_status_case_by_id(upstream: Upstream, cases: Sequence[CaseId]) -> Mapping[CaseId, CaseRecord]:
    """Ask how far cases are; one that is not known is left out."""
    options: CivilStatusOptions = upstream.options
    body = {"maTinh": options.province, "dsMaHoSo": cases}
    answer: _States | None = await upstream.enveloped("/traTrangThaiHoSo", body, returns=_States, codes=CODES)
    return keyed(SYSTEM, answer.cases if answer else (), lambda case: case.case_id)


@batch_many(SYSTEM, max_keys=20)
async def events_by_person(upstream: Upstream, people: Sequence[PersonalId]) -> Mapping[PersonalId, tuple[EventRecord, ...]]:
    """Find the events of people; an event under a person whom it does not concern breaks the contract."""
    options: CivilStatusOptions = upstream.options
    body = {"maTinh": options.province, "dsSoDinhDanh": people}
    answer: _People | None = await upstream.enveloped("/traSuKienTheoSoDinhDanh", body, returns=_People, codes=CODES)
    if answer is None:
        return {}
    found = keyed(SYSTEM, answer.people, lambda person: person.personal_id)
    if found.keys() != set(people):
        raise ContractBroken(SYSTEM.name, "did not answer for exactly the people that were asked")
    if not all(event.concerns(person) for person, row in found.items() for event in row.events):
        raise ContractBroken(SYSTEM.name, "sent an event under a person whom it does not concern")
    return {person: row.events for person, row in found.items()}
