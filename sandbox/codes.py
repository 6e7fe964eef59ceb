"""The written form of every number in the simulated world: personal ids, business codes, insurance numbers."""

from typing import Final

PERSON_PREFIX: Final = "099"
BUSINESS_PREFIX: Final = "99"
INSURANCE_PREFIX: Final = "99"
RESERVED_SERIALS: Final = 1000
"""Serial numbers below this belong to the documented personas; computed people and businesses start above."""

_WEIGHTS: Final = (31, 29, 23, 19, 17, 13, 7, 5, 3)


def personal_id(year: int, serial: int, *, female: bool) -> str:
    """Write a personal id: prefix, century and gender in one digit, two digits of the year, six of serial."""
    return f"{PERSON_PREFIX}{(year // 100 - 19) * 2 + female}{year % 100:02d}{serial:06d}"


def check_digit(body: str) -> int | None:
    """Return the tenth digit of a business code, or None for a body that is never issued."""
    rest = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, body, strict=True)) % 11
    return 10 - rest if rest else None


def business_code(serial: int) -> str | None:
    """Write a business code from its serial, or None where the check digit leaves a hole."""
    body = f"{BUSINESS_PREFIX}{serial:07d}"
    digit = check_digit(body)
    return None if digit is None else f"{body}{digit}"


def is_personal_id(text: str) -> bool:
    """Accept twelve digits; there is no check digit in a personal id."""
    return len(text) == 12 and _digits(text)


def is_business_code(text: str) -> bool:
    """Accept ten digits of which the last is the right check digit."""
    return len(text) == 10 and _digits(text) and check_digit(text[:9]) == int(text[9])


def is_branch_code(text: str) -> bool:
    """Accept the business code of the parent, a hyphen and three digits from 001 on."""
    parent, hyphen, number = text.partition("-")
    return hyphen == "-" and is_business_code(parent) and len(number) == 3 and _digits(number) and number != "000"


def is_tax_code(text: str) -> bool:
    """Accept a business, one of its branches, or a person under the personal id."""
    return is_business_code(text) or is_personal_id(text) or is_branch_code(text)


def is_insurance_number(text: str) -> bool:
    """Accept ten digits; no check digit has been published."""
    return len(text) == 10 and _digits(text)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
