"""Fees: every value that was given is counted once, what was not given costs nothing, and no more is charged than was quoted."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import strawberry

from graph.access.cost import costing
from graph.access.directives import Fee
from graph.access.fees import Fees, charged, tariff_of
from graph.access.marks import marks_of
from graph.access.usage import ConsumerFigures
from graph.execution.plan import Plan
from graph.execution.schema import FastSchema
from graph.seam import Record, System, Upstream, batch_one, field, link, wire
from tests.graph.access.priced import planned
from tests.lines import REGISTER

LAND = System("land", title="Land", owner="An agency", protocol="REST")


class PersonRecord(Record):
    code: str = wire("MA")


class PlotRecord(Record):
    code: str = wire("MA")


@batch_one(REGISTER, max_keys=20)
async def person_by_code(_upstream: Upstream, codes: Sequence[str]) -> Mapping[str, PersonRecord]:
    return {code: PersonRecord(code=code) for code in codes}


@batch_one(LAND, max_keys=20)
async def plot_by_code(_upstream: Upstream, codes: Sequence[str]) -> Mapping[str, PlotRecord]:
    return {code: PlotRecord(code=code) for code in codes}


def own(_root: None, code: str) -> str:
    return code


@strawberry.type
class Shape:
    area: str | None = strawberry.field(default=None, directives=[Fee(vnd=50)])


@strawberry.type
class Plot:
    code: str = field("Code.")
    price: int | None = strawberry.field(default=None, directives=[Fee(vnd=700)])
    shape: Shape | None = field("Shape.")


@strawberry.type
class Person:
    code: str = field("Code.")
    name: str | None = strawberry.field(default=None, directives=[Fee(vnd=300)])
    names: list[str | None] | None = strawberry.field(default=None, directives=[Fee(vnd=10)])
    plot: Plot | None = link(plot_by_code, key="code", description="Plot.")


def either() -> list[Person | Shape | None] | None:
    return None


@strawberry.type
class Query:
    person: Person | None = link(person_by_code, key=own, description="A person.")
    either: list[Person | Shape | None] | None = strawberry.field(resolver=either)
    free: str | None = field("Free.")


SCHEMA = FastSchema(query=Query)
MARKS = marks_of(SCHEMA.documents.schema)


def plan(text: str) -> Plan:
    return planned(SCHEMA, text)[0]


def fees(text: str, data: Any) -> dict[str, int]:
    tariff = tariff_of(plan(text), MARKS)
    assert tariff is not None
    return charged(tariff, data)


def test_every_value_that_was_given_is_charged_by_the_system_that_it_came_from() -> None:
    text = '{ a: person(code: "a") { called: name plot { price shape { area } } } b: person(code: "b") { name plot { price } } }'
    data = {
        "a": {"called": "An", "plot": {"price": 5, "shape": {"area": 1.5}}},
        "b": {"name": "Binh", "plot": {"price": 6}},
    }
    assert fees(text, data) == {"register": 600, "land": 2 * 700 + 50}


def test_what_is_null_costs_nothing_wherever_the_null_stands() -> None:
    text = '{ person(code: "a") { name plot { price shape { area } } } }'
    assert fees(text, {"person": {"name": None, "plot": {"price": None, "shape": None}}}) == {}
    assert fees(text, {"person": {"name": "An", "plot": None}}) == {"register": 300}
    assert fees(text, {"person": None}) == {}


def test_of_a_list_each_entry_that_is_not_null_is_charged() -> None:
    text = '{ person(code: "a") { names } }'
    assert fees(text, {"person": {"names": ["An", None, "Ân"]}}) == {"register": 20}
    assert fees(text, {"person": {"names": []}}) == {}


def test_values_that_are_nothing_in_themselves_are_still_values() -> None:
    assert fees('{ person(code: "a") { name plot { price } } }', {"person": {"name": "", "plot": {"price": 0}}}) == {
        "register": 300,
        "land": 700,
    }


def test_of_several_possible_types_the_one_that_an_object_names_is_charged_and_else_the_least() -> None:
    named = "{ either { kind: __typename ... on Person { value: name } ... on Shape { value: area } } }"
    bare = "{ either { ... on Person { value: name } ... on Shape { value: area } } }"
    entries = [{"kind": "Person", "value": "An"}, {"kind": "Shape", "value": 2.0}, None]
    assert fees(named, {"either": entries}) == {"none": 350}
    assert fees(bare, {"either": [{"value": "An"}, {"value": 2.0}]}) == {"none": 100}


def test_fees_add_up_by_system_and_a_query_without_any_counts_nothing() -> None:
    counting, figures = Fees(MARKS), ConsumerFigures()
    dear = plan('{ person(code: "a") { name plot { price } } }')

    assert counting.counted(figures, dear, {"person": {"name": "An", "plot": {"price": 1}}}) == 1_000
    assert counting.counted(figures, dear, {"person": {"name": "An", "plot": None}}) == 300
    assert counting.counted(figures, plan("{ free }"), {"free": "x"}) == 0
    assert counting.counted(figures, dear, None) == 0
    assert figures.fees == {"register": 600, "land": 700}


def test_nobody_is_charged_more_than_was_quoted() -> None:
    text = '{ person(code: "a") { name names plot { price shape { area } } } either { ... on Person { name } ... on Shape { area } } }'
    whole, variables = planned(SCHEMA, text)
    quoted = costing(whole, MARKS).fees(variables)
    for seed in range(500):
        random = Random(seed)  # noqa: S311 - data of a test

        def perhaps(value: Any, random: Random = random) -> Any:
            return value if random.random() < 0.8 else None

        plot = {"price": perhaps(1), "shape": perhaps({"area": perhaps(1.0)})}
        person = {"name": perhaps("An"), "names": perhaps([perhaps("x")] * random.randint(0, 10)), "plot": perhaps(plot)}
        entries = [perhaps(random.choice([{"name": perhaps("An")}, {"area": perhaps(2.0)}])) for _ in range(random.randint(0, 10))]
        found = fees(text, {"person": perhaps(person), "either": perhaps(entries)})
        assert all(vnd <= quoted[system] for system, vnd in found.items()), seed
