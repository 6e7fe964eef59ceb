"""Values that every agency writes in its own way, in the one way that clients see: dates that may be known only in part, money, genders."""

import calendar
import enum
import re
import unicodedata
from decimal import Decimal
from typing import Self

from graph.seam import BadInput

PARTIAL_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
COMPACT_DATE = re.compile(r"([0-9]{4})(?:00(?:00)?|([0-9]{2})(?:00|([0-9]{2}))?)?")
MONEY = re.compile(r"-?(?:0|[1-9][0-9]{0,20})(?:\.[0-9]{1,3})?")

# Neither is an accent: names of several peoples have them (H'Hen, Y-Bhăm), and matching compares them.
INSIDE_NAMES = "'-"
PLAIN = str.maketrans("đĐ’‘ʼ", "dD'''")


class PartialDate(str):
    """A date known to the day, the month or only the year: 1985-02-14, 1985-02 or 1985. Sorts as text."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check that the day exists; BadInput says the form that was expected."""
        found = PARTIAL_DATE.fullmatch(text)
        if found is None or not _exists(*found.groups()):
            message = "PartialDate: expected a date that exists, as yyyy-mm-dd, yyyy-mm or yyyy"
            raise BadInput(message)
        return cls(text)

    @classmethod
    def compact(cls, text: str) -> Self:
        """Read yyyyMMdd, yyyyMM or yyyy, where zeros stand for what is not known (19850000)."""
        found = COMPACT_DATE.fullmatch(text)
        if found is None:
            message = "expected a date as yyyyMMdd, yyyyMM or yyyy"
            raise BadInput(message)
        return cls.parse("-".join(part for part in found.groups() if part))

    @classmethod
    def slashed(cls, text: str) -> Self:
        """Read dd/MM/yyyy, MM/yyyy or yyyy."""
        return cls.parse("-".join(reversed(text.split("/"))))


def _exists(year: str, month: str | None, day: str | None) -> bool:
    if not 1800 <= int(year) <= 2200:  # noqa: PLR2004 - no living register holds a date outside
        return False
    if month is None:
        return True
    if not 1 <= int(month) <= 12:  # noqa: PLR2004 - months
        return False
    return day is None or 1 <= int(day) <= calendar.monthrange(int(year), int(month))[1]


class Money(str):
    """An amount in Vietnamese dong as a plain decimal, such as 5000000000 or 1234.5; a string, because JSON numbers lose digits."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check the form."""
        if not MONEY.fullmatch(text):
            message = "Money: expected a decimal number as a string, with at most three decimals"
            raise BadInput(message)
        return cls(text)

    @classmethod
    def of(cls, amount: Decimal) -> Self:
        """Write a number without an exponent and without trailing zeros."""
        text = f"{amount:f}"
        return cls.parse((text.rstrip("0").rstrip(".") if "." in text else text) or "0")

    @classmethod
    def written(cls, text: str) -> Self:
        """Read a decimal string, which may carry trailing zeros."""
        if not re.fullmatch(r"-?[0-9]{1,21}(\.[0-9]{1,6})?", text):
            message = "expected an amount as a decimal string"
            raise BadInput(message)
        return cls.of(Decimal(text))


class Gender(enum.Enum):
    """Gender as registered."""

    MALE = "MALE"
    FEMALE = "FEMALE"
    OTHER = "OTHER"
    UNKNOWN = "UNKNOWN"


GENDER_123 = {"1": Gender.MALE, "2": Gender.FEMALE, "3": Gender.OTHER}


def gender_123(code: str) -> Gender:
    """Read the codes of the population and insurance systems: 1 male, 2 female, 3 other."""
    return GENDER_123.get(code, Gender.UNKNOWN)


def yes_no(text: str) -> bool:
    """Read "Y" and "N"."""
    if text not in {"Y", "N"}:
        message = "expected Y or N"
        raise BadInput(message)
    return text == "Y"


def composed(text: str) -> str:
    """Bring a name to the one Unicode form (NFC) and single spaces in which names are stored and compared."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def bare(text: str) -> str:
    """Strip a name to what matching compares: upper case, without accents and spaces (NGUYENVANTHU, H'HENNIE)."""
    plain = unicodedata.normalize("NFD", text.translate(PLAIN))
    return "".join(letter for letter in plain.upper() if "A" <= letter <= "Z" or letter in INSIDE_NAMES)
