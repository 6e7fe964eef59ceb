"""Tax: a person, a business or a branch as a taxpayer."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.seam import Subject, field, link
from resolvers.business import business_by_code
from resolvers.identifiers import BusinessCode, PersonalId, TaxCode
from resolvers.population import citizen_by_id
from resolvers.tax import TaxpayerKind, TaxpayerRecord, TaxpayerStatus
from resolvers.values import Money, PartialDate
from schema.marks import BASIC, HIDDEN, INITIALS, LAST_FOUR, SENSITIVE, TAX_SCOPE, TAX_SECRECY
from schema.provenance import Provenance, provenance

if TYPE_CHECKING:
    from schema.business import Business
    from schema.citizen import Citizen

TaxpayerKindType = strawberry.enum(TaxpayerKind, name="TaxpayerKind", description="What pays (loại người nộp thuế).")
TaxpayerStatusType = strawberry.enum(TaxpayerStatus, name="TaxpayerStatus", description="Standing with the tax authority (trạng thái).")
PERSON_DIGITS = 12


def _business(taxpayer: TaxpayerRecord) -> BusinessCode | None:
    """Take a business by its own code, a branch by that of its parent; a person has none."""
    return None if len(taxpayer.tax_code) == PERSON_DIGITS else BusinessCode(taxpayer.tax_code[:10])


def _citizen(taxpayer: TaxpayerRecord) -> PersonalId | None:
    return PersonalId(taxpayer.tax_code) if len(taxpayer.tax_code) == PERSON_DIGITS else None


@strawberry.type(description="The tax office in charge (cơ quan thuế quản lý).")
class TaxOffice:
    """A tax office."""

    code: str = field("Code (mã cơ quan thuế).")
    name: str | None = field("Name (tên cơ quan thuế).")


@strawberry.type(description="A taxpayer (người nộp thuế).", directives=[BASIC, Subject(field="taxCode")])
class Taxpayer:
    """A taxpayer."""

    tax_code: TaxCode = field("Tax code (mã số thuế).", marks=(LAST_FOUR,))
    name: str = field("Name (tên người nộp thuế).", marks=(INITIALS,))
    kind: TaxpayerKind = field("Person, business or branch (loại người nộp thuế).")
    status: TaxpayerStatus = field("Standing (trạng thái).")
    tax_office: TaxOffice | None = field("Office in charge (cơ quan thuế quản lý).", marks=(HIDDEN,))
    debt: Money | None = field("Tax owed (nợ thuế).", marks=(SENSITIVE, TAX_SCOPE, HIDDEN))
    overpaid: Money | None = field("Tax paid in excess (số tiền nộp thừa).", marks=(SENSITIVE, TAX_SCOPE, HIDDEN))
    period: PartialDate | None = field("Last period that was settled (kỳ quyết toán).")
    taxable_income: Money | None = field(
        "Taxable income of that period (thu nhập chịu thuế).", marks=(SENSITIVE, TAX_SCOPE, TAX_SECRECY, HIDDEN)
    )
    registered_on: PartialDate | None = field("Day of registration (ngày cấp).")
    citizen: Annotated["Citizen", strawberry.lazy("schema.citizen")] | None = link(
        citizen_by_id, key=_citizen, description="The person, where the taxpayer is one (công dân)."
    )
    business: Annotated["Business", strawberry.lazy("schema.business")] | None = link(
        business_by_code, key=_business, description="The business, for a branch its parent (doanh nghiệp)."
    )
    provenance: Provenance | None = provenance()
