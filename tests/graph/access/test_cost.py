"""The estimated cost of a query: as IBM's specification has it, the same as a slow reckoning, and never slow itself."""

import math
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError

from graph.access.bills import FIELDS_AT_MOST
from graph.access.cost import Costing, Costings, costing
from graph.access.directives import Cost
from graph.access.marks import Marks, marks_of
from graph.errors import BadInput, ForbiddenField, SettingsWrong
from graph.execution.explain import explain, explained
from graph.execution.explanation import Explanation, Quote
from graph.execution.schema import FastSchema
from tests.graph.access.drawn import Drawn
from tests.graph.access.priced import MARKS, SCHEMA, planned
from tests.graph.access.reckoning import Reckoning
from tests.graph.execution.author import SCALARS, Author
from tests.graph.execution.compare import WIDE
from tests.graph.execution.kitchen_sink import kitchen_sink
from tests.graph.execution.product import TEXTS, product

CASES = 2_000


def costed(text: str, given: dict[str, Any] | None = None) -> tuple[Costing, Any]:
    plan, variables = planned(SCHEMA, text, given)
    return costing(plan, MARKS), variables


def both(text: str, given: dict[str, Any] | None = None) -> tuple[float, float]:
    """Return type cost and field cost."""
    made, variables = costed(text, given)
    return made.type_cost(variables), made.field_cost(variables)


# ── the specification, in examples of our own ────────────────────────────────────────────────────────────────────────────


def test_a_slicing_argument_says_how_often_everything_under_a_list_counts() -> None:
    # the root and five users; one visit of the list, and five of a field that weighs 2
    assert both("{ users(max: 5) { age } }") == (6.0, 11.0)
    assert both("{ users(max: 5) { name } }") == (6.0, 1.0)


def test_the_cost_is_the_larger_of_type_cost_and_field_cost_rounded_up() -> None:
    assert costed("{ users(max: 5) { age } }")[0].cost(None) == 11  # type: ignore[arg-type]  # nothing depends on variables
    assert costed("{ users(max: 5) { name } }")[0].cost(None) == 6  # type: ignore[arg-type]  # likewise
    assert costed("{ users(max: 1) { light { name } } }")[0].cost(None) == 3  # type: ignore[arg-type]  # 2.5, rounded up


def test_a_weight_on_a_type_counts_for_each_object_of_it() -> None:
    assert both("{ users(max: 4) { light { name } } }") == (1 + 4 + 4 * 0.5, 1 + 4)


def test_an_argument_adds_its_weight_where_it_is_given() -> None:
    assert both("{ top }")[1] == 5.0
    assert both("{ top(dear: 1) }")[1] == 20.0
    assert both("query Q($dear: Int) { top(dear: $dear) }", {"dear": 1})[1] == 20.0
    assert both("{ top(dear: null) }")[1] == 5.0


def test_an_argument_may_make_a_field_lighter_but_never_lighter_than_nothing() -> None:
    assert both("{ top(rough: true) }")[1] == 2.0
    assert both("{ top(hasty: true) }")[1] == 0.0
    assert both("{ top(dear: 1, rough: true) }")[1] == 17.0


def test_what_would_make_a_field_lighter_is_not_believed_of_a_variable_that_may_be_missing() -> None:
    assert both("query Q($rough: Boolean) { top(rough: $rough) }")[1] == 5.0


def test_the_largest_of_several_slicing_arguments_counts_and_without_any_the_assumed_size() -> None:
    assert both("{ either(first: 2, last: 9) { name } }")[0] == 10.0
    assert both("{ either(first: 2) { name } }")[0] == 3.0
    assert both("{ either { name } }")[0] == 8.0
    text = "query Q($first: Int, $last: Int) { either(first: $first, last: $last) { name } }"
    assert [both(text, given)[0] for given in ({"first": 2, "last": 9}, {"first": 2, "last": None}, {})] == [10.0, 3.0, 8.0]


def test_the_default_of_a_slicing_argument_counts_as_if_it_were_given() -> None:
    assert both("{ usual { name } }")[0] == 4.0
    assert both("query Q($first: Int) { usual { name } users(max: $first) { name } }", {"first": 2})[0] == 6.0
    assert both("query Q($first: Int = 6) { users(max: $first) { name } }")[0] == 7.0


def test_a_slicing_argument_that_is_a_list_counts_with_its_length() -> None:
    assert both("{ named(ids: [5, 6, 7]) { name } }")[0] == 4.0
    assert both("{ named(ids: 900) { name } }")[0] == 2.0
    assert both("query Q($ids: [Int!]!) { named(ids: $ids) { name } }", {"ids": [1, 2]})[0] == 3.0
    assert both("query Q($id: Int!) { named(ids: [$id, $id]) { name } }", {"id": 1})[0] == 3.0


def test_a_member_of_an_input_object_can_say_how_long_a_list_is() -> None:
    assert both('{ filtered(filter: {first: 4, town: "x"}) { name } }') == (5.0, 2.0)
    assert both("query Q($first: Int) { filtered(filter: {first: $first}) { name } }", {"first": 5})[0] == 6.0
    assert both("query Q($filter: Filter!) { filtered(filter: $filter) { name } }", {"filter": {"first": 6}})[0] == 7.0


def test_sized_fields_take_the_length_from_the_field_above_them() -> None:
    # the root, the connection, three edges and their nodes; ten where nothing is said
    assert both("{ connection(first: 3) { edges { node { name } } } }")[0] == 1 + 1 + 3 + 3
    assert both("{ connection(first: 3) { others { node { name } } } }")[0] == 1 + 1 + 10 + 10


def test_a_list_of_which_nothing_is_said_counts_as_ten_and_a_list_of_lists_as_a_hundred() -> None:
    assert both("{ grid { name } }")[0] == 101.0


def test_of_several_possible_types_the_dearest_counts() -> None:
    assert both("{ eitherKind { ... on User { name } ... on Heavy { parts { name } } } }")[0] == 1 + 1 + 50
    assert both("{ eitherKind { ... on User { age } ... on Heavy { name } } }") == (2.0, 3.0)


def test_a_negative_length_counts_as_nothing_and_an_enormous_one_is_bounded() -> None:
    text = "query Q($max: Int) { users(max: $max) { name } }"
    assert both(text, {"max": -5})[0] == 1.0
    made, variables = costed(text, {"max": 2**31 - 1})
    assert made.cost(variables) == 1_000_001


def test_what_wants_exactly_one_slicing_argument_says_so() -> None:
    wrong = costed("{ users { name } }")[0].wrong
    assert isinstance(wrong, BadInput)
    assert wrong.message == "Query.users: expected exactly one of max"
    assert costed("{ users(max: 2) { name } usual { name } either(first: 1, last: 1) { name } }")[0].wrong is None


def test_a_weight_that_is_no_number_stops_the_start() -> None:
    @strawberry.type
    class Odd:
        odd: str = strawberry.field(default="", directives=[Cost(weight="much")])

    schema = FastSchema(query=Odd)
    plan, _ = planned(schema, "{ odd }")
    with pytest.raises(SettingsWrong, match=r"Odd\.odd: expected the weight of its @cost to be a number"):
        costing(plan, marks_of(schema._schema))


def test_the_schema_itself_weighs_as_one_field_however_much_of_it_is_asked_for() -> None:
    assert both("{ __schema { types { name fields { name args { name type { name ofType { name } } } } } } }") == (1.0, 1.0)


# ── persons, keys, calls, fees ───────────────────────────────────────────────────────────────────────────────────────────


def test_persons_are_the_keys_that_root_fields_name_of_types_about_people() -> None:
    text = 'query Q($codes: [String!]!) { person(code: "a") { father { code name } } people(codes: $codes) { code name } users(max: 9) { name } }'  # noqa: E501 - one query
    made, variables = costed(text, {"codes": ["a", "b", "c"]})
    assert made.persons(variables) == 4


class Hidden:
    """Lets one field not be read."""

    def refusal(self, parent: str, field: str) -> ForbiddenField | None:
        return ForbiddenField("not for you") if (parent, field) == ("Person", "father") else None

    def screens(self, coordinates: Any) -> dict[Any, Any]:  # noqa: ARG002 - the protocol's
        return {}


def test_a_field_that_may_not_be_read_costs_nothing() -> None:
    text = '{ person(code: "a") { name father { name } } }'
    document = SCHEMA.documents.document(text)
    operation: Any = document.operation(None)
    variables: Any = document.variables_of(operation, SCHEMA._schema).coerce(None)
    made = costing(SCHEMA.documents.plan(document, operation, variables, Hidden()), MARKS)
    assert (made.type_cost(variables), made.field_cost(variables)) == (2.0, 1.0)
    assert made.keys(variables) == {"register": 1}
    assert made.fee(variables) == 300


def test_a_root_field_that_may_give_a_person_counts_as_one() -> None:
    made, variables = costed("{ anybody { ... on User { name } } }")
    assert made.persons(variables) == 1


def test_keys_and_calls_are_counted_by_system_as_the_plan_explains_them() -> None:
    codes = [str(number) for number in range(45)]
    made, variables = costed("query Q($codes: [String!]!) { people(codes: $codes) { name father { name } } }", {"codes": codes})
    assert made.keys(variables) == {"register": 90}
    assert made.calls(variables) == 2 * math.ceil(45 / 20)


def test_a_fee_counts_for_each_value_that_can_come() -> None:
    made, variables = costed("query Q($codes: [String!]!) { people(codes: $codes) { name names father { name } } }", {"codes": ["a", "b"]})
    assert made.fees(variables) == {"register": 2 * (300 + 4 * 10 + 300)}
    assert made.fee(variables) == 1_280


# ── the same as a slow reckoning ─────────────────────────────────────────────────────────────────────────────────────────


def written(schema: FastSchema, seed: int) -> Any:
    """Let the author write a document that can be run, with its variables; None where it cannot."""
    random = Random(seed)  # noqa: S311 - data of a test
    scalars = SCALARS | {name: list(values) for name, values in TEXTS.items()}
    author = Author(schema._schema, random, depth=random.choice([2, 4, 5]), width=3, scalars=scalars, budget=random.choice([8, 25]))
    document = schema.documents.document(author.document("mutation" if schema._schema.mutation_type and seed % 6 == 0 else "query"))
    operation = document.operation(None)
    if document.errors or isinstance(operation, GraphQLError):
        return None
    variables = document.variables_of(operation, schema._schema).coerce(author.variables)
    if isinstance(variables, list) or document.steered_by_null(variables):
        return None
    return document, operation, variables


@pytest.mark.parametrize("part", range(8))
def test_every_cost_is_what_a_slow_reckoning_gives(part: int) -> None:
    compared = 0
    schemas = [kitchen_sink(), product()]
    for schema in schemas:
        schema.configure(limits=WIDE)
    seed = part * 1_000_000
    while compared < CASES // 8:
        seed += 1
        schema = schemas[seed % 2]
        found = written(schema, seed)
        if found is None:
            continue
        compared += 1
        document, operation, variables = found
        marks = Drawn(schema._schema, seed % 997)
        made = costing(schema.documents.plan(document, operation, variables), marks)
        slow = Reckoning(schema._schema, marks, document, operation, variables)
        sums = slow.whole()
        assert Fraction(made.type_cost(variables)).limit_denominator(1_000) == sums.type_cost, seed
        assert Fraction(made.field_cost(variables)).limit_denominator(1_000) == sums.field_cost, seed
        assert made.cost(variables) == max(math.ceil(max(sums.type_cost, sums.field_cost)), 0), seed
        assert made.persons(variables) == slow.persons(), seed
        assert dict(made.fees(variables)) == sums.fees, seed


def test_keys_and_calls_agree_with_the_explained_plan_where_no_directive_says_otherwise() -> None:
    schema = product()
    schema.configure(limits=WIDE)
    bare = Marks({}, {})
    compared = 0
    for seed in range(1_000_000, 1_000_400):
        found = written(schema, seed)
        if found is None:
            continue
        document, operation, variables = found
        plan = schema.documents.plan(document, operation, variables)
        made, told = costing(plan, bare), explain(plan, variables)
        by_system: dict[str, int] = {}
        for wave in told.waves:
            for step in wave.batches:
                by_system[step.system] = by_system.get(step.system, 0) + step.keys
        assert dict(made.keys(variables)) == by_system
        assert made.calls(variables) == told.calls
        compared += 1
    assert compared > 200


# ── never slow ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_plan_is_costed_once_and_kept() -> None:
    costings = Costings(MARKS)
    plan, _ = planned(SCHEMA, "{ users(max: 5) { age } }")
    assert costings.of(plan) is costings.of(plan)


def test_a_plan_that_is_too_large_to_be_added_up_is_too_dear_and_that_is_known_soon() -> None:
    schema = kitchen_sink()
    schema.configure(limits=replace(WIDE, fields=10_000_000))
    deep = [
        f"fragment F{n} on Cat {{ a: friend {{ ... on Cat {{ ...F{n + 1} }} }} b: friend {{ ... on Cat {{ ...F{n + 1} }} }} }}"
        for n in range(18)
    ]
    text = "{ manyLater { ... on Cat { ...F0 } } } " + " ".join(deep) + " fragment F18 on Cat { __typename }"
    plan, variables = planned(schema, text)
    made = costing(plan, marks_of(schema._schema))
    assert made.cost(variables) > 1_000_000
    assert len(made._sizes) == FIELDS_AT_MOST


def test_an_explained_plan_quotes_the_cost_and_counts_lists_as_its_costing_does() -> None:
    text = "query Q($codes: [String!]!) { people(codes: $codes) { name names father { name } } }"
    found = explained(SCHEMA, text, {"codes": ["a", "b"]}, quoting=Costings(MARKS).of)

    assert isinstance(found, Explanation)
    assert found.quote == Quote(cost=5, persons=2, fees={"register": 1_280})
    assert "\nestimated cost 5, 2 people, fees of at most 1280 VND (register 1280)\n" in found.text()


def test_an_explained_plan_believes_what_the_schema_says_of_the_length_of_a_list() -> None:
    text = "{ crowd { father { name } } }"
    plain, quoted = explained(SCHEMA, text), explained(SCHEMA, text, quoting=Costings(MARKS).of)

    assert isinstance(plain, Explanation)
    assert isinstance(quoted, Explanation)
    assert [found.waves[0].batches[0].keys for found in (plain, quoted)] == [10, 60]
