"""Citizens: a person, their family, household, insurance, tax, civil status and the businesses that they represent."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.seam import Subject, field, link
from resolvers import population
from resolvers.business import businesses_by_representative
from resolvers.civil_status import events_by_person
from resolvers.code_lists import ethnicity_by_code, nationality_by_code, religion_by_code
from resolvers.identifiers import OldIdNumber, PersonalId, TaxCode
from resolvers.insurance import book_by_person
from resolvers.population import Kinship, MaritalStatus, citizen_by_id, household_by_member
from resolvers.tax import taxpayer_by_code
from resolvers.values import Gender, PartialDate
from schema.marks import BASIC, CHARGED, HIDDEN, INITIALS, LAST_FOUR, ONE_A_CALL, SENSITIVE, SENSITIVE_SCOPE, YEAR, about
from schema.places import Address
from schema.provenance import Provenance, provenance

if TYPE_CHECKING:
    from schema.business import Business
    from schema.civil_status import CivilStatusEvent
    from schema.insurance import InsuranceBook
    from schema.tax import Taxpayer

GenderType = strawberry.enum(Gender, name="Gender", description="Gender as registered (giới tính).")
MaritalStatusType = strawberry.enum(MaritalStatus, name="MaritalStatus", description="Marital status as registered (tình trạng hôn nhân).")
KinshipType = strawberry.enum(Kinship, name="Kinship", description="Relation to the head of the household (quan hệ với chủ hộ).")
OutcomeType = strawberry.enum(
    population.Outcome,
    name="VerificationOutcome",
    description="What comparing a claim with the register gave (kết quả xác thực).",
)


@strawberry.type(description="A row of a shared code list (mục trong danh mục dùng chung).")
class CodeEntry:
    """A code and what it means."""

    code: str = field("The code (mã).")
    name: str = field("What it means, in Vietnamese (tên).")
    provenance: Provenance | None = provenance()


def _father(person: population.CitizenRecord) -> PersonalId | None:
    return person.father_named.personal_id if person.father_named else None


def _mother(person: population.CitizenRecord) -> PersonalId | None:
    return person.mother_named.personal_id if person.mother_named else None


def _spouse(person: population.CitizenRecord) -> PersonalId | None:
    return person.spouse_named.personal_id if person.spouse_named else None


def _tax_code(person: population.CitizenRecord) -> TaxCode:
    return TaxCode(person.personal_id)


@strawberry.type(
    description="A relative as a person's own record names them, also where they have no id (người thân).",
    directives=[BASIC, Subject(field="personalId")],
)
class Relative:
    """A named relative."""

    full_name: str | None = field("Name (họ và tên).", marks=(INITIALS,))
    personal_id: PersonalId | None = field("Personal id, where known (số định danh).", marks=(LAST_FOUR,))
    nationality_code: str | None = field("Two letters of the nationality (quốc tịch).")


@strawberry.type(
    description="The head of a person's household, as the person's own record names them (chủ hộ).",
    directives=[BASIC, Subject(field="personalId")],
)
class HouseholdHead:
    """The named head of a household."""

    relation: Kinship = field("What this person is to the head (quan hệ với chủ hộ).")
    full_name: str | None = field("Name (họ và tên).", marks=(INITIALS,))
    personal_id: PersonalId | None = field("Personal id (số định danh).", marks=(LAST_FOUR,))
    citizen: Annotated["Citizen", strawberry.lazy("schema.citizen")] | None = link(
        citizen_by_id,
        key="personal_id",
        proves="personal_id",
        description="The head's own record (thông tin chủ hộ).",
    )


@strawberry.type(description="A member of a household (thành viên hộ gia đình).", directives=[BASIC, Subject(field="personalId")])
class HouseholdMember:
    """A member of a household."""

    full_name: str = field("Name (họ và tên).", marks=(INITIALS,))
    personal_id: PersonalId = field("Personal id (số định danh).", marks=(LAST_FOUR,))
    relation: Kinship = field("Relation to the head (quan hệ với chủ hộ).")
    citizen: Annotated["Citizen", strawberry.lazy("schema.citizen")] | None = link(
        citizen_by_id,
        key="personal_id",
        proves="personal_id",
        description="The member's own record (thông tin công dân).",
    )


@strawberry.type(
    description="A household: people who live together and are registered so (hộ gia đình).",
    directives=[BASIC, Subject(field="members.personalId")],
)
class Household:
    """A household."""

    code: str = field("Household code (mã hộ).", marks=(LAST_FOUR,))
    address: Address | None = field("Where it lives (địa chỉ).", marks=(HIDDEN,))
    members: list[HouseholdMember] = field("Its members, the head among them (thành viên).", marks=(about(8),))
    provenance: Provenance | None = provenance()


@strawberry.type(description="A person in the national population database (công dân).", directives=[BASIC, Subject(field="personalId")])
class Citizen:
    """A citizen."""

    personal_id: PersonalId = field("Personal id (số định danh cá nhân).", marks=(LAST_FOUR,))
    old_id_number: OldIdNumber | None = field("Number of the id card before 2016 (số chứng minh nhân dân).", marks=(LAST_FOUR, CHARGED))
    full_name: str = field("Family, middle and given name (họ, chữ đệm và tên).", marks=(INITIALS, CHARGED))
    gender: Gender = field("Gender (giới tính).", marks=(CHARGED,))
    birth_date: PartialDate | None = field("Date of birth, for some people only the year (ngày, tháng, năm sinh).", marks=(YEAR, CHARGED))
    living: bool = field("Whether the person is alive (còn sống).", name="isLiving", marks=(CHARGED,))
    marital_status: MaritalStatus | None = field("Marital status (tình trạng hôn nhân).", marks=(HIDDEN, CHARGED))
    blood_group: str | None = field("Blood group (nhóm máu).", marks=(SENSITIVE, SENSITIVE_SCOPE, HIDDEN, CHARGED))
    ethnicity_code: str | None = field("Code of the ethnicity (mã dân tộc).", marks=(SENSITIVE, SENSITIVE_SCOPE, HIDDEN, CHARGED))
    ethnicity: CodeEntry | None = link(
        ethnicity_by_code, key="ethnicity_code", description="Ethnicity (dân tộc).", marks=(SENSITIVE, SENSITIVE_SCOPE, HIDDEN)
    )
    religion_code: str | None = field("Code of the religion (mã tôn giáo).", marks=(SENSITIVE, SENSITIVE_SCOPE, HIDDEN, CHARGED))
    religion: CodeEntry | None = link(
        religion_by_code, key="religion_code", description="Religion (tôn giáo).", marks=(SENSITIVE, SENSITIVE_SCOPE, HIDDEN)
    )
    nationality_code: str | None = field("Two letters of the nationality (mã quốc tịch).", marks=(CHARGED,))
    nationality: CodeEntry | None = link(nationality_by_code, key="nationality_code", description="Nationality (quốc tịch).")
    birth_place: Address | None = field("Where the birth was registered (nơi đăng ký khai sinh).", marks=(HIDDEN, CHARGED))
    home_town: Address | None = field("Where the family comes from (quê quán).", marks=(HIDDEN, CHARGED))
    permanent_address: Address | None = field("Registered permanent residence (nơi thường trú).", marks=(HIDDEN, CHARGED))
    current_address: Address | None = field("Where the person lives now (nơi ở hiện tại).", marks=(HIDDEN, CHARGED))
    father_named: Relative | None = field("The father as this record names him (thông tin cha).", marks=(CHARGED,))
    mother_named: Relative | None = field("The mother as this record names her (thông tin mẹ).", marks=(CHARGED,))
    spouse_named: Relative | None = field("The spouse as this record names them (thông tin vợ hoặc chồng).", marks=(CHARGED,))
    father: Annotated["Citizen", strawberry.lazy("schema.citizen")] | None = link(
        citizen_by_id,
        key=_father,
        proves="personal_id",
        description="The father's own record; null without error where his id is not known (cha).",
        marks=(ONE_A_CALL,),
    )
    mother: Annotated["Citizen", strawberry.lazy("schema.citizen")] | None = link(
        citizen_by_id,
        key=_mother,
        proves="personal_id",
        description="The mother's own record; null without error where her id is not known (mẹ).",
        marks=(ONE_A_CALL,),
    )
    spouse: Annotated["Citizen", strawberry.lazy("schema.citizen")] | None = link(
        citizen_by_id, key=_spouse, proves="personal_id", description="The spouse's own record (vợ hoặc chồng).", marks=(ONE_A_CALL,)
    )
    household_code: str | None = field("Code of the household (mã hộ).", marks=(LAST_FOUR, CHARGED))
    household_head: HouseholdHead | None = field("The head of the household as this record names them (chủ hộ).", marks=(CHARGED,))
    household: Household | None = link(
        household_by_member, key="personal_id", description="The household with its members (hộ gia đình).", marks=(ONE_A_CALL,)
    )
    insurance: Annotated["InsuranceBook", strawberry.lazy("schema.insurance")] | None = link(
        book_by_person, key="personal_id", description="The social insurance book (sổ bảo hiểm xã hội)."
    )
    tax: Annotated["Taxpayer", strawberry.lazy("schema.tax")] | None = link(
        taxpayer_by_code, key=_tax_code, description="The person as a taxpayer (người nộp thuế)."
    )
    civil_status_events: list[Annotated["CivilStatusEvent", strawberry.lazy("schema.civil_status")]] | None = link(
        events_by_person,
        key="personal_id",
        description="Own birth, marriages and death as registered (sự kiện hộ tịch).",
        marks=(SENSITIVE, about(5)),
    )
    businesses: list[Annotated["Business", strawberry.lazy("schema.business")]] | None = link(
        businesses_by_representative,
        key="personal_id",
        description="Businesses that the person legally represents (doanh nghiệp do công dân đại diện theo pháp luật).",
        marks=(about(5),),
    )
    provenance: Provenance | None = provenance()


@strawberry.type(
    description="Whether an id, a name and a birth date belong together (kết quả xác thực thông tin công dân).",
    directives=[BASIC, Subject(field="personalId")],
)
class Verification:
    """The outcome of comparing a claim with the register."""

    personal_id: PersonalId = field("The id that was claimed (số định danh).")
    outcome: population.Outcome = field(
        "MATCH: all three are right. MISMATCH: the person exists, name or date is wrong. NOT_FOUND: no such person. "
        "CANNOT_SAY: the register did not answer (kết quả)."
    )
    reason: str | None = field("With CANNOT_SAY, the error code of the register's failure (lý do).")
    retryable: bool | None = field("With CANNOT_SAY, whether asking again may help (có thể thử lại).")
    provenance: Provenance | None = provenance()
