"""Screens: what is given about people depends on who they are and what they have said, on both engines and whatever the caches hold."""

import asyncio
from typing import Any

import pytest
from graphql import ExecutionResult
from strawberry.types.graphql import OperationType

from graph.access.cost import costing
from graph.access.screens import Screening
from graph.errors import MotcuaError, SystemUnavailable
from graph.execution.explain import explain
from graph.execution.schema import FastSchema, Prepared
from tests import virtual
from tests.graph.access.state import (
    BATCHES,
    MARKS,
    REFERENCE,
    SCHEMA,
    BookRecord,
    FirmRecord,
    HouseholdRecord,
    KeptConsents,
    NamedRecord,
    PeriodRecord,
    Rights,
    State,
    ask,
    citizen_by_id,
    consumer,
    named,
    person,
    purpose,
    rights,
)

ENGINES = pytest.mark.parametrize("schema", [SCHEMA, REFERENCE], ids=["fast", "reference"])
ANNA, BAO, CHI = person(1), person(2, protected=True), person(3, born="2010-06-01")
A, B, C = ANNA.personal_id, BAO.personal_id, CHI.personal_id
TELLS = "{ personalId name born place { street } }"
MASKED = {"personalId": "********0002", "name": "L. V. C.", "born": "1980", "place": {"street": None}}


def state() -> State:
    made = State(ANNA, BAO, CHI, person(4, father=named(BAO)), person(5, born="1980"), person(6, born=None))
    made.households = dict.fromkeys((A, B), HouseholdRecord(code="H1", members=(named(ANNA), named(BAO))))
    made.households[C] = HouseholdRecord(code="H2", members=(named(ANNA), named(CHI)))
    made.books = {
        each.personal_id: BookRecord(number=f"9{each.personal_id[-8:]}", personal_id=each.personal_id, pay="10") for each in (ANNA, BAO)
    }
    made.books["nobody"] = BookRecord(number="900000099", personal_id=None, pay="11")
    made.periods = {book.number: (PeriodRecord(since="2020", pay="9"),) for book in made.books.values()}
    made.firms = {A: (FirmRecord(code="1", title="An Phát", heads=(named(ANNA), named(BAO))),)}
    return made


def asked(known: State, allowed: Rights, text: str, schema: FastSchema) -> tuple[dict[str, Any] | None, list[tuple[Any, str]]]:
    """Ask in virtual time; the data, and for each error its place and its code."""

    async def work() -> ExecutionResult:
        return await ask(known.sources(virtual.clock), allowed, text, schema)

    return shown(virtual.run(work()))


def shown(result: ExecutionResult) -> tuple[dict[str, Any] | None, list[tuple[Any, str]]]:
    errors = []
    for error in result.errors or ():
        assert isinstance(error.original_error, MotcuaError | TypeError), error
        errors.append((error.path, getattr(error.original_error, "code", "NULL")))
    return result.data, sorted(errors, key=str)


@ENGINES
def test_a_protected_person_is_masked_and_others_are_not(schema: FastSchema) -> None:
    data, errors = asked(state(), rights(), f'{{ citizens(ids: ["{A}", "{B}"]) {TELLS} }}', schema)

    plain = {"personalId": A, "name": "Lê Văn B", "born": "1980-05-05", "place": {"street": "Street 1"}}
    assert (data, errors) == ({"citizens": [plain, MASKED]}, [])


@ENGINES
def test_a_protected_person_is_masked_in_the_records_of_other_systems_and_other_people(schema: FastSchema) -> None:
    known = state()
    inside = "{ firms { title heads { name } } household { code members { personalId name } } }"
    text = f'{{ citizen(id: "{A}") {inside} book(number: "900000002") {{ number pay }} }}'

    data, errors = asked(known, rights(), text, schema)

    assert errors == []
    assert data == {
        "citizen": {
            "firms": [{"title": "An Phát", "heads": [{"name": "Lê Văn B"}, {"name": "L. V. C."}]}],
            "household": {
                "code": None,
                "members": [{"personalId": A, "name": "Lê Văn B"}, {"personalId": "********0002", "name": "L. V. C."}],
            },
        },
        "book": {"number": "*****0002", "pay": None},
    }
    assert sorted(known.asked("citizen")) == [A, B]


@ENGINES
def test_facts_are_not_asked_for_where_nothing_that_is_read_depends_on_them(schema: FastSchema) -> None:
    known = state()

    data, errors = asked(known, _reading("Query.book", "Book.personalId"), '{ book(number: "900000002") { personalId } }', schema)

    assert (data, errors) == ({"book": {"personalId": B}}, [])
    assert known.asked("citizen") == []


def _reading(*coordinates: str, **declared: Any) -> Rights:
    class Narrowed(Rights):
        def screens(self, _coordinates: Any) -> Any:
            return super().screens(frozenset(coordinates))

    return Narrowed(Screening(MARKS, SCHEMA._schema, BATCHES), consumer(), purpose(**declared))


@ENGINES
def test_a_link_of_a_masked_record_is_followed_by_the_record_itself_and_screened_there(schema: FastSchema) -> None:
    data, errors = asked(state(), rights(), f'{{ citizen(id: "{B}") {{ name book {{ pay citizen {{ name }} }} }} }}', schema)

    assert (data, errors) == ({"citizen": {"name": "L. V. C.", "book": {"pay": None, "citizen": {"name": "L. V. C."}}}}, [])


@ENGINES
def test_a_link_to_records_that_do_not_say_about_whom_they_are_is_not_followed_from_a_protected_person(schema: FastSchema) -> None:
    known = state()

    data, errors = asked(
        known,
        rights(),
        '{ b: book(number: "900000002") { periods { since pay } } a: book(number: "900000001") { periods { pay } } }',
        schema,
    )

    assert (data, errors) == ({"b": {"periods": None}, "a": {"periods": [{"pay": "9"}]}}, [])
    assert known.asked("periods") == ["900000001"]


@ENGINES
@pytest.mark.parametrize("text", ["personalId", "__typename", "father { name }"])
def test_refusing_protected_people_gives_an_error_whatever_is_read(schema: FastSchema, text: str) -> None:
    data, errors = asked(state(), rights(protected="refuse"), f'{{ citizens(ids: ["{A}", "{B}"]) {{ {text} }} }}', schema)

    assert data is not None
    assert data["citizens"][0] is not None
    assert data["citizens"][1] is None
    assert errors == [(["citizens", 1], "FORBIDDEN_FIELD")]


@ENGINES
def test_absent_protected_people_look_like_people_who_do_not_exist(schema: FastSchema) -> None:
    known, allowed = state(), rights(protected="absent")
    for text in ("citizen(id: {}) {{ name }}", "household(id: {}) {{ code }}"):
        there = asked(known, allowed, "{ " + text.format(f'"{B}"') + " }", schema)
        nobody = asked(known, allowed, "{ " + text.format('"099000000077"') + " }", schema)
        assert there == nobody
    firms, errors = asked(known, allowed, f'{{ firms(id: "{A}") {{ heads {{ name }} }} }}', schema)
    assert (firms, errors) == ({"firms": [{"heads": [{"name": "Lê Văn B"}]}]}, [])


@ENGINES
def test_a_refused_record_inside_a_list_is_an_error_in_its_own_place(schema: FastSchema) -> None:
    data, errors = asked(state(), rights(protected="refuse"), f'{{ firms(id: "{A}") {{ title heads {{ name }} }} }}', schema)

    assert (data, errors) == ({"firms": None}, [(["firms", 0, "heads", 1], "FORBIDDEN_FIELD")])


@ENGINES
def test_a_type_may_say_that_what_is_refused_of_it_is_absent(schema: FastSchema) -> None:
    allowed = rights(protected="refuse")

    assert asked(state(), allowed, '{ book(number: "900000002") { pay } }', schema) == ({"book": None}, [])
    assert asked(state(), allowed, f'{{ citizen(id: "{A}") {{ book {{ pay }} }} }}', schema) == ({"citizen": {"book": {"pay": "10"}}}, [])


@ENGINES
@pytest.mark.parametrize(
    ("number", "min_age", "is_given"),
    [(1, 18, True), (3, 15, True), (3, 16, False), (5, 45, True), (5, 46, False), (6, 1, False), (77, 1, True)],
    ids=["adult", "old-enough", "too-young", "year-known-and-old-enough", "year-known-and-perhaps-not", "age-not-known", "nobody"],
)
def test_nothing_is_given_about_people_who_may_be_too_young(schema: FastSchema, number: int, min_age: int, is_given: bool) -> None:  # noqa: FBT001 - a parameter
    wanted = f"0990000000{number:02d}"

    data, errors = asked(state(), rights(min_age=min_age, protected="show"), f'{{ citizen(id: "{wanted}") {{ name }} }}', schema)

    assert data is not None
    assert (data["citizen"] is not None) == (is_given and number != 77)
    assert errors == ([] if is_given else [(["citizen"], "FORBIDDEN_FIELD")])


@ENGINES
def test_somebody_of_whom_nothing_is_known_is_treated_as_if_they_were_protected(schema: FastSchema) -> None:
    known = state()
    known.firms[A] = (FirmRecord(code="1", title="X", heads=(NamedRecord(personal_id=None, name="Jo Doe"), named(person(70)))),)
    text = f'{{ firms(id: "{A}") {{ heads {{ name }} }} }}'

    assert asked(known, rights(), text, schema) == ({"firms": [{"heads": [{"name": "J. D."}, {"name": "L. V. " + chr(135) + "."}]}]}, [])
    assert asked(known, rights(protected="absent"), text, schema) == ({"firms": [{"heads": []}]}, [])


@ENGINES
def test_where_facts_cannot_be_had_what_depends_on_them_says_so_and_the_rest_is_given(schema: FastSchema) -> None:
    known = state()
    known.down["citizen"] = SystemUnavailable("population", "is down")

    data, errors = asked(known, rights(), '{ book(number: "900000001") { personalId pay } }', schema)

    assert (data, errors) == ({"book": {"personalId": A, "pay": None}}, [(["book", "pay"], "UPSTREAM_UNAVAILABLE")])
    data, errors = asked(known, rights(protected="refuse"), '{ book(number: "900000001") { personalId } }', schema)
    assert (data, errors) == ({"book": None}, [(["book"], "UPSTREAM_UNAVAILABLE")])


@ENGINES
def test_fields_that_a_purpose_reads_masked_are_masked_for_everybody_without_a_call(schema: FastSchema) -> None:
    known = state()
    allowed = rights(
        protected="show", fields=frozenset({"Citizen.born"}), masked=frozenset({"Citizen.personalId", "Citizen.name", "Citizen.born"})
    )

    data, errors = asked(known, allowed, f'{{ citizen(id: "{A}") {{ personalId name born book {{ number }} }} }}', schema)

    expected = {"personalId": "********0001", "name": "L. V. B.", "born": "1980-05-05", "book": {"number": "900000001"}}
    assert (data, errors) == ({"citizen": expected}, [])
    assert known.asked("citizen") == [A]


@ENGINES
def test_a_key_does_not_stand_in_for_a_record_that_has_to_be_looked_at(schema: FastSchema) -> None:
    text = f'{{ citizen(id: "{A[:-1]}4") {{ father {{ personalId }} }} }}'

    assert asked(state(), rights(), text, schema) == ({"citizen": {"father": {"personalId": "********0002"}}}, [])


# ── consent ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def consenting(*fields: str, slow: bool = False, **declared: Any) -> tuple[KeptConsents, Rights]:
    consents = KeptConsents(slow=slow)
    if fields:
        consents.say_yes(A, *fields)
    return consents, rights(consents, **{"consent": True, "protected": "show", **declared})


@ENGINES
@pytest.mark.parametrize("slow", [False, True], ids=["known-at-once", "looked-up"])
def test_without_consent_no_call_is_made_and_existence_does_not_show(schema: FastSchema, slow: bool) -> None:  # noqa: FBT001 - a parameter
    known = state()
    _, allowed = consenting(slow=slow)
    answers = [
        asked(known, allowed, f'{{ one: citizen(id: "{key}") {{ name }} two: firms(id: "{key}") {{ code }} }}', schema)
        for key in (A, "099000000077")
    ]

    assert answers[0] == answers[1] == ({"one": None, "two": None}, [(["one"], "CONSENT_REQUIRED"), (["two"], "CONSENT_REQUIRED")])
    assert known.calls == []


@ENGINES
@pytest.mark.parametrize("slow", [False, True], ids=["known-at-once", "looked-up"])
def test_consent_covers_the_fields_that_it_names_and_no_others(schema: FastSchema, slow: bool) -> None:  # noqa: FBT001 - a parameter
    known = state()
    _, allowed = consenting("Citizen.name", "Citizen.firms", slow=slow)

    data, errors = asked(known, allowed, f'{{ citizen(id: "{A}") {{ name born book {{ pay }} firms {{ title }} }} }}', schema)

    assert data == {"citizen": {"name": "Lê Văn B", "born": None, "book": None, "firms": [{"title": "An Phát"}]}}
    assert errors == [(["citizen", "book"], "CONSENT_REQUIRED"), (["citizen", "born"], "CONSENT_REQUIRED")]
    assert known.asked("book") == []


@ENGINES
def test_a_record_about_several_people_takes_the_consent_of_each(schema: FastSchema) -> None:
    consents, allowed = consenting("*")
    text = f'{{ household(id: "{A}") {{ code members {{ name }} }} }}'

    assert asked(state(), allowed, text, schema) == ({"household": None}, [(["household"], "CONSENT_REQUIRED")])
    consents.say_yes(B, "Household.*")
    data, errors = asked(state(), allowed, text, schema)
    assert (data, errors) == ({"household": None}, [(["household", "members", 1], "CONSENT_REQUIRED")])
    consents.say_yes(B, "Named.name")
    data, errors = asked(state(), allowed, text, schema)
    assert (data, errors) == ({"household": {"code": "H1", "members": [{"name": "Lê Văn B"}, {"name": "Lê Văn C"}]}}, [])


@ENGINES
def test_a_key_that_names_nobody_tells_no_more_than_one_that_does_not_exist(schema: FastSchema) -> None:
    _, allowed = consenting()

    answers = [asked(state(), allowed, f'{{ book(number: "{number}") {{ pay }} }}', schema) for number in ("900000001", "900000055")]

    assert answers[0] == answers[1] == ({"book": None}, [])


@ENGINES
def test_a_store_that_cannot_be_read_refuses_and_says_that_it_may_be_tried_again(schema: FastSchema) -> None:
    consents, allowed = consenting("*")
    consents.unreadable = True

    async def work() -> ExecutionResult:
        return await ask(state().sources(virtual.clock), allowed, f'{{ citizen(id: "{A}") {{ name }} }}', schema)

    error = (virtual.run(work()).errors or [])[0].original_error
    assert isinstance(error, MotcuaError)
    assert error.extensions() == {"code": "CONSENT_REQUIRED", "retryable": True, "ground": "Law 1/2026"}


def test_consent_that_is_withdrawn_counts_at_the_next_request_although_the_caches_are_warm() -> None:
    consents, allowed = consenting("*")
    known = state()
    text = f'{{ citizen(id: "{A}") {{ name }} }}'

    async def work() -> list[ExecutionResult]:
        sources = known.sources(virtual.clock)
        first = await ask(sources, allowed, text)
        consents.kept.clear()
        return [first, await ask(sources, allowed, text)]

    before, after = virtual.run(work())
    assert shown(before) == ({"citizen": {"name": "Lê Văn B"}}, [])
    assert shown(after) == ({"citizen": None}, [(["citizen"], "CONSENT_REQUIRED")])


# ── making ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_purpose_that_sees_everything_has_no_screens() -> None:
    assert rights(protected="show").screens(None) == {}
    assert Screening(MARKS, SCHEMA._schema, BATCHES).of(None, None)(None) == {}


def test_only_batch_functions_that_a_query_reaches_are_screened() -> None:
    assert set(rights(protected="refuse").screens(frozenset({"Query.citizen", "Citizen.name"}))) == {citizen_by_id}


def test_answers_that_came_late_are_screened_like_any_other() -> None:
    known = state()

    async def work() -> list[ExecutionResult]:
        sources = known.sources(virtual.clock, ttl_seconds=60.0, stale_if_error_seconds=600.0)
        await ask(sources, rights(protected="show"), f'{{ citizen(id: "{B}") {{ name }} }}')
        known.down["citizen"] = SystemUnavailable("population", "is down")
        await asyncio.sleep(100)
        return [await ask(sources, rights(), f'{{ citizen(id: "{B}") {{ name }} }}')]

    (result,) = virtual.run(work())
    assert shown(result) == ({"citizen": {"name": "L. V. C."}}, [])


@pytest.mark.parametrize(("protected", "keys"), [("show", 1), ("mask", 2)])
def test_where_a_record_is_looked_at_nothing_stands_in_for_it_and_the_estimate_says_so(protected: str, keys: int) -> None:
    known, allowed = state(), rights(protected=protected)
    text = '{ citizen(id: "099000000004") { father { personalId } } }'
    prepared = SCHEMA.prepare(text, None, None, {OperationType.QUERY}, allowed)
    assert isinstance(prepared, Prepared)
    asked(known, allowed, text, SCHEMA)
    assert len(known.asked("citizen")) == keys
    assert costing(prepared.plan, MARKS).keys(prepared.variables) == {"population": keys}
    explained = explain(prepared.plan, prepared.variables)
    assert sum(batch.keys for wave in explained.waves for batch in wave.batches) == keys
