"""The review of a document: it finds the fields that the engine would read, and costs no less than any way of running it."""

import itertools
from typing import Any

import pytest
from graphql import DocumentNode
from graphql.execution.values import VariableValues

from graph.access.cost import costing
from graph.access.marks import marks_of
from graph.access.review import Figures, reviewed
from graph.access_settings import QuerySettings
from graph.errors import ForbiddenField, MotcuaError
from graph.execution.documents import Document
from graph.execution.permits import EVERYTHING
from graph.execution.plan import Planner
from graph.pages import load_examples
from schema import schema
from tests.servers import PROJECT

CORE = schema.documents.schema
MARKS = marks_of(CORE)
ROOMY = QuerySettings(cost=10_000_000, persons=10_000_000)
STEERED = """
query($id: PersonalId!, $a: Boolean!, $b: Boolean!, $ids: [PersonalId!]!) {
  citizen(id: $id) @skip(if: $a) { fullName father @include(if: $b) { ...P } mother @skip(if: $b) { ...P spouse { fullName } } }
  citizens(ids: $ids) @include(if: $a) { personalId }
  provinces @skip(if: true) { name }
}
fragment P on Citizen { fullName household @include(if: $a) { code } }
"""


class Without:
    """Permits that lack some fields."""

    def __init__(self, *coordinates: str) -> None:
        self.coordinates = coordinates

    def refusal(self, parent: str, field: str) -> MotcuaError | None:
        return ForbiddenField(f"not {parent}.{field}") if f"{parent}.{field}" in self.coordinates else None

    def screens(self, _coordinates: Any) -> dict[Any, Any]:
        return {}


def parsed(text: str) -> DocumentNode:
    found = schema.documents.document(text)
    assert found.errors == []
    assert found.node is not None
    return found.node


@pytest.mark.parametrize("name", [example.name for example in load_examples(PROJECT / "examples")])
def test_the_fields_of_a_review_are_those_that_the_engine_reads(name: str) -> None:
    [text] = [example.query for example in load_examples(PROJECT / "examples") if example.name == name]
    node = parsed(text)
    read: set[str] = set()
    for operation in (document := Document(node, [])).operations.values():
        read |= Planner(CORE, operation, document.fragments, VariableValues({}, {})).plan().coordinates

    found = reviewed(CORE, node, EVERYTHING, MARKS, ROOMY)
    assert set(found.fields) == read
    assert found.objections == ()


def test_a_review_costs_no_less_than_the_dearest_way_to_skip_and_include() -> None:
    node = parsed(STEERED)
    whole = reviewed(CORE, node, EVERYTHING, MARKS, ROOMY)
    document = Document(node, [])
    [operation] = document.operations.values()
    for a, b in itertools.product((False, True), repeat=2):
        variables = VariableValues({}, {"a": a, "b": b})
        plan = Planner(CORE, operation, document.fragments, variables).plan()
        made = costing(plan, MARKS)
        part = Figures(made.cost(variables), made.persons(variables), made.fee(variables))

        assert whole.figures.or_more(part) == whole.figures
        assert plan.coordinates <= set(whole.fields)


def test_what_is_only_skipped_counts_as_read() -> None:
    found = reviewed(CORE, parsed(STEERED), Without("Province.name", "Household.code"), MARKS, ROOMY)

    assert [(each.line, each.message) for each in found.objections] == [(5, "not Province.name"), (7, "not Household.code")]


def test_a_field_is_objected_to_once_and_where_it_stands_first() -> None:
    text = "query($id: PersonalId!) { citizen(id: $id) { fullName\n father { fullName } } }"
    found = reviewed(CORE, parsed(text), Without("Citizen.fullName"), MARKS, ROOMY)

    assert [(each.line, each.column) for each in found.objections] == [(1, 46)]


def test_the_schema_itself_is_decided_on_where_it_is_asked_about() -> None:
    text = "{ __schema { types { name } } __typename }"

    assert reviewed(CORE, parsed(text), EVERYTHING, MARKS, ROOMY).fields == ("Query.__schema",)
    assert len(reviewed(CORE, parsed(text), Without("Query.__schema"), MARKS, ROOMY).objections) == 1


def test_too_much_is_what_is_too_much_even_for_one() -> None:
    text = "query($ids: [PersonalId!]!) { citizens(ids: $ids) { fullName } again: citizens(ids: $ids) { fullName } }"

    assert reviewed(CORE, parsed(text), EVERYTHING, MARKS, QuerySettings(persons=2)).objections == ()
    [found] = reviewed(CORE, parsed(text), EVERYTHING, MARKS, QuerySettings(persons=1)).objections
    assert found.message == "The number of persons is at least 2; the consumer may ask for 1"
