"""Civil status: registered births, marriages and deaths, and cases that may become one."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.seam import Authenticated, Subject, field, link
from resolvers.civil_status import CaseRecord, EventType, MarriageStatus, RefusalReason, event_by_case
from resolvers.identifiers import CaseId, PersonalId
from resolvers.population import citizen_by_id
from resolvers.values import PartialDate
from schema.cases import CaseState
from schema.marks import BASIC, INITIALS, LAST_FOUR, SENSITIVE
from schema.provenance import Provenance, provenance

if TYPE_CHECKING:
    from schema.citizen import Citizen

EventTypeType = strawberry.enum(EventType, name="CivilStatusEventType", description="What was registered (loại sự kiện hộ tịch).")
MarriageStatusType = strawberry.enum(MarriageStatus, name="MarriageStatus", description="Whether a marriage stands (tình trạng hôn nhân).")
RefusalReasonType = strawberry.enum(RefusalReason, name="RefusalReason", description="Why a case was refused (lý do từ chối).")


def _finished(case: CaseRecord) -> CaseId | None:
    """Return the id under which the event stands; none before there is one, so that nobody asks for it."""
    return case.case_id if case.state is CaseState.READY else None


@strawberry.type(description="A person whom an event names (người trong sự kiện hộ tịch).", directives=[BASIC, Subject(field="personalId")])
class EventParty:
    """A party."""

    full_name: str | None = field("Name (họ tên).", marks=(INITIALS,))
    personal_id: PersonalId | None = field("Personal id, where entered (số định danh).", marks=(LAST_FOUR,))
    citizen: Annotated["Citizen", strawberry.lazy("schema.citizen")] | None = link(
        citizen_by_id, key="personal_id", description="The person's own record (công dân)."
    )


@strawberry.type(description="An entry in a civil status book (sự kiện hộ tịch).", directives=[SENSITIVE])
class CivilStatusEvent:
    """An event."""

    case_id: CaseId = field("Case code (mã hồ sơ).")
    type: EventType = field("Birth, marriage or death (loại sự kiện).")
    number: str | None = field("Number in the book (số).")
    book_number: str | None = field("The book (quyển số).")
    page: str | None = field("Page in the book (trang số).")
    registrar_code: str | None = field("The registrar in the ministry's own codes (mã nơi đăng ký).")
    registrar: str | None = field("The registrar (nơi đăng ký).")
    received_on: PartialDate | None = field("Day the case was received (ngày tiếp nhận).")
    registered_on: PartialDate | None = field("Day of registration (ngày đăng ký).")
    child: EventParty | None = field("With a birth, the child (người được khai sinh).")
    father: EventParty | None = field("With a birth, the father (cha).")
    mother: EventParty | None = field("With a birth, the mother (mẹ).")
    husband: EventParty | None = field("With a marriage, the husband (chồng).")
    wife: EventParty | None = field("With a marriage, the wife (vợ).")
    marriage_status: MarriageStatus | None = field("With a marriage, whether it stands (tình trạng).")
    deceased: EventParty | None = field("With a death, the deceased (người chết).")
    died_on: PartialDate | None = field("With a death, the day (ngày chết).")
    provenance: Provenance | None = provenance()


@strawberry.type(
    description="A case at a civil status office, also while it is being worked on (hồ sơ hộ tịch).", directives=[Authenticated()]
)
class CivilStatusCase:
    """A case."""

    case_id: CaseId = field("Case code (mã hồ sơ).")
    state: CaseState = field("How far it is (trạng thái hồ sơ).")
    received_on: PartialDate | None = field("Day the case was received (ngày tiếp nhận).")
    expected_on: PartialDate | None = field("The day it is promised for: while it is pending, the estimate (ngày hẹn trả).")
    reason: RefusalReason | None = field("With a case that has failed, why (lý do từ chối).")
    event: CivilStatusEvent | None = link(
        event_by_case, key=_finished, description="What was registered; null until the case is ready (sự kiện hộ tịch)."
    )
    provenance: Provenance | None = provenance()
