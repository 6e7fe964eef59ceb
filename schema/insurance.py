"""Social insurance: the book of a person, and the periods that were paid."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.seam import BadInput, Subject, field, link
from resolvers.business import business_by_code
from resolvers.identifiers import BusinessCode, InsuranceNumber, PersonalId
from resolvers.insurance import BookRecord, InsuranceStatus, YearOfBook, periods_by_year
from resolvers.population import citizen_by_id
from resolvers.values import Gender, Money, PartialDate
from schema.marks import BASIC, HIDDEN, INITIALS, LAST_FOUR, SENSITIVE, YEAR, about
from schema.provenance import Provenance, provenance

if TYPE_CHECKING:
    from schema.business import Business
    from schema.citizen import Citizen

InsuranceStatusType = strawberry.enum(
    InsuranceStatus, name="InsuranceStatus", description="Standing with social insurance (trạng thái tham gia)."
)
YEARS = range(1900, 2101)


def _periods(
    book: BookRecord,
    year: Annotated[int | None, strawberry.argument(description="Only periods that touch this year (năm).")] = None,
) -> YearOfBook:
    if year is not None and year not in YEARS:
        raise BadInput("year: expected a year from 1900 to 2100")
    return YearOfBook(book.number, year)


@strawberry.type(description="Months paid with one employer on one base (quá trình đóng bảo hiểm).", directives=[BASIC])
class InsurancePeriod:
    """A period."""

    since: PartialDate = field("First month (từ tháng).", name="from")
    until: PartialDate | None = field("Last month, null while it goes on (đến tháng).", name="to")
    salary_base: Money | None = field("Monthly pay that contributions are counted from (mức đóng).", marks=(SENSITIVE, HIDDEN))
    employer_code: BusinessCode | None = field("Code of the employer (mã đơn vị).", marks=(HIDDEN,))
    employer: Annotated["Business", strawberry.lazy("schema.business")] | None = link(
        business_by_code, key="employer_code", description="The employer (đơn vị sử dụng lao động).", marks=(HIDDEN,)
    )
    provenance: Provenance | None = provenance()


@strawberry.type(description="A social insurance book (sổ bảo hiểm xã hội).", directives=[BASIC, Subject(field="personalId")])
class InsuranceBook:
    """An insurance book."""

    number: InsuranceNumber = field("Insurance number (mã số bảo hiểm xã hội).", marks=(LAST_FOUR,))
    personal_id: PersonalId | None = field("Personal id in the book (số định danh).", marks=(LAST_FOUR,))
    full_name: str = field("Name in the book (họ tên).", marks=(INITIALS,))
    old_book_number: str | None = field("Number of the paper book before (số sổ cũ).", marks=(LAST_FOUR,))
    birth_date: PartialDate | None = field(
        "Birth date in the book, which may differ from the population database (ngày sinh).", marks=(YEAR,)
    )
    gender: Gender = field("Gender in the book (giới tính).")
    household_code: str | None = field("Household code of the insurer (mã hộ).", marks=(LAST_FOUR,))
    status: InsuranceStatus = field("Standing (trạng thái).")
    months_paid: int | None = field("Months paid in total (tổng số tháng đóng).")
    salary_base: Money | None = field("Present base (mức đóng hiện tại).", marks=(SENSITIVE, HIDDEN))
    employer_code: BusinessCode | None = field("Code of the present employer (mã đơn vị).", marks=(HIDDEN,))
    employer: Annotated["Business", strawberry.lazy("schema.business")] | None = link(
        business_by_code, key="employer_code", description="The present employer (đơn vị sử dụng lao động).", marks=(HIDDEN,)
    )
    periods: list[InsurancePeriod] | None = link(
        periods_by_year, key=_periods, description="Periods paid, the oldest first (quá trình đóng).", marks=(about(20),)
    )
    citizen: Annotated["Citizen", strawberry.lazy("schema.citizen")] | None = link(
        citizen_by_id, key="personal_id", description="The person (công dân)."
    )
    provenance: Provenance | None = provenance()
