"""Civil status of the simulated world: births and marriages since 1990, deaths, cases under way, and the way back from a case id."""

from datetime import date, timedelta
from typing import Final

from sandbox.citizens import Citizens
from sandbox.codes import RESERVED_SERIALS
from sandbox.families import COUPLES, PEOPLE
from sandbox.mixing import Shuffle, Stream
from sandbox.people import People
from sandbox.places import Places
from sandbox.records import DONE, PROCESSING, RECEIVED, REFUSED, TODAY, Case, Event, Party

_FIRST_YEAR: Final = 1990
_SERIALS: Final = 1_000_000 - RESERVED_SERIALS
_GROUPS: Final = 3
_FIRST_CASE: Final = PEOPLE + COUPLES + PEOPLE
UNDER_WAY: Final = 100_000
"""So many cases of the last weeks have led to no event: applications to correct or to copy an entry, late registrations."""

REFUSALS: Final = ("THIEU_GIAY_TO", "KHONG_DU_DIEU_KIEN", "SAI_THONG_TIN")
_OFFICE: Final = "G22.99"
"""There are more events than six-digit serials, so the day of a case, counted modulo three, carries the rest."""


def case_id(received: date, serial: int) -> str:
    """Write a case id: office, day of receipt and six digits."""
    return f"{_OFFICE}-{received:%y%m%d}-{serial:06d}"


def is_case_id(text: str) -> bool:
    """Say whether a text has the form of a case id, with a real date."""
    return _received(text) is not None


def _received(text: str) -> date | None:
    office, _, rest = text.partition("-")
    day, _, serial = rest.partition("-")
    if office != _OFFICE or len(day) != 6 or len(serial) != 6 or not (day + serial).isascii() or not (day + serial).isdigit():
        return None
    year = int(day[:2])
    try:
        return date(2000 + year if year < 90 else 1900 + year, int(day[2:4]), int(day[4:]))
    except ValueError:
        return None


def done(event: Event) -> Case:
    """Return the case that led to an event; it was ready on the day of the entry, as promised."""
    return Case(event.case_id, DONE, event.received, event.registered)


class Events:
    """Events by person or by case id. Each has a number: births first, then marriages, then deaths; then come the cases under way."""

    def __init__(self, seed: int, people: People, citizens: Citizens, places: Places) -> None:
        self._people = people
        self._families = people.families
        self._citizens = citizens
        self._places = places
        self._draws = Stream(seed, "event")
        self._case_draws = Stream(seed, "under way")
        self._serials = Shuffle(_SERIALS * _GROUPS, Stream(seed, "case"))

    def of_person(self, index: int) -> list[Event]:
        """Return the events in which a person is child, spouse or deceased."""
        couple = self._families.couple_of(index)
        numbers = (index, None if couple is None else PEOPLE + couple.number, PEOPLE + COUPLES + index)
        events = (self._event(number) for number in numbers if number is not None)
        return [event for event in events if event]

    def event(self, case: str) -> Event | None:
        """Return the event with this case id, None when there is none."""
        number = self._number(case)
        event = None if number is None else self._event(number)
        return event if event and event.case_id == case else None

    def case(self, case: str) -> Case | None:
        """Return the case with this id: one that led to an event, or one under way; None when there is none."""
        if event := self.event(case):
            return done(event)
        at = (self._number(case) or 0) - _FIRST_CASE
        found = self.under_way(at) if 0 <= at < UNDER_WAY else None
        return found if found and found.case_id == case else None

    def under_way(self, at: int) -> Case:
        """Return a case of the last weeks that has led to no event, by its place below UNDER_WAY: half of them are being worked on."""
        number = _FIRST_CASE + at
        bits, state = divmod(self._case_draws.at(number), 4)
        bits, days = divmod(bits, 9)
        group, serial = divmod(self._serials.place(number), _SERIALS)
        received = TODAY - timedelta(days=4 + days)
        received += timedelta(days=(group - received.toordinal()) % _GROUPS)
        case = case_id(received, RESERVED_SERIALS + serial)
        if state == 0:
            return Case(case, RECEIVED, received, None)
        if state == 1:
            return Case(case, REFUSED, received, received + timedelta(days=7), REFUSALS[bits % len(REFUSALS)])
        return Case(case, PROCESSING, received, TODAY + timedelta(days=1 + bits % 12))

    def _number(self, case: str) -> int | None:
        """Return the number that a case id is made of; None for one that is not, or belongs to the personas."""
        received = _received(case)
        serial = int(case[-6:]) - RESERVED_SERIALS if received else -1
        if received is None or serial < 0:
            return None
        return self._serials.index(received.toordinal() % _GROUPS * _SERIALS + serial)

    def _event(self, number: int) -> Event | None:
        if number < PEOPLE:
            return self._birth(number)
        if number < PEOPLE + COUPLES:
            return self._marriage(number, number - PEOPLE)
        index = number - PEOPLE - COUPLES
        return self._death(number, index) if index < PEOPLE else None

    def _birth(self, index: int) -> Event | None:
        if self._families.year(index) < _FIRST_YEAR:
            return None
        card = self._people.card(index)
        parties = [Party("NguoiDuocKhaiSinh", card.full_name, card.personal_id)]
        for role, parent in zip(("Cha", "Me"), self._families.parents(index) or (), strict=False):
            parties.append(self._party(role, parent))
        place = self._citizens.birth_place(index).commune
        return self._filed(index, "KS", date(*card.birth), place, tuple(parties))

    def _marriage(self, number: int, couple_number: int) -> Event | None:
        couple = self._families.couple(couple_number)
        if couple is None or couple.married.year < _FIRST_YEAR:
            return None
        parties = (self._party("Chong", couple.husband), self._party("Vo", couple.wife))
        return self._filed(number, "KH", couple.married, None, parties)._replace(divorced=couple.divorced)

    def _death(self, number: int, index: int) -> Event | None:
        died = self._families.died(index) if self._families.exists(index) else None
        if died is None or died.year < _FIRST_YEAR:
            return None
        return self._filed(number, "KT", died, None, (self._party("NguoiChet", index),))._replace(died=died)

    def _party(self, role: str, index: int) -> Party:
        card = self._people.card(index)
        return Party(role, card.full_name, card.personal_id)

    def _filed(self, number: int, module: str, day: date, commune: str | None, parties: tuple[Party, ...]) -> Event:
        """File an event some days after it happened, on a day that carries the group of its serial."""
        bits = self._draws.at(number)
        group, serial = divmod(self._serials.place(number), _SERIALS)
        received = min(day + timedelta(days=3 + bits % 40), TODAY - timedelta(days=8))
        received = max(received, day)
        received += timedelta(days=(group - received.toordinal()) % _GROUPS)
        registered = min(received + timedelta(days=bits // 7 % 4), TODAY - timedelta(days=1))
        office = commune or self._places.living[bits // 40 % len(self._places.living)]
        case = case_id(received, RESERVED_SERIALS + serial)
        return Event(case, module, number, office, received, registered, parties)
