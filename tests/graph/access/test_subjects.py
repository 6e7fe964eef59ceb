"""Whom records are about: who has no id is somebody unknown, a business is nobody, and nothing that hangs on it is read unseen."""

from pathlib import Path
from typing import Any

import pytest

from graph.access.consumers import read_registry
from graph.access.marks import marks_of
from graph.access.registry import Purpose
from graph.access.shapes import Shapes
from graph.access.sieve import Sieve
from graph.access.subjects import SOMEBODY, PersonRules
from graph.errors import SettingsWrong
from graph.upstream.record import Record, wire
from resolvers.identifiers import PersonalId
from schema import schema
from tests.consumers import PROJECT

CORE = schema.documents.schema
PERSON = PersonalId.parse("099175000000")
CONSENT, AGE, PROTECTION = "consent = true\n", "min_age = 15\n", 'protected = "absent"\n'


class MemberRecord(Record):
    personal_id: PersonalId | None = wire("id")
    code: str | None = wire("code")


@pytest.mark.parametrize(
    ("person", "code", "people"),
    [(PERSON, None, [PERSON.person]), (PERSON, "0999", [PERSON.person]), (None, "0999", []), (None, None, [SOMEBODY])],
    ids=["person", "person-with-a-code", "business", "somebody"],
)
def test_a_record_with_the_code_of_a_business_in_place_of_an_id_is_about_nobody(
    person: PersonalId | None, code: str | None, people: list[Any]
) -> None:
    rules = PersonRules(Purpose("a", "A", "statutory", "A law", frozenset(), protected="mask"), None, lambda: 0.0)
    sieve = Sieve(("personal_id",), rules, None, absent=False, unless="code")
    assert sieve.subjects(MemberRecord(personal_id=person, code=code)) == people


def test_members_that_are_businesses_are_not_taken_for_people() -> None:
    assert Shapes(CORE, marks_of(CORE)).kinds["BusinessMember"].unless == "business_code"


def refused(folder: Path, condition: str, field: str) -> str:
    """Say why a purpose with a condition may not read a field; nothing where it may."""
    purpose = f'[purposes.tried]\ntitle = "x"\nlegal_basis = "statutory"\nground = "x"\nfields = ["{field}"]\n{condition}\n'
    file = folder / "consumers.toml"
    file.write_text((PROJECT / "consumers.toml").read_text("utf-8") + purpose, "utf-8")
    try:
        read_registry(file, CORE, demo=True)
    except SettingsWrong as error:
        return str(error).removeprefix(f"{file}: ")
    return ""


@pytest.mark.parametrize("condition", [CONSENT, AGE, PROTECTION], ids=["consent", "age", "protection"])
@pytest.mark.parametrize("field", ["Citizen.fullName", "Address.*", "Verification.*", "LegalRepresentative.fullName", "Business.name"])
def test_what_says_about_whom_it_is_may_be_read_under_any_condition(tmp_path: Path, condition: str, field: str) -> None:
    assert refused(tmp_path, condition, field) == ""


@pytest.mark.parametrize("condition", [CONSENT, AGE, PROTECTION], ids=["consent", "age", "protection"])
def test_what_does_not_say_about_whom_it_is_may_not_be_read_where_something_hangs_on_that(tmp_path: Path, condition: str) -> None:
    said = "purposes.tried: CivilStatusEvent.number: expected only fields of types that say by @subject about whom they are"
    assert refused(tmp_path, condition, "CivilStatusEvent.number").startswith(said)
    assert refused(tmp_path, 'protected = "mask"', "CivilStatusEvent.number") == ""


def test_what_is_reached_only_from_those_who_may_be_seen_needs_no_more_than_that_except_for_consent(tmp_path: Path) -> None:
    assert refused(tmp_path, AGE, "InsurancePeriod.salaryBase") == ""
    assert refused(tmp_path, PROTECTION, "InsurancePeriod.salaryBase") == ""
    assert refused(tmp_path, CONSENT, "InsurancePeriod.salaryBase").startswith("purposes.tried: InsurancePeriod.salaryBase: expected")
