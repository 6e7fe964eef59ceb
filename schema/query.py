"""The root: what a query can begin with."""

from typing import Annotated

import strawberry

from graph.seam import BadInput, link, link_each
from resolvers.business import business_by_code
from resolvers.civil_status import civil_status_case_by_id, event_by_case
from resolvers.code_lists import commune_by_code, province_by_code, provinces
from resolvers.identifiers import BusinessCode, CaseId, CommuneCode, InsuranceNumber, PersonalId, ProvinceCode, TaxCode
from resolvers.insurance import book_by_number
from resolvers.population import Claim, citizen_by_id, verification
from resolvers.tax import taxpayer_by_code
from resolvers.values import PartialDate, bare, composed
from schema.business import Business
from schema.citizen import Citizen, Verification
from schema.civil_status import CivilStatusCase, CivilStatusEvent
from schema.insurance import InsuranceBook
from schema.marks import ONE_A_CALL, about, as_many_as
from schema.places import Commune, Province
from schema.tax import Taxpayer

MOST_AT_ONCE = 1_000
LONGEST_NAME = 200
PROVINCES = "donvihanhchinhcap1"


def _argument(description: str) -> object:
    return strawberry.argument(description=description)


def _id(_root: None, id: Annotated[PersonalId, _argument("Personal id (số định danh).")]) -> PersonalId:  # noqa: A002 - the argument's name
    return id


def _ids(_root: None, ids: Annotated[list[PersonalId], _argument("Personal ids, at most 1,000 (các số định danh).")]) -> list[PersonalId]:
    return ids


def _code(_root: None, code: Annotated[BusinessCode, _argument("Enterprise code (mã số doanh nghiệp).")]) -> BusinessCode:
    return code


def _codes(
    _root: None, codes: Annotated[list[BusinessCode], _argument("Enterprise codes, at most 1,000 (các mã số).")]
) -> list[BusinessCode]:
    return codes


def _tax_code(_root: None, code: Annotated[TaxCode, _argument("Tax code of 10, 12 or 13 digits (mã số thuế).")]) -> TaxCode:
    return code


def _number(_root: None, number: Annotated[InsuranceNumber, _argument("Insurance number (mã số bảo hiểm xã hội).")]) -> InsuranceNumber:
    return number


def _case(_root: None, case_id: Annotated[CaseId, _argument("Case code (mã hồ sơ).")]) -> CaseId:
    return case_id


def _commune(_root: None, code: Annotated[CommuneCode, _argument("Commune code, living or ended (mã xã).")]) -> CommuneCode:
    return code


def _province(_root: None, code: Annotated[ProvinceCode, _argument("Province code, living or ended (mã tỉnh).")]) -> ProvinceCode:
    return code


def _province_list(_root: None) -> str:
    return PROVINCES


def _claim(
    _root: None,
    id: Annotated[PersonalId, _argument("Personal id (số định danh).")],  # noqa: A002 - the argument's name
    full_name: Annotated[str, _argument("Full name, with or without accents (họ và tên).")],
    birth_date: Annotated[PartialDate, _argument("Birth date, or only the year for a person registered so (ngày sinh).")],
) -> Claim:
    name = composed(full_name)
    if not any(letter.isalpha() for letter in bare(name)) or len(name) > LONGEST_NAME:
        raise BadInput(f"fullName: expected a name of 1 to {LONGEST_NAME} letters")
    if len(birth_date) not in {len("yyyy"), len("yyyy-mm-dd")}:
        raise BadInput("birthDate: expected a whole date or only a year, because service 037 compares nothing else")
    return Claim(id, name, birth_date)


@strawberry.type(description="Where a query begins (truy vấn).")
class Query:
    """The root of all queries."""

    citizen: Citizen | None = link(citizen_by_id, key=_id, description="A person by personal id (công dân theo số định danh).")
    citizens: list[Citizen | None] | None = link_each(
        citizen_by_id,
        keys=_ids,
        at_most=MOST_AT_ONCE,
        description="People by personal id, in the order of the ids; null for one that does not exist (nhiều công dân).",
        marks=(as_many_as("ids"),),
    )
    verify_citizen: Verification | None = link(
        verification,
        key=_claim,
        description="Whether an id, a name and a birth date belong together, by the population database's service 037 (xác thực công dân).",
        marks=(ONE_A_CALL,),
    )
    business: Business | None = link(business_by_code, key=_code, description="A business by code (doanh nghiệp theo mã số).")
    businesses: list[Business | None] | None = link_each(
        business_by_code,
        keys=_codes,
        at_most=MOST_AT_ONCE,
        description="Businesses by code, in the order of the codes; null for one that does not exist (nhiều doanh nghiệp).",
        marks=(as_many_as("codes"),),
    )
    taxpayer: Taxpayer | None = link(taxpayer_by_code, key=_tax_code, description="A taxpayer by tax code (người nộp thuế theo mã số).")
    insurance_book: InsuranceBook | None = link(
        book_by_number, key=_number, description="An insurance book by number (sổ bảo hiểm theo mã số)."
    )
    civil_status_event: CivilStatusEvent | None = link(
        event_by_case, key=_case, description="A civil status event by case code (sự kiện hộ tịch theo mã hồ sơ)."
    )
    civil_status_case: CivilStatusCase | None = link(
        civil_status_case_by_id, key=_case, description="How far a civil status case is, by case code (trạng thái hồ sơ hộ tịch)."
    )
    commune: Commune | None = link(commune_by_code, key=_commune, description="A commune by code (xã, phường theo mã).")
    province: Province | None = link(province_by_code, key=_province, description="A province by code (tỉnh theo mã).")
    provinces: list[Province] | None = link(
        provinces, key=_province_list, description="All provinces, living and ended (danh sách tỉnh).", marks=(about(100),)
    )
