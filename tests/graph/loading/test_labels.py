"""Labels: whoever is named in a key or a record, at whatever depth, is found again."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from graph.loading.batch import batch_many, batch_one
from graph.loading.labels import SOMEBODY, labeller, written
from graph.upstream.record import Record, wire
from resolvers.business import business_by_code
from resolvers.code_lists import commune_by_code
from resolvers.identifiers import BusinessCode, PersonalId, TaxCode
from resolvers.population import Claim, citizen_by_id, household_by_member
from resolvers.tax import taxpayer_by_code
from tests.graph.loading.register import REGISTER, Person, Row


class Flat(Record):
    owners: tuple[Row, ...] = wire("CHU")
    tenant: Row | None = wire("THUE")
    note: str = wire("GHI_CHU")


class Door(NamedTuple):
    flat: str
    holder: Person | None


@batch_one(REGISTER, max_keys=10, tags=lambda key, _flat: (f"house:{key.flat[:1]}",))
async def flat_by_door(_upstream: Any, _doors: Sequence[Door]) -> Mapping[Door, Flat]:
    return {}


@batch_many(REGISTER, max_keys=10)
async def rows_of(_upstream: Any, _numbers: Sequence[str]) -> Mapping[str, tuple[Row, ...]]:
    return {}


@batch_one(REGISTER, max_keys=10, personal=False)
async def plain(_upstream: Any, _codes: Sequence[Person]) -> Mapping[Person, Row]:
    return {}


def row(code: str, partner: str | None = None) -> Row:
    return Row(code=Person(code), name="n", partner=Person(partner) if partner else None)


def test_people_are_found_in_key_and_record_at_every_depth_and_tags_beside_them() -> None:
    flat = Flat(owners=(row("1", "2"), row("3")), tenant=row("4"), note="5")

    labels = labeller(flat_by_door)(Door("7A", Person("6")), flat)

    assert set(labels) == {*(f"person:{number}" for number in "12346"), "tag:house:7"}
    assert set(labeller(rows_of)("x", (row("1"), row("2")))) == {"person:1", "person:2"}


def test_an_answer_of_which_nobody_can_say_whom_it_is_about_may_be_about_anybody() -> None:
    assert labeller(flat_by_door)(Door("7A", None), None) == (SOMEBODY,)
    assert labeller(rows_of)("x", ()) == (SOMEBODY,)


def test_what_is_about_nobody_names_nobody() -> None:
    assert labeller(plain)(Person("1"), row("1")) == ()
    assert labeller(commune_by_code)("00001", None) == ()


def test_the_products_batch_functions_name_people() -> None:
    assert labeller(citizen_by_id)(PersonalId("099085000002"), None) == ("person:099085000002",)
    assert labeller(household_by_member)(PersonalId("099085000002"), None) == ("person:099085000002",)
    assert labeller(taxpayer_by_code)(TaxCode("099085000002"), None) == ("person:099085000002",)
    assert labeller(taxpayer_by_code)(TaxCode("9900233487"), None) == (SOMEBODY,)
    assert labeller(business_by_code)(BusinessCode("9900233487"), None) == (SOMEBODY,)


def test_a_key_is_written_as_operators_write_it() -> None:
    assert written("00001") == "00001"
    assert written(Door("7A", None)) == "7A/"
    assert written(Claim("099085000002", "An", "1985")) == "099085000002/An/1985"  # type: ignore[arg-type]  # plain text stands in
