"""Social insurance books of the simulated world: who has one, and the months and employers in it."""

from typing import Final

from sandbox.codes import INSURANCE_PREFIX, RESERVED_SERIALS, is_insurance_number
from sandbox.companies import COMPANIES, Companies
from sandbox.families import PEOPLE
from sandbox.households import Households
from sandbox.mixing import Shuffle, Stream
from sandbox.people import Card, People
from sandbox.records import TODAY, Birth, Book, Period

PAYING, PAUSED, PENSIONER, CLOSED = range(1, 5)

_SERIALS: Final = 100_000_000 - RESERVED_SERIALS
_FIRST_YEAR: Final = 1995
_THIS_YEAR: Final = TODAY.year - 1


class Books:
    """Books by the index of their holder or by number."""

    def __init__(self, seed: int, people: People, companies: Companies, households: Households) -> None:
        self._people = people
        self._companies = companies
        self._households = households
        self._draws = Stream(seed, "insurance")
        self._employers = Stream(seed, "employer")
        self._serials = Shuffle(_SERIALS, Stream(seed, "book"))

    def number(self, index: int) -> str:
        """Return the insurance number a person would have."""
        return f"{INSURANCE_PREFIX}{RESERVED_SERIALS + self._serials.place(index):08d}"

    def index(self, number: str) -> int | None:
        """Return the person whose book has this number, None when there is no such book."""
        if not is_insurance_number(number) or not number.startswith(INSURANCE_PREFIX):
            return None
        serial = int(number[2:]) - RESERVED_SERIALS
        index = self._serials.index(serial) if serial >= 0 else PEOPLE
        return index if self._people.families.exists(index) and self.status(index) else None

    def status(self, index: int) -> int:
        """Return 1 paying, 2 paused, 3 pensioner, 4 closed by death, 0 for people without a book."""
        age = _THIS_YEAR - self._people.families.year(index)
        chance = self._draws.at(index) % 100
        if age <= 18:
            return 0
        if self._people.families.died(index):
            return CLOSED if chance < 40 else 0
        if age > 60:
            return PENSIONER if chance < 45 else 0
        return (PAYING if chance < 66 else PAUSED) if chance < 78 else 0

    def book(self, index: int) -> Book | None:
        """Return a person's book with its periods, None for people without one."""
        status = self.status(index)
        if not status:
            return None
        card = self._people.card(index)
        bits = self._draws.at(index) // 100
        periods = self._periods(card, status, bits)
        last = periods[-1] if periods and status == PAYING else None
        home = self._households.home(index)
        return Book(
            self.number(index),
            card.personal_id,
            card.full_name,
            card.old_id if card.birth.year < 1975 and bits & 1 else "",
            Birth(card.birth.year, card.birth.month) if card.birth.year < 1970 and bits % 50 == 0 else card.birth,
            card.gender,
            home.code() if home else "",
            status,
            sum(_months(period) for period in periods),
            last.employer if last else "",
            last.salary if last else None,
            periods,
        )

    def _periods(self, card: Card, status: int, bits: int) -> tuple[Period, ...]:
        bits, start = divmod(bits // 50, 4)
        bits, jobs = divmod(bits, 4)
        first = max(_FIRST_YEAR, card.birth.year + 19 + start)
        death = self._people.families.died(card.person)
        end = min(card.birth.year + 60, _THIS_YEAR, death.year - 1 if death else _THIS_YEAR)
        if first > end:
            # Too old for the register of contributions that began in 1995, or too young to have finished a year.
            return (Period(f"{end}07", "", self._employer(card.person, 0, end), 5_000_000),) if status == PAYING else ()
        edges = [first + (end - first) * job // (jobs + 1) for job in range(jobs + 1)] + [end]
        periods = [self._period(card.person, job, (edges[job], edges[job + 1]), bits) for job in range(jobs + 1)]
        if status == PAYING:
            periods[-1] = periods[-1]._replace(last="")
        return tuple(period for period in periods if not period.last or period.first <= period.last)

    def _period(self, index: int, job: int, years: tuple[int, int], bits: int) -> Period:
        first, last = years
        salary = (4_000 + bits % 4_000 + 150 * max(0, first - 2005)) // 10 * 10_000
        return Period(f"{first}{'01' if job == 0 else '07'}", f"{last}05", self._employer(index, job, first), salary)

    def _employer(self, index: int, job: int, year: int) -> str:
        """Return the code of a business that existed by then; empty for those insured without an employer."""
        draws = self._employers.at(index * 4 + job)
        for _ in range(3):
            draws, company = divmod(draws, COMPANIES)
            code = self._companies.code(company)
            if code and self._companies.signers(company).founded.year < year:
                return code
        return ""


def _months(period: Period) -> int:
    last = period.last or f"{_THIS_YEAR}12"
    return max(0, (int(last[:4]) - int(period.first[:4])) * 12 + int(last[4:]) - int(period.first[4:]) + 1)
