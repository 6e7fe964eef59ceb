"""Identifiers of people, businesses and places, each with the rule that it is checked by before any call is made.

All are strings as they are written on paper, so that leading zeros stay. `parse` returns the identifier or raises BadInput, whose
message says the rule and never the value. Sources of the rules are named in docs/identifiers.md.
"""

import re
from datetime import UTC, datetime
from typing import ClassVar, Self

from graph.seam import BadInput

CENTURIES = {"0": 1900, "1": 1900, "2": 2000, "3": 2000, "4": 2100, "5": 2100, "6": 2200, "7": 2200, "8": 2300, "9": 2300}
TAX_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


class Identifier(str):
    """A string of a known shape; `rule` says the shape in words."""

    __slots__ = ()
    pattern: ClassVar[re.Pattern[str]]
    rule: ClassVar[str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check and return the identifier."""
        if not cls.pattern.fullmatch(text):
            raise BadInput(f"{cls.__name__}: expected {cls.rule}")
        return cls(text)


class PersonalId(Identifier):
    """Số định danh cá nhân: 3 digits province or country of birth registration, 1 century and gender, 2 birth year, 6 serial."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{12}")
    rule = "12 digits: a province or country (not 000), a century and gender, a birth year that is not in the future, a serial"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check the shape, the place, and the year that century and year part make; there is no check digit."""
        parsed = super().parse(text)
        if parsed.startswith("000") or parsed.birth_year > datetime.now(UTC).year + 1:
            raise BadInput(f"{cls.__name__}: expected {cls.rule}")
        return parsed

    @property
    def person(self) -> str:
        """The person whom it names: this is what a purge of a person looks for."""
        return str(self)

    @property
    def birth_year(self) -> int:
        """The year of birth that the id states."""
        return CENTURIES[self[3]] + int(self[4:6])

    @property
    def is_male(self) -> bool:
        """Whether the id states a man: the fourth digit is even."""
        return int(self[3]) % 2 == 0


class TaxBody:
    """The check digit of ten-digit business and tax codes."""

    @staticmethod
    def is_right(code: str) -> bool:
        """Check the tenth digit; one in eleven bodies has none and is never issued."""
        total = sum(weight * int(digit) for weight, digit in zip(TAX_WEIGHTS, code[:9], strict=True))
        return code[2:9] != "0000000" and 10 - total % 11 == int(code[9])


class BusinessCode(Identifier):
    """Mã số doanh nghiệp, which is also the tax code of the business: 10 digits."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{10}")
    rule = "10 digits with a right check digit"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check the shape and the check digit."""
        parsed = super().parse(text)
        if not TaxBody.is_right(parsed):
            raise BadInput(f"{cls.__name__}: expected {cls.rule}")
        return parsed


class TaxCode(Identifier):
    """Mã số thuế: 10 digits for a business, 13 for a branch (10, a hyphen, 3), and since 1 July 2025 the personal id for a person."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{10}|[0-9]{12}|[0-9]{10}-?[0-9]{3}")
    rule = "10 digits (business), 12 (personal id) or 10-3 (branch), with a right check digit"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check the shape and, by its length, the check digit or the personal id; a branch code is written with its hyphen."""
        parsed = super().parse(text)
        if len(parsed) == 12:  # noqa: PLR2004 - a personal id
            return cls(PersonalId.parse(parsed))
        if not TaxBody.is_right(parsed[:10]) or (len(parsed) > 10 and parsed.endswith("000")):  # noqa: PLR2004 - a branch
            raise BadInput(f"{cls.__name__}: expected {cls.rule}")
        return cls(f"{parsed[:10]}-{parsed[-3:]}") if len(parsed) > 10 else parsed  # noqa: PLR2004 - a branch

    @property
    def person(self) -> str | None:
        """The person whom it names; None for a business or a branch."""
        return str(self) if len(self) == 12 else None  # noqa: PLR2004 - a personal id


class InsuranceNumber(Identifier):
    """Mã số bảo hiểm xã hội: 10 digits; no check rule is published."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{10}")
    rule = "10 digits"


class OldIdNumber(Identifier):
    """Số chứng minh nhân dân, the id card number before 2016: 9 digits, not unique in history."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{9}")
    rule = "9 digits"


class ProvinceCode(Identifier):
    """Mã tỉnh: two digits."""

    __slots__ = ()
    pattern = re.compile(r"(?!00)[0-9]{2}")
    rule = "2 digits, 01 to 99"


class CommuneCode(Identifier):
    """Mã xã: five digits, unique for ever, never given again."""

    __slots__ = ()
    pattern = re.compile(r"(?!00000)[0-9]{5}")
    rule = "5 digits, 00001 to 99999"


class CaseId(Identifier):
    """Mã hồ sơ: agency id, date and serial, as in G22.99-260115-0001."""

    __slots__ = ()
    pattern = re.compile(r"[A-Z][0-9A-Z.]{0,34}-[0-9]{6}-[0-9]{4,8}")
    rule = "an agency id, a date (yymmdd) and a serial, joined by hyphens"
