"""The computed world agrees with itself: numbers lead back, families fit both ways, dates follow one another."""

import os
import subprocess
import sys
from datetime import date
from typing import Final

import pytest

from sandbox.books import PAYING, PENSIONER
from sandbox.codes import check_digit, is_business_code, is_personal_id
from sandbox.companies import COMPANIES, DISSOLVED
from sandbox.events import is_case_id
from sandbox.families import PEOPLE
from sandbox.mixing import Shuffle, Stream
from sandbox.records import TODAY, Address, Birth, Business, Household, Person
from sandbox.world import World

FINGERPRINT: Final = "406d761c6733fbcc"
SAMPLE: Final = 3000


@pytest.fixture(scope="module")
def indices(world: World) -> list[int]:
    """Draw some thousand people evenly."""
    draws = Stream(7, "sample")
    drawn = (draws.at(number) % PEOPLE for number in range(SAMPLE))
    return [index for index in drawn if world.people.families.exists(index)]


@pytest.fixture(scope="module")
def people(world: World, indices: list[int]) -> list[Person]:
    """Look these people up."""
    return [world.citizens.person(index) for index in indices]


@pytest.fixture(scope="module")
def businesses(world: World) -> list[Business]:
    """Draw some thousand businesses evenly."""
    draws = Stream(8, "sample")
    drawn = (world.companies.business(draws.at(number) % COMPANIES) for number in range(SAMPLE))
    return [business for business in drawn if business]


def day(birth: Birth) -> date:
    """Return a birth date, the first possible day where only the year is known."""
    return date(birth.year, birth.month or 1, birth.day or 1)


def known(world: World, personal_id: str) -> Person:
    """Look somebody up who must exist."""
    person = world.person(personal_id)
    assert person, personal_id
    return person


def home_of(world: World, personal_id: str) -> Household:
    """Look up a household that must exist."""
    household = world.household(personal_id)
    assert household, personal_id
    return household


def test_there_are_a_million_people_and_two_hundred_thousand_businesses(indices: list[int], businesses: list[Business]) -> None:
    # What is drawn from the seats tells how many are taken, to within two in a hundred.
    assert PEOPLE * len(indices) / SAMPLE > 1.05 * 1_000_000
    assert COMPANIES * len(businesses) / SAMPLE > 1.05 * 200_000


def test_every_number_leads_back_to_its_owner(world: World, indices: list[int], people: list[Person]) -> None:
    assert [world.people.index(person.personal_id) for person in people] == indices
    assert len({person.personal_id for person in people}) == len(set(indices))


def test_a_personal_id_tells_gender_and_birth_year(people: list[Person]) -> None:
    for person in people:
        century = 1900 if person.birth.year < 2000 else 2000

        assert is_personal_id(person.personal_id)
        assert person.personal_id.startswith("099")
        assert int(person.personal_id[3]) == (century - 1900) // 100 * 2 + (person.gender == 2)
        assert century + int(person.personal_id[4:6]) == person.birth.year
        assert 1925 <= person.birth.year <= 2025


def test_an_id_with_another_gender_or_year_belongs_to_nobody(world: World, people: list[Person]) -> None:
    for person in people[:500]:
        year = (int(person.personal_id[4:6]) + 1) % 100
        assert world.person(f"{person.personal_id[:4]}{year:02d}{person.personal_id[6:]}") != person


def test_fathers_are_older_men_and_mothers_older_women(world: World, people: list[Person]) -> None:
    for person in people:
        for relative, gender in ((person.father, 1), (person.mother, 2)):
            if relative:
                parent = known(world, relative.personal_id)
                assert parent.gender == gender
                assert relative.name == parent.full_name
                assert person.birth.year - parent.birth.year >= 19


def test_children_bear_their_fathers_surname(world: World, people: list[Person]) -> None:
    assert all(known(world, person.father.personal_id).surname == person.surname for person in people if person.father)


def test_most_people_have_known_parents_and_some_known_grandparents(world: World, people: list[Person]) -> None:
    with_parents = [person for person in people if person.father]
    with_grandparents = [one for one in with_parents if one.father and known(world, one.father.personal_id).father]

    assert len(with_parents) > len(people) / 2
    assert len(with_grandparents) > len(people) / 5


def test_a_spouse_names_the_other_as_spouse(world: World, people: list[Person]) -> None:
    married = [person for person in people if person.spouse]
    for person in married:
        assert person.spouse
        other = known(world, person.spouse.personal_id)
        assert other.spouse
        assert other.spouse.personal_id == person.personal_id
        assert (person.marital_status, other.marital_status) == (2, 2)
        assert {person.gender, other.gender} == {1, 2}
        assert not person.dead
        assert not other.dead
    assert len(married) > len(people) / 4


def test_some_are_widowed_divorced_or_dead(people: list[Person]) -> None:
    statuses = [person.marital_status for person in people if not person.dead]

    assert all(statuses.count(status) > len(people) / 100 for status in (1, 2, 3, 4))
    assert any(person.dead for person in people)


def test_a_household_lists_each_of_its_members_and_they_name_its_head(world: World, people: list[Person]) -> None:
    for person in people:
        household = world.household(person.personal_id)
        if person.dead:
            assert household is None
            assert person.seat is None
            continue
        assert household
        assert person.seat
        head = household.members[0]
        assert person.seat.code == household.code
        assert person.seat.head.personal_id == head.personal_id
        assert head.relation == "CHU_HO"
        assert [one.relation for one in household.members].count("CHU_HO") == 1
        assert (person.personal_id, person.full_name, person.seat.relation) in household.members
        assert household.address == person.permanent


def test_all_members_of_a_household_find_the_same_household(world: World, people: list[Person]) -> None:
    for person in people[:500]:
        if not person.dead:
            household = home_of(world, person.personal_id)
            assert all(world.household(one.personal_id) == household for one in household.members)


def test_a_head_of_household_is_of_age(world: World, people: list[Person]) -> None:
    heads = {person.seat.head.personal_id for person in people if person.seat}
    assert all(TODAY.year - known(world, head).birth.year >= 18 for head in heads)


def test_some_adults_live_alone(world: World, people: list[Person]) -> None:
    adults = [person for person in people if not person.dead and person.birth.year < 2008]
    alone = [person for person in adults if len(home_of(world, person.personal_id).members) == 1]

    assert 0.06 < len(alone) / len(adults) < 0.13


def test_some_births_are_known_by_their_year_only(people: list[Person]) -> None:
    assert any(person.birth.month == 0 for person in people)
    assert all(person.birth.month == 0 or day(person.birth) < TODAY for person in people)


def test_addresses_lie_in_known_communes_and_a_few_in_ended_ones(world: World, people: list[Person], businesses: list[Business]) -> None:
    def ended(address: Address) -> bool:
        place = world.places.communes[address.commune]
        assert place.province == address.province
        assert place.until is None or place.successors
        return place.until is not None

    at_home = [ended(person.permanent) for person in people]
    at_birth = [ended(person.birth_place) for person in people]
    at_work = [ended(business.office) for business in businesses]

    assert 0.01 < sum(at_home) / len(at_home) < 0.06
    assert 0.06 < sum(at_birth) / len(at_birth) < 0.15
    assert 0.02 < sum(at_work) / len(at_work) < 0.07


def test_a_third_of_names_stands_whole_in_the_given_name(people: list[Person]) -> None:
    assert 0.28 < sum(person.whole_name_in_given for person in people) / len(people) < 0.38


def test_every_business_code_has_the_right_check_digit_and_leads_back(world: World, businesses: list[Business]) -> None:
    for business in businesses:
        assert is_business_code(business.code)
        assert business.code.startswith("99")
        assert world.business(business.code) == business


def test_representatives_know_their_businesses_and_were_of_age(world: World, businesses: list[Business]) -> None:
    for business in businesses:
        assert business.representatives[0].is_main
        for one in business.representatives:
            person = known(world, one.personal_id)
            assert one.name == person.full_name
            assert business in world.businesses_represented_by(one.personal_id)
            assert business.founded.year - person.birth.year >= 19
            assert not person.dead or business.status == DISSOLVED


def test_people_represent_up_to_three_businesses_that_name_them(world: World, people: list[Person]) -> None:
    counts = set()
    for person in people:
        represented = world.businesses_represented_by(person.personal_id)
        counts.add(len(represented))
        for business in represented:
            assert person.personal_id in {one.personal_id for one in business.representatives}
    assert counts == {0, 1, 2, 3}


def test_owners_are_real_and_their_shares_make_a_whole(world: World, businesses: list[Business]) -> None:
    owners = [owner for business in businesses for owner in business.owners]
    for business in businesses:
        assert not business.owners or round(sum(owner.percent for owner in business.owners), 2) == 100
        assert len({owner.name for owner in business.owners if owner.business_code}) <= 1
    for owner in owners:
        if owner.personal_id:
            assert known(world, owner.personal_id).full_name == owner.name
        if owner.business_code:
            other = world.business(owner.business_code)
            assert other
            assert other.name == owner.name
    assert any(owner.business_code for owner in owners)
    assert any(not owner.business_code and not owner.personal_id for owner in owners)


def test_businesses_have_plausible_activities_and_dates(businesses: list[Business]) -> None:
    for business in businesses:
        assert 1 <= len(business.activities) <= 4
        assert len(set(business.activities)) == len(business.activities)
        assert date(1992, 1, 1) <= business.founded <= business.amended < TODAY
    assert {business.status for business in businesses} == {1, 2, 3, 4, 5}
    assert len({business.kind for business in businesses}) == 4


def test_the_tax_department_knows_every_business_and_exactly_its_branches(world: World, businesses: list[Business]) -> None:
    for business in businesses:
        taxpayer = world.taxpayer(business.code)
        assert taxpayer
        assert (taxpayer.kind, taxpayer.name) == ("DN", business.name)
        for number in (1, 2, 3):
            branch = world.taxpayer(f"{business.code}-{number:03d}")
            assert (branch is not None) == (number <= business.branches)
            assert branch is None or (branch.kind, branch.status) == ("CNHANH", taxpayer.status)
    assert any(business.branches for business in businesses)


def test_insurance_books_agree_with_the_population_and_lead_back(world: World, people: list[Person]) -> None:
    for person in people:
        book = world.book(person.personal_id)
        if book:
            assert book.number.startswith("99")
            assert len(book.number) == 10
            assert world.book_numbered(book.number) == book
            assert (book.personal_id, book.name, book.gender) == (person.personal_id, person.full_name, person.gender)
            assert book.birth.year == person.birth.year
            assert book.household == (person.seat.code if person.seat else "")


def test_insurance_periods_follow_one_another_and_employers_existed(world: World, people: list[Person]) -> None:
    employers = 0
    for person in people:
        book = world.book(person.personal_id)
        for number, period in enumerate(book.periods if book else ()):
            assert book
            assert int(period.first[:4]) >= person.birth.year + 18
            assert not period.last or period.first <= period.last
            assert number == 0 or book.periods[number - 1].last < period.first
            assert bool(period.last) or (book.status == PAYING and period == book.periods[-1])
            if period.employer:
                employer = world.business(period.employer)
                assert employer
                assert employer.founded.year <= int(period.first[:4])
                employers += 1
    assert employers > len(people) / 4


def test_most_people_of_working_age_are_insured_and_so_are_pensioners(world: World, people: list[Person]) -> None:
    working = [person for person in people if 1966 <= person.birth.year <= 2006]
    books = [book for person in people if (book := world.book(person.personal_id))]

    assert sum(world.book(person.personal_id) is not None for person in working) > 0.7 * len(working)
    assert any(book.status == PENSIONER for book in books)
    assert not any(world.book(person.personal_id) for person in people if person.birth.year > 2007)


def test_people_with_insurance_are_taxpayers(world: World, people: list[Person]) -> None:
    for person in people:
        taxpayer = world.taxpayer(person.personal_id)
        represents = world.businesses_represented_by(person.personal_id)
        assert (taxpayer is not None) == (world.book(person.personal_id) is not None or bool(represents))
        assert taxpayer is None or (taxpayer.code, taxpayer.name, taxpayer.kind) == (person.personal_id, person.full_name, "CN")


def test_events_lead_back_and_concern_their_people(world: World, people: list[Person]) -> None:
    for person in people:
        for event in world.events_of(person.personal_id):
            assert is_case_id(event.case_id)
            assert world.event(event.case_id) == event
            assert date(1990, 1, 1) <= event.received <= event.registered < TODAY
            parties = {party.role: party for party in event.parties}
            central = next(one for one in event.parties if one.personal_id == person.personal_id)
            assert central.role in {"NguoiDuocKhaiSinh", "Chong", "Vo", "NguoiChet"}
            assert central.name == person.full_name
            if event.module == "KS":
                assert person.father
                assert parties["Cha"].personal_id == person.father.personal_id
                assert event.received >= day(person.birth)
            if event.module == "KH":
                assert event.divorced == (person.marital_status == 4)
                other = next(one for one in event.parties if one.personal_id != person.personal_id)
                assert event in world.events_of(other.personal_id)


def test_everyone_born_since_1990_has_a_birth_event_and_all_the_dead_a_death_event(world: World, people: list[Person]) -> None:
    for person in people:
        modules = [event.module for event in world.events_of(person.personal_id)]
        assert ("KS" in modules) == (person.birth.year >= 1990)
        assert ("KT" in modules) == person.dead


def test_a_shuffle_can_be_undone() -> None:
    shuffle = Shuffle(1000, Stream(1, "test"))
    places = [shuffle.place(index) for index in range(1000)]

    assert sorted(places) == list(range(1000))
    assert [shuffle.index(place) for place in places] == list(range(1000))


def test_the_check_digit_is_that_of_real_businesses() -> None:
    assert [check_digit(body) for body in ("010023348", "010010910", "030058856")] == [8, 6, 9]
    assert check_digit("990000007") is None


SCRIPT: Final = """
import hashlib
from sandbox.world import World
world = World(2026)
digest = hashlib.sha256()
for index in range(0, 1_000_000, 9_973):
    if world.people.families.exists(index):
        person = world.citizens.person(index)
        digest.update(repr((person, world.book(person.personal_id), world.events_of(person.personal_id))).encode())
        digest.update(repr(world.companies.business(index % 300_000)).encode())
print(digest.hexdigest()[:16])
"""


def test_the_same_seed_makes_the_same_world_in_every_process() -> None:
    outcomes = set()
    for salt in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": salt}
        )
        outcomes.add(done.stdout.strip())

    assert outcomes == {FINGERPRINT}


def test_another_seed_makes_another_world(world: World) -> None:
    other = World(1)
    ids = [world.people.personal_id(8 * block) for block in range(50)]

    assert ids != [other.people.personal_id(8 * block) for block in range(50)]
