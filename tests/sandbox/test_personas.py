"""The personas are what they are described as, and fit to one another."""

from pathlib import Path

from sandbox import personas
from sandbox.codes import is_branch_code, is_business_code, is_insurance_number, is_personal_id
from sandbox.events import is_case_id
from sandbox.faults import KINDS
from sandbox.personas import PERSONAS
from sandbox.world import World


def systems_of(world: World, personal_id: str) -> set[str]:
    """Return the systems that know a person."""
    known = {
        "population": world.person(personal_id),
        "household": world.household(personal_id),
        "business": world.businesses_represented_by(personal_id),
        "insurance": world.book(personal_id),
        "civil_status": world.events_of(personal_id),
        "tax": world.taxpayer(personal_id),
    }
    return {system for system, record in known.items() if record}


def test_every_persona_has_a_well_formed_number_and_one_line() -> None:
    forms = {
        "person": is_personal_id,
        "business": is_business_code,
        "branch": is_branch_code,
        "insurance book": is_insurance_number,
        "case": is_case_id,
    }

    assert all(forms[persona.kind](persona.code) for persona in PERSONAS)
    assert all(getattr(personas, persona.name) == persona.code for persona in PERSONAS)
    assert len({persona.code for persona in PERSONAS}) == len(PERSONAS)
    assert all(persona.description.endswith(".") and "\n" not in persona.description for persona in PERSONAS)


def test_thu_is_known_to_every_system(world: World) -> None:
    assert systems_of(world, personas.THU) == {"population", "household", "business", "insurance", "civil_status", "tax"}


def test_thu_has_living_insured_parents_a_wife_and_two_children(world: World) -> None:
    thu = world.person(personas.THU)
    assert thu
    assert thu.father
    assert thu.mother
    assert thu.spouse
    assert [thu.father.personal_id, thu.mother.personal_id, thu.spouse.personal_id] == [personas.HOA, personas.LAN, personas.MAI]
    for parent in (personas.HOA, personas.LAN):
        record = world.person(parent)
        assert record
        assert not record.dead
        assert world.book(parent)
    for child in (personas.MINH_ANH, personas.GIA_BAO):
        record = world.person(child)
        assert record
        assert record.father
        assert record.mother
        assert (record.father.personal_id, record.mother.personal_id) == (personas.THU, personas.MAI)


def test_thu_represents_a_business_with_two_representatives_and_a_branch_and_a_suspended_one(world: World) -> None:
    an_phat, sao_mai = world.businesses_represented_by(personas.THU)

    assert (an_phat.code, an_phat.status, len(an_phat.representatives), an_phat.branches) == (personas.AN_PHAT, 1, 2, 1)
    assert (sao_mai.code, sao_mai.status) == (personas.SAO_MAI, 2)
    assert world.taxpayer(personas.AN_PHAT_BRANCH)


def test_persona_families_agree_both_ways(world: World) -> None:
    people = [person for persona in PERSONAS if persona.kind == "person" and (person := world.person(persona.code))]
    for person in people:
        if person.spouse:
            other = world.person(person.spouse.personal_id)
            assert other
            assert other.spouse
            assert other.spouse.personal_id == person.personal_id
        for parent in (person.father, person.mother):
            assert parent is None or world.person(parent.personal_id)
        household = world.household(person.personal_id)
        assert person.dead or (household and person.seat and household.code == person.seat.code)
        assert household is None or household.address == person.permanent


def test_some_are_known_to_one_system_only_or_to_none(world: World) -> None:
    assert systems_of(world, personas.QUANG) == {"population", "household"}
    assert systems_of(world, personas.VI) == {"insurance"}
    assert systems_of(world, personas.UNREGISTERED) == {"business"}
    assert systems_of(world, personas.NOBODY) == set()


def test_thuy_is_written_differently_by_two_systems(world: World) -> None:
    person, book = world.person(personas.THUY), world.book(personas.THUY)

    assert person
    assert book
    assert (person.full_name, person.birth) != (book.name, book.birth)


def test_bay_has_only_a_birth_year(world: World) -> None:
    person = world.person(personas.BAY)

    assert person
    assert person.birth.month == 0


def test_tuyet_and_binh_live_in_communes_that_ended(world: World) -> None:
    tuyet, binh = world.person(personas.TUYET), world.person(personas.BINH)

    assert tuyet
    assert binh
    assert len(world.places.communes[tuyet.permanent.commune].successors) == 4
    assert len(world.places.communes[binh.permanent.commune].successors) == 1


def test_sau_is_dead_and_his_widow_lives(world: World) -> None:
    sau, nam = world.person(personas.SAU), world.person(personas.NAM)

    assert sau
    assert nam
    assert sau.dead
    assert nam.marital_status == 3
    assert [event.module for event in world.events_of(personas.SAU)] == ["KT"]


def test_an_is_newborn_and_not_insured(world: World) -> None:
    assert systems_of(world, personas.AN) == {"population", "household", "civil_status"}


def test_hhen_has_her_whole_name_in_one_field(world: World) -> None:
    person = world.person(personas.HHEN)

    assert person
    assert person.whole_name_in_given
    assert person.full_name == "H'Hen Niê"


def test_the_firms_are_what_they_are_there_for(world: World) -> None:
    sunset, viet_han, lua_vang = (world.business(code) for code in (personas.HOANG_HON, personas.VIET_HAN, personas.LUA_VANG))

    assert sunset
    assert viet_han
    assert lua_vang
    assert world.person(sunset.representatives[0].personal_id) is None
    assert any(owner.business_code == personas.AN_PHAT for owner in viet_han.owners)
    assert any(owner.business_code is None and owner.personal_id is None for owner in viet_han.owners)
    assert lua_vang.status == 4


def test_persona_books_count_their_months(world: World) -> None:
    for persona in PERSONAS:
        book = world.book(persona.code) if persona.kind == "person" else None
        if book:
            ends = [(period.first, period.last or "202512") for period in book.periods]
            months = sum((int(last[:4]) - int(first[:4])) * 12 + int(last[4:]) - int(first[4:]) + 1 for first, last in ends)
            assert months == book.months, persona.name


def test_no_computed_person_bears_the_number_of_a_persona(world: World) -> None:
    assert all(world.people.index(persona.code) is None for persona in PERSONAS)
    assert all(world.companies.index(persona.code) is None for persona in PERSONAS)
    assert all(world.books.index(persona.code) is None for persona in PERSONAS)


def test_the_page_about_the_sandbox_names_every_persona_and_every_fault() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")

    assert all(f"| `{one.name}` | {one.kind} | `{one.code}` | {one.description} |" in page for one in PERSONAS)
    assert all(f"`{kind}`" in page for kind in KINDS)
