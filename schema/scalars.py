"""The scalars: identifiers, partial dates and money, each checked before any call is made."""

from collections.abc import Callable
from typing import Any

import strawberry
from strawberry.types.scalar import ScalarDefinition

from graph.seam import BadInput
from resolvers.identifiers import BusinessCode, CaseId, CommuneCode, InsuranceNumber, OldIdNumber, PersonalId, ProvinceCode, TaxCode
from resolvers.values import Money, PartialDate


def _checked(parse: Callable[[str], Any]) -> Callable[[object], Any]:
    """Refuse what is not a string before it is parsed, in words that do not quote it."""

    def parsed(value: object) -> Any:
        if not isinstance(value, str):
            message = "expected a string"
            raise BadInput(message)
        return parse(value)

    return parsed


def _scalar(kind: Any, description: str) -> ScalarDefinition:
    # A scalar is a string already when it stands in a record, so it is written as it is.
    made: ScalarDefinition = strawberry.scalar(name=kind.__name__, description=description, serialize=str, parse_value=_checked(kind.parse))
    return made


SCALARS: dict[object, ScalarDefinition] = {
    kind: _scalar(kind, description)
    for kind, description in {
        PersonalId: "Personal identification number (số định danh cá nhân): 12 digits with place, century and gender, and birth year.",
        OldIdNumber: "Number of the id card before 2016 (số chứng minh nhân dân): 9 digits; one person may have had several.",
        BusinessCode: "Enterprise code (mã số doanh nghiệp): 10 digits, the last one a check digit.",
        TaxCode: "Tax code (mã số thuế): 10 digits for a business, 12 for a person (the personal id), 10-3 for a branch.",
        InsuranceNumber: "Social insurance number (mã số bảo hiểm xã hội): 10 digits.",
        ProvinceCode: "Province code (mã tỉnh): 2 digits.",
        CommuneCode: "Commune code (mã xã): 5 digits, never given again, so that ended communes keep theirs.",
        CaseId: "Case code (mã hồ sơ): agency id, date and serial, as in G22.99-260115-0001.",
        PartialDate: "A date that may be known only in part: 1985-02-14, 1985-02 or 1985.",
        Money: "An amount in dong as a decimal string, such as 5000000000 or 1234.5.",
    }.items()
}
