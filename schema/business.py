"""Businesses: a firm, where it sits, what it does, who owns it and who may sign for it."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.seam import Subject, field, link
from resolvers.business import ActivityRecord, BusinessRecord, BusinessStatus, BusinessType, business_by_code
from resolvers.code_lists import commune_by_business_registry_code, section_by_division
from resolvers.identifiers import BusinessCode, PersonalId, TaxCode
from resolvers.population import citizen_by_id
from resolvers.tax import taxpayer_by_code
from resolvers.values import Money, PartialDate
from schema.marks import BASIC, INITIALS, LAST_FOUR, about
from schema.places import Commune
from schema.provenance import Provenance, provenance

if TYPE_CHECKING:
    from schema.citizen import Citizen
    from schema.tax import Taxpayer

BusinessTypeType = strawberry.enum(BusinessType, name="BusinessType", description="Legal form (loại hình doanh nghiệp).")
BusinessStatusType = strawberry.enum(
    BusinessStatus, name="BusinessStatus", description="Whether the business operates (tình trạng hoạt động)."
)


def _tax_code(business: BusinessRecord) -> TaxCode:
    return TaxCode(business.code)


def _division(activity: ActivityRecord) -> str:
    return activity.code[:2]


@strawberry.type(description="The head office; the registry numbers places its own way, the shared code lists translate (trụ sở chính).")
class HeadOffice:
    """A head office."""

    text: str | None = field("The whole address (địa chỉ đầy đủ).")
    source_ward: str | None = field("The registry's own number of the commune (mã xã của hệ thống nguồn).", name="sourceCode")
    commune: Commune | None = link(commune_by_business_registry_code, key="source_ward", description="The commune (xã, phường).")


@strawberry.type(description="A section of the classification of economic activities (ngành kinh tế cấp 1).")
class IndustrySection:
    """A section."""

    code: str = field("Letter A to V (mã ngành cấp 1).")
    name: str = field("Name (tên ngành).")
    version: str = field("Edition of the classification (phiên bản).")
    provenance: Provenance | None = provenance()


@strawberry.type(description="A registered line of business (ngành, nghề kinh doanh).")
class BusinessActivity:
    """An activity."""

    code: str = field("Code of four or five digits (mã ngành).", name="vsic")
    name: str = field("Name (tên ngành).")
    is_main: bool = field("Whether it is the main one (ngành chính).")
    section: IndustrySection | None = link(section_by_division, key=_division, description="The section that it belongs to (ngành cấp 1).")


@strawberry.type(
    description="A person who may sign for a business (người đại diện theo pháp luật).", directives=[BASIC, Subject(field="personalId")]
)
class LegalRepresentative:
    """A legal representative."""

    full_name: str = field("Name as registered (họ và tên).", marks=(INITIALS,))
    personal_id: PersonalId | None = field("Personal id; null for a foreigner without one (số định danh).", marks=(LAST_FOUR,))
    position: str | None = field("Position (chức danh).")
    is_main: bool = field("Whether this is the first representative (người đại diện chính).")
    citizen: Annotated["Citizen", strawberry.lazy("schema.citizen")] | None = link(
        citizen_by_id, key="personal_id", description="The person's own record (công dân)."
    )


@strawberry.type(
    description="A member or founding shareholder: a person or another business (thành viên, cổ đông).",
    directives=[BASIC, Subject(field="personalId", unless="businessCode")],
)
class BusinessMember:
    """A member."""

    name: str = field("Name (tên thành viên).", marks=(INITIALS,))
    share_percent: float | None = field("Share of the capital in percent (tỷ lệ vốn góp).")
    personal_id: PersonalId | None = field("Personal id, where the member is a citizen (số định danh).", marks=(LAST_FOUR,))
    business_code: BusinessCode | None = field("Enterprise code, where the member is a business (mã số doanh nghiệp).")
    citizen: Annotated["Citizen", strawberry.lazy("schema.citizen")] | None = link(
        citizen_by_id, key="personal_id", description="The person, where the member is a citizen (công dân)."
    )
    business: Annotated["Business", strawberry.lazy("schema.business")] | None = link(
        business_by_code, key="business_code", description="The business, where the member is one (doanh nghiệp)."
    )


@strawberry.type(description="A business in the national register (doanh nghiệp).")
class Business:
    """A business."""

    code: BusinessCode = field("Enterprise code, also the tax code (mã số doanh nghiệp).")
    registry_number: str | None = field("The registry's internal number, not the tax code (mã nội bộ).")
    name: str = field("Name (tên doanh nghiệp).")
    foreign_name: str | None = field("Name in a foreign language (tên nước ngoài).")
    short_name: str | None = field("Short name (tên viết tắt).")
    type: BusinessType = field("Legal form (loại hình).")
    status: BusinessStatus = field("Whether it operates (tình trạng).")
    founded_on: PartialDate | None = field("Day of first registration (ngày thành lập).")
    last_amended_on: PartialDate | None = field("Day of the last change (ngày thay đổi gần nhất).")
    charter_capital: Money | None = field("Charter capital (vốn điều lệ).")
    head_office: HeadOffice | None = field("Head office (trụ sở chính).")
    activities: list[BusinessActivity] = field("Registered lines of business (ngành, nghề).", marks=(about(20),))
    members: list[BusinessMember] = field("Members or founding shareholders (thành viên, cổ đông).", marks=(about(5),))
    legal_representatives: list[LegalRepresentative] = field("Who may sign for it (người đại diện theo pháp luật).", marks=(about(2),))
    tax: Annotated["Taxpayer", strawberry.lazy("schema.tax")] | None = link(
        taxpayer_by_code, key=_tax_code, description="The business as a taxpayer (người nộp thuế)."
    )
    provenance: Provenance | None = provenance()
