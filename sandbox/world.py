"""The one door to the simulated world: every record any agency holds, found by its number."""

from sandbox import persona_people, persona_records
from sandbox.books import Books
from sandbox.citizens import Citizens
from sandbox.codes import is_branch_code, is_personal_id
from sandbox.companies import Companies
from sandbox.events import Events, done
from sandbox.families import Families
from sandbox.households import Households
from sandbox.people import People
from sandbox.places import Places, load_places
from sandbox.records import Book, Business, Case, Event, Household, Person, Taxpayer
from sandbox.taxpayers import Taxpayers

_CENTRAL_ROLES = {"NguoiDuocKhaiSinh", "Chong", "Vo", "NguoiChet"}


class World:
    """The personas first, then the computed million; nothing is stored for any of the latter."""

    def __init__(self, seed: int) -> None:
        self.places: Places = load_places()
        families = Families(seed)
        self.people = People(seed, families)
        self.households = Households(seed, self.people, self.places)
        self.citizens = Citizens(seed, self.people, self.households, self.places)
        self.companies = Companies(seed, self.people, self.places)
        self.books = Books(seed, self.people, self.companies, self.households)
        self.taxpayers = Taxpayers(seed, self.people, self.companies, self.books, self.places)
        self.events = Events(seed, self.people, self.citizens, self.places)

    def person(self, personal_id: str) -> Person | None:
        """Return a citizen, None when the population system knows nobody of this number."""
        if persona := persona_people.PEOPLE.get(personal_id):
            return persona
        index = self.people.index(personal_id)
        return None if index is None else self.citizens.person(index)

    def household(self, personal_id: str) -> Household | None:
        """Return the household of a living person."""
        if persona := persona_people.HOUSEHOLDS.get(personal_id):
            return persona
        index = self.people.index(personal_id)
        return None if index is None else self.households.household(index)

    def business(self, code: str) -> Business | None:
        """Return a business."""
        if persona := persona_records.BUSINESSES.get(code):
            return persona
        company = self.companies.index(code)
        return None if company is None else self.companies.business(company)

    def businesses_represented_by(self, personal_id: str) -> list[Business]:
        """Return the businesses a person signs for, none for someone unknown."""
        personas = persona_records.BUSINESSES.values()
        found = [business for business in personas if any(one.personal_id == personal_id for one in business.representatives)]
        index = self.people.index(personal_id)
        codes = [] if index is None else self.companies.represented_by(index)
        return found + [business for code in codes if (business := self.business(code))]

    def book(self, personal_id: str) -> Book | None:
        """Return the insurance book of a person."""
        if persona := persona_records.BOOKS.get(personal_id):
            return persona
        index = self.people.index(personal_id)
        return None if index is None else self.books.book(index)

    def book_numbered(self, number: str) -> Book | None:
        """Return the insurance book with this number."""
        if persona := persona_records.BOOK_NUMBERS.get(number):
            return persona
        index = self.books.index(number)
        return None if index is None else self.books.book(index)

    def taxpayer(self, code: str) -> Taxpayer | None:
        """Return a person, business or branch as the tax department knows it."""
        if persona := persona_records.TAXPAYERS.get(code):
            return persona
        if is_personal_id(code):
            index = self.people.index(code)
            return None if index is None else self.taxpayers.person(index)
        business = self.business(code[:10])
        branch = int(code[11:]) if is_branch_code(code) else 0
        return None if business is None else self.taxpayers.business(business, branch)

    def events_of(self, personal_id: str) -> list[Event]:
        """Return the civil status events in which a person is child, spouse or deceased."""
        found = [
            event
            for event in persona_people.EVENTS
            if any(party.personal_id == personal_id and party.role in _CENTRAL_ROLES for party in event.parties)
        ]
        index = self.people.index(personal_id)
        return found if index is None else found + self.events.of_person(index)

    def event(self, case: str) -> Event | None:
        """Return the event with this case id."""
        persona = next((event for event in persona_people.EVENTS if event.case_id == case), None)
        return persona or self.events.event(case)

    def case(self, case: str) -> Case | None:
        """Return how far the case with this id is."""
        if persona := next((event for event in persona_people.EVENTS if event.case_id == case), None):
            return done(persona)
        return persona_people.CASES.get(case) or self.events.case(case)
