"""What the agencies of the simulated world know, before any of them writes it in its own format."""

from datetime import date
from typing import Final, NamedTuple

MALE: Final = 1
FEMALE: Final = 2

TODAY: Final = date(2026, 1, 1)
"""The day on which the simulated world stands still."""


class Birth(NamedTuple):
    """A birth date; month and day are 0 where only the year is known."""

    year: int
    month: int = 0
    day: int = 0

    def compact(self) -> str:
        """Write yyyyMMdd, with zeros for what is unknown."""
        return f"{self.year:04d}{self.month:02d}{self.day:02d}"


class Address(NamedTuple):
    """A province code, a commune code (living or ended) and the line before them."""

    province: str
    commune: str
    detail: str


class Relative(NamedTuple):
    """Somebody named in another person's record."""

    name: str
    personal_id: str
    old_id: str


class HouseholdSeat(NamedTuple):
    """A person's place in a household: what they are to its head."""

    code: str
    relation: str
    head: Relative


class Person(NamedTuple):
    """One citizen, as the population system knows them."""

    personal_id: str
    old_id: str
    surname: str
    middle: str
    given: str
    whole_name_in_given: bool
    gender: int
    ethnicity: str
    religion: str
    marital_status: int
    blood_group: str
    birth: Birth
    birth_place: Address
    home_place: Address
    permanent: Address
    current: Address
    father: Relative | None
    mother: Relative | None
    spouse: Relative | None
    seat: HouseholdSeat | None
    dead: bool
    protected: bool = False

    @property
    def full_name(self) -> str:
        """The name as it is spoken, in ordinary letters."""
        return f"{self.surname} {self.middle} {self.given}".replace("  ", " ").strip()


class HouseholdMember(NamedTuple):
    """A member of a household and what they are to its head."""

    personal_id: str
    name: str
    relation: str


class Household(NamedTuple):
    """People registered at one address; the head is the first member."""

    code: str
    address: Address
    members: tuple[HouseholdMember, ...]


class Representative(NamedTuple):
    """Somebody who signs for a business."""

    name: str
    personal_id: str
    position: str
    is_main: bool


class Owner(NamedTuple):
    """Somebody who holds a part of a business: a person, a business, or a foreigner with neither number."""

    name: str
    personal_id: str | None
    business_code: str | None
    percent: float


class Business(NamedTuple):
    """One business, as the registry knows it; activities are codes and names, the main one first."""

    code: str
    registry_number: int
    name: str
    foreign_name: str
    short_name: str
    kind: str
    status: int
    founded: date
    amended: date
    capital: int | None
    representatives: tuple[Representative, ...]
    office: Address
    activities: tuple[tuple[str, str], ...]
    owners: tuple[Owner, ...]
    branches: int


class Period(NamedTuple):
    """Months in which insurance was paid (yyyyMM); `last` is empty while it still is."""

    first: str
    last: str
    employer: str
    salary: int


class Book(NamedTuple):
    """One social insurance book with all its periods, oldest first."""

    number: str
    personal_id: str
    name: str
    old_book: str
    birth: Birth
    gender: int
    household: str
    status: int
    months: int
    employer: str
    salary: int | None
    periods: tuple[Period, ...]


class Taxpayer(NamedTuple):
    """One taxpayer: a person, a business or a branch; money in dong."""

    code: str
    name: str
    kind: str
    status: str
    province: str
    debt: int | None
    overpaid: int | None
    period: int | None
    income: int | None
    issued: date


class Party(NamedTuple):
    """A person named in a civil status event: as what, the name and the personal id."""

    role: str
    name: str
    personal_id: str


class Event(NamedTuple):
    """A birth (KS), marriage (KH) or death (KT) in the civil status register."""

    case_id: str
    module: str
    serial: int
    commune: str
    received: date
    registered: date
    parties: tuple[Party, ...]
    divorced: bool = False
    died: date | None = None


RECEIVED: Final = 1
PROCESSING: Final = 2
DONE: Final = 3
REFUSED: Final = 4


class Case(NamedTuple):
    """How far a case of the civil status register is; no day is promised (None) before somebody works on it."""

    case_id: str
    state: int
    received: date
    promised: date | None
    refusal: str = ""
