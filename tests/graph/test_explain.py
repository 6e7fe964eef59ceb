"""Explaining a query: which systems, in which order, how often; before it is run and after."""

from collections.abc import Mapping, Sequence

import msgspec
import pytest
import strawberry
from graphql import GraphQLError

from graph.access.asker import OURSELVES
from graph.context import RequestContext
from graph.errors import SystemUnavailable
from graph.execution.explain import ASSUMED_ITEMS, Traced, explained
from graph.execution.explanation import BatchStep, Explanation, LinkFigures, LinkStep, Wave
from graph.execution.schema import Engine, FastSchema
from graph.gateway import Gateway, GraphQLRequest
from graph.loading.cache import ResolverCache
from graph.loading.loaders import Loaders, Sources
from graph.loading.trace import TracedLoaders
from graph.seam import Record, System, Upstream, batch_many, batch_one, field, link, link_each, wire
from graph.settings import BatchSettings
from tests.doors import open_gateway
from tests.lines import REGISTER, line, lines

PEOPLE = System("people", title="People", owner="An agency", protocol="SOAP")


class PersonRecord(Record):
    code: str = wire("MA")
    mother_code: str | None = wire("ME")


class HouseRecord(Record):
    number: str = wire("SO")
    owner_code: str = wire("CHU")


@batch_one(PEOPLE, max_keys=2)
async def person_by_code(_upstream: Upstream, codes: Sequence[str]) -> Mapping[str, PersonRecord]:
    if "down" in codes:
        raise SystemUnavailable("people", "is down")
    return {code: PersonRecord(code=code, mother_code="m" if code != "m" else None) for code in codes}


@batch_many(REGISTER, max_keys=50)
async def houses_by_owner(_upstream: Upstream, codes: Sequence[str]) -> Mapping[str, tuple[HouseRecord, ...]]:
    return {code: tuple(HouseRecord(number=f"{code}{number}", owner_code=code) for number in range(3)) for code in codes}


def own(_root: None, code: str) -> str:
    return code


def several(_root: None, codes: list[str]) -> list[str]:
    return codes


@strawberry.type
class House:
    number: str = field("Number.")
    owner: "Person | None" = link(person_by_code, key="owner_code", proves="code", description="Owner.")

    @strawberry.field
    def colour(self) -> str:
        return "red"


@strawberry.type
class Person:
    code: str = field("Code.")
    mother: "Person | None" = link(person_by_code, key="mother_code", description="Mother.")
    houses: list[House] | None = link(houses_by_owner, key="code", description="Houses.")


@strawberry.type
class Query:
    person: Person | None = link(person_by_code, key=own, description="A person.")
    people: list[Person | None] | None = link_each(person_by_code, keys=several, at_most=5, description="People.")


SCHEMA = FastSchema(query=Query)


def explanation(query: str, **variables: object) -> Explanation:
    found = explained(SCHEMA, query, variables)
    assert isinstance(found, Explanation)
    return found


def links(found: Explanation) -> dict[str, LinkStep]:
    return {each.path: each for wave in found.waves for step in wave.batches for each in step.links}


def step(wave: Wave, batch: str) -> BatchStep:
    return next(step for step in wave.batches if step.batch == batch)


def figures(found: Explanation, path: str) -> LinkFigures:
    did = links(found)[path].measured
    assert did is not None
    return did


def gateway(engine: Engine = "fast") -> Gateway:
    schema = FastSchema(query=Query)
    schema.configure(engine=engine)
    unused = line(lambda _request: pytest.fail("no call was expected"))
    caches = {batch: ResolverCache(batch, BatchSettings()) for batch in (person_by_code, houses_by_owner)}
    return open_gateway(schema, Sources(lines({"people": unused, "register": unused}), caches))


async def analysed(asked: Gateway, query: str, **variables: object) -> Explanation:
    request = GraphQLRequest(query, variables=dict(variables), extensions={"plan": "analyse"})
    answer = await asked.answer(request, request_id="r", asker=OURSELVES)
    return msgspec.convert(answer.payload["extensions"]["plan"], Explanation)


# ── before it is run ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_links_that_can_start_together_are_one_wave() -> None:
    found = explanation('{ person(code: "a") { code mother { code houses { number } } houses { number } } }')

    assert [[step.batch for step in wave.batches] for wave in found.waves] == [
        ["person_by_code"], ["person_by_code", "houses_by_owner"], ["houses_by_owner"],
    ]  # fmt: skip
    assert (found.engine, found.fields, found.calls) == ("fast", 8, 4)


def test_a_link_is_named_by_its_path_and_by_its_field() -> None:
    found = explanation('{ me: person(code: "a") { houses { owner { mother { code } } } } }')

    assert links(found)["me.houses[].owner.mother"].field == "Person.mother"
    assert step(found.waves[0], "person_by_code").protocol == "SOAP"
    assert step(found.waves[1], "houses_by_owner").system == "register"


def test_links_of_a_wave_share_the_calls_of_their_batch_function() -> None:
    found = explanation('{ a: person(code: "a") { code } b: person(code: "b") { code } c: person(code: "c") { code } }')

    shared = step(found.waves[0], "person_by_code")
    assert (shared.keys, shared.calls, len(shared.links)) == (3, 2, 3)


def test_a_list_of_unknown_length_counts_with_an_assumed_number() -> None:
    found = explanation('{ person(code: "a") { houses { owner { mother { code } } } } }')

    owner = links(found)["person.houses[].owner"]
    assert owner.under_list
    assert owner.keys == ASSUMED_ITEMS == found.assumed_items
    assert step(found.waves[2], "person_by_code").calls == ASSUMED_ITEMS / 2
    assert "counting 10 items" in found.text()


def test_keys_that_the_caller_lists_are_counted() -> None:
    query = "query($codes: [String!]!) { people(codes: $codes) { houses { number } } }"

    assert links(explanation(query, codes=["a", "b", "c"]))["people[].houses"].keys == 3
    assert links(explanation(query))["people[].houses"].keys == ASSUMED_ITEMS


def test_a_link_whose_key_proves_the_record_costs_no_call() -> None:
    found = explanation('{ person(code: "a") { houses { owner { code } } } }')

    owner = links(found)["person.houses[].owner"]
    assert owner.free
    assert owner.keys == 0
    assert found.waves[2].calls == 0
    assert "no call: the key proves the record" in found.text()


def test_hand_written_resolvers_are_named() -> None:
    assert explanation('{ person(code: "a") { houses { colour } } }').resolvers == ("House.colour",)


def test_fields_that_are_left_out_are_not_planned() -> None:
    query = 'query($with: Boolean!) { person(code: "a") { code houses @include(if: $with) { number } } }'

    assert "person.houses" not in links(explanation(query, **{"with": False}))
    unsure = explanation(query)
    assert "person.houses" in links(unsure)
    assert unsure.assumed_variables == ("with",)
    assert "not given, so taken as true: $with" in unsure.text()


def test_what_the_engine_does_not_take_says_why() -> None:
    schema = FastSchema(query=Query)
    schema.configure(engine="reference")
    found = explained(schema, '{ person(code: "a") { code } }')

    assert isinstance(found, Explanation)
    assert (found.engine, found.reason) == ("reference", "the settings say so")


def test_a_query_without_links_has_no_waves() -> None:
    found = explanation("{ __typename }")

    assert found.waves == ()
    assert "no links, so no calls" in found.text()


@pytest.mark.parametrize("query", ["{ nothing }", "{", "query A { __typename } query B { __typename }"])
def test_what_cannot_be_run_is_not_explained(query: str) -> None:
    found = explained(SCHEMA, query)

    assert isinstance(found, list)
    assert isinstance(found[0], GraphQLError)


def test_an_explanation_is_drawn_as_a_tree() -> None:
    assert explanation('query Mine { person(code: "a") { houses { number } } }').text() == (
        "query Mine: 3 fields, fast engine\n"
        "2 waves, at most 2 calls, nothing cached\n"
        "├─ wave 1: 1 call\n"
        "│  └─ people (SOAP) person_by_code: 1 key, 1 call, up to 2 keys a call\n"
        "│     └─ person  Query.person  1 key\n"
        "└─ wave 2: 1 call\n"
        "   └─ register (REST) houses_by_owner: 1 key, 1 call, up to 50 keys a call\n"
        "      └─ person.houses  Person.houses  1 key\n"
    )


# ── after it was run ─────────────────────────────────────────────────────────────────────────────────────────────────────

FAMILY = "query($codes: [String!]!) { people(codes: $codes) { code mother { code } houses { number } } }"


async def test_each_link_says_how_many_keys_it_asked_for_and_which_calls_that_took() -> None:
    found = await analysed(gateway(), FAMILY, codes=["a", "b", "c"])

    people, mothers = figures(found, "people"), figures(found, "people[].mother")
    assert (people.keys, people.distinct, people.calls) == (3, 3, 2)
    assert (mothers.keys, mothers.distinct, mothers.calls) == (3, 1, 1)
    assert people.start <= people.end <= mothers.end
    assert found.measured is not None
    assert [(call.batch, call.keys) for call in found.measured.calls][:2] == [("person_by_code", 2), ("person_by_code", 1)]
    assert sum(call.keys for call in found.measured.calls) == 3 + 1 + 3
    assert all(call.outcome == "OK" and call.start >= 0 for call in found.measured.calls)
    assert found.measured.processor_milliseconds > 0
    assert "█" in found.text()


async def test_what_the_cache_or_another_link_had_needs_no_call() -> None:
    asked = gateway()
    await analysed(asked, FAMILY, codes=["a"])

    found = await analysed(
        asked, "query($codes: [String!]!) { people(codes: $codes) { mother { code } } again: people(codes: $codes) { code } }", codes=["a"]
    )

    assert found.measured is not None
    assert found.measured.calls == ()
    assert (figures(found, "people").cached, figures(found, "again").known) == (1, 1)
    assert figures(found, "people[].mother").cached == 1
    assert {did.calls for each in links(found).values() if (did := each.measured)} == {0}


async def test_a_call_that_failed_says_so_and_holds_no_value() -> None:
    found = await analysed(gateway(), "query($code: String!) { person(code: $code) { code houses { number } } }", code="down")

    assert found.measured is not None
    assert [call.outcome for call in found.measured.calls] == ["UPSTREAM_UNAVAILABLE"] * 2  # and once more
    assert links(found)["person.houses"].measured is None
    assert "UPSTREAM_UNAVAILABLE" in found.text()


async def test_on_the_reference_engine_the_calls_are_still_known() -> None:
    found = await analysed(gateway("reference"), FAMILY, codes=["a"])

    assert (found.engine, found.reason) == ("reference", "the settings say so")
    assert found.measured is not None
    assert len(found.measured.calls) == 3
    assert figures_known(found) == []


def figures_known(found: Explanation) -> list[str]:
    return [path for path, each in links(found).items() if each.measured is not None]


async def test_no_key_stands_in_an_analysis() -> None:
    found = await analysed(gateway(), FAMILY, codes=["personal-one", "personal-two"])

    assert "personal" not in found.text()


async def test_an_analysed_query_has_the_answer_of_any_other() -> None:
    request = GraphQLRequest(FAMILY, variables={"codes": ["a", "b", "a"]})
    usual = await gateway().answer(request, request_id="r", asker=OURSELVES)
    plan = await gateway().answer(
        GraphQLRequest(FAMILY, variables={"codes": ["a", "b", "a"]}, extensions={"plan": True}), request_id="r", asker=OURSELVES
    )
    traced = await gateway().answer(
        GraphQLRequest(FAMILY, variables={"codes": ["a", "b", "a"]}, extensions={"plan": "analyse"}), request_id="r", asker=OURSELVES
    )

    assert usual.payload["data"] == plan.payload["data"] == traced.payload["data"]
    assert "extensions" not in usual.payload
    assert "measured" not in plan.payload["extensions"]["plan"]
    assert "measured" in traced.payload["extensions"]["plan"]


async def test_a_refused_request_has_no_plan() -> None:
    answer = await gateway().answer(GraphQLRequest("{ nothing }", extensions={"plan": True}), request_id="r", asker=OURSELVES)

    assert set(answer.payload) == {"errors"}


async def test_only_a_traced_request_keeps_what_links_asked_for() -> None:
    asked = gateway()
    loaders = Loaders(asked.sources)
    await asked.schema.execute(FAMILY, {"codes": ["a"]}, RequestContext(loaders))
    traced = TracedLoaders(asked.sources)
    await asked.schema.execute(FAMILY, {"codes": ["b"]}, RequestContext(traced))

    assert not hasattr(loaders, "links")
    assert len(traced.links) == 3
    found = explained(asked.schema, FAMILY, {"codes": ["b"]}, run=Traced(traced, 0.0, 1.0, 1.0))
    assert isinstance(found, Explanation)
    assert len(figures_known(found)) == 3
