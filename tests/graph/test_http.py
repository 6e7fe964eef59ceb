"""GraphQL over HTTP: status codes, media types and bounds, as the specification says."""

import asyncio
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from graph.access.asker import OURSELVES
from graph.errors import BadInput
from graph.execution.documents import Limits
from graph.execution.schema import FastSchema
from graph.gateway import Gateway, GraphQLRequest
from graph.http import GraphQLEndpoint
from graph.loading.loaders import Sources
from graph.overload import Overload
from graph.settings import GatewaySettings
from graph.upstream.priority import NAMED, Priority
from tests.doors import OpenDoor, open_gateway

RESPONSE_JSON = "application/graphql-response+json"


@strawberry.type
class Query:
    @strawberry.field
    def greeting(self, name: str = "you", times: int = 1) -> str:
        return f"Hello {name}" * times

    @strawberry.field
    def failing(self) -> str | None:
        raise ValueError("personal data 099085000002")

    @strawberry.field
    def strict(self) -> str:
        raise ValueError("personal data 099085000002")


@strawberry.type
class Mutation:
    @strawberry.mutation
    def change(self) -> str:
        return "changed"


def endpoint_of(gateway: Gateway, max_body_bytes: int) -> GraphQLEndpoint:
    settings = GatewaySettings(max_body_bytes=max_body_bytes)
    return GraphQLEndpoint(gateway, OpenDoor(), settings, Overload(settings))


def client(max_body_bytes: int = 2_000) -> httpx.AsyncClient:
    schema = FastSchema(Query, Mutation)
    schema.configure(limits=Limits(documents=16, tokens=200))
    endpoint = endpoint_of(open_gateway(schema, Sources({}, {})), max_body_bytes)
    return httpx.AsyncClient(transport=httpx.ASGITransport(endpoint), base_url="http://gateway")


async def post(body: Any, **headers: str) -> httpx.Response:
    async with client() as door:
        return await door.post("/graphql", json=body, headers=headers)


async def test_a_query_is_answered() -> None:
    response = await post({"query": "query($n: String!) { greeting(name: $n) }", "variables": {"n": "Thư"}}, accept=RESPONSE_JSON)

    assert response.status_code == 200
    assert response.headers["content-type"] == f"{RESPONSE_JSON}; charset=utf-8"
    assert response.json() == {"data": {"greeting": "Hello Thư"}}


async def test_the_operation_is_chosen_by_name() -> None:
    two = 'query A { greeting } query B { greeting(name: "b") }'

    assert (await post({"query": two, "operationName": "B"})).json() == {"data": {"greeting": "Hello b"}}
    unnamed = await post({"query": two}, accept=RESPONSE_JSON)
    assert unnamed.status_code == 400
    assert "data" not in unnamed.json()
    unknown = await post({"query": two, "operationName": "C"}, accept=RESPONSE_JSON)
    assert unknown.status_code == 400


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        (RESPONSE_JSON, RESPONSE_JSON),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("application/*;q=0.5", "application/json"),
        (f"application/json, {RESPONSE_JSON}", RESPONSE_JSON),
        (f"{RESPONSE_JSON};q=0.5, application/json", "application/json"),
        (f"text/html, {RESPONSE_JSON};charset=utf-8, */*;q=0.1", RESPONSE_JSON),
    ],
)
async def test_the_media_type_is_the_one_that_the_client_likes_best(accept: str, given: str) -> None:
    response = await post({"query": "{ greeting }"}, accept=accept)

    assert response.headers["content-type"] == f"{given}; charset=utf-8"


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*", "application/json;q=x"])
async def test_a_client_that_takes_neither_media_type_is_told_so(accept: str) -> None:
    assert (await post({"query": "{ greeting }"}, accept=accept)).status_code == 406


@pytest.mark.parametrize("document", ["{ greeting", "{ nothing }", "query($n: Int!) { greeting(times: $n) }", '{ greeting(times: "x") }'])
async def test_a_document_that_cannot_be_run_is_refused_without_data(document: str) -> None:
    strict = await post({"query": document}, accept=RESPONSE_JSON)
    older = await post({"query": document}, accept="application/json")

    assert (strict.status_code, older.status_code) == (400, 200)
    assert strict.json() == older.json()
    assert "data" not in strict.json()
    assert strict.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "body",
    [{}, {"query": None}, {"query": 1}, {"query": "{ greeting }", "variables": "x"}, {"query": "{ greeting }", "operationName": 1},
     {"query": "{ greeting }", "extensions": "x"}, [], [{"query": "{ greeting }"}], "x"],
)  # fmt: skip
async def test_a_body_that_is_no_request_is_refused(body: Any) -> None:
    for accept in (RESPONSE_JSON, "application/json"):
        response = await post(body, accept=accept)
        assert response.status_code == 400
        assert response.json()["errors"][0]["message"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 1_500, b'{"query": "\xff"}'])
async def test_a_body_that_is_no_json_is_refused(content: bytes) -> None:
    async with client() as door:
        response = await door.post("/graphql", content=content, headers={"content-type": "application/json"})

    assert response.status_code == 400


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"])
async def test_another_content_type_is_refused(content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    async with client() as door:
        response = await door.post("/graphql", content=b'{"query": "{ greeting }"}', headers=headers)

    assert response.status_code == 415


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_long_is_refused(*, announced: bool) -> None:
    body = b'{"query": "{ greeting }", "x": "' + b"x" * 3_000 + b'"}'

    async def parts() -> Any:
        yield body

    async with client() as door:
        response = await door.post("/graphql", content=body if announced else parts(), headers={"content-type": "application/json"})

    assert response.status_code == 413


async def test_a_query_may_come_by_get() -> None:
    async with client() as door:
        query, variables = quote("query Q($n: String) { greeting(name: $n) }"), quote('{"n": "b"}')
        response = await door.get(f"/graphql?query={query}&variables={variables}&operationName=Q&extensions={quote('{}')}")

    assert response.status_code == 200
    assert response.json() == {"data": {"greeting": "Hello b"}}


async def test_a_mutation_is_run_by_post_only() -> None:
    async with client() as door:
        refused = await door.get("/graphql?query=mutation{change}")

    assert refused.status_code == 405
    assert refused.headers["allow"] == "POST"
    assert "data" not in refused.json()
    assert (await post({"query": "mutation { change }"})).json() == {"data": {"change": "changed"}}


@pytest.mark.parametrize(
    "query", ["", "variables={}", "query=&variables=", "query={greeting}&variables=x", "query={greeting}&variables=[]", "query=%ff"]
)
async def test_a_get_that_is_no_request_is_refused(query: str) -> None:
    async with client() as door:
        response = await door.get(f"/graphql?{query}", headers={"accept": RESPONSE_JSON})

    assert response.status_code == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_other_methods_are_refused(method: str) -> None:
    async with client() as door:
        response = await door.request(method, "/graphql")

    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"


async def test_a_failing_field_is_null_with_an_error_that_says_nothing_of_the_inside() -> None:
    response = await post({"query": "{ greeting failing }"}, accept=RESPONSE_JSON)

    assert response.status_code == 200
    assert response.json()["data"] == {"greeting": "Hello you", "failing": None}
    [error] = response.json()["errors"]
    assert error["path"] == ["failing"]
    assert error["extensions"] == {"code": "INTERNAL", "retryable": False}
    assert "099085000002" not in response.text


async def test_null_that_reaches_the_root_is_still_an_execution() -> None:
    response = await post({"query": "{ strict }"}, accept=RESPONSE_JSON)

    assert response.status_code == 200
    assert response.json()["data"] is None
    assert response.json()["errors"][0]["path"] == ["strict"]


async def test_a_document_with_too_many_tokens_is_refused_while_it_is_read() -> None:
    response = await post({"query": "{" + " a" * 300 + "}"}, accept=RESPONSE_JSON)

    assert response.status_code == 400
    assert "tokens" in response.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ('{ greeting(times: "099085000002") }', None),
        ("query($n: Int!) { greeting(times: $n) }", {"n": "099085000002"}),
        ("query($n: String!) { greeting(name: $n) }", {"n": {"id": "099085000002"}}),
        ('{ greeting "099085000002" }', None),
        ('{ greeting(name: "099085000002', None),
        ("{ greeting(name: 099085000002) }", None),
        ('{ greeting(name: """099085000002""" }', None),
        ('query($n: [Int!]) { greeting } fragment F on Query @include(if: "099085000002") { greeting }', None),
    ],
)
async def test_no_message_quotes_a_value(document: str, variables: dict[str, Any] | None) -> None:
    response = await post({"query": document, "variables": variables}, accept=RESPONSE_JSON)

    assert response.status_code == 400
    assert "099085000002" not in response.text
    assert "85000002" not in response.text


async def test_the_answer_carries_the_requests_id() -> None:
    assert (await post({"query": "{ greeting }"}, **{"x-request-id": "abc-1"})).headers["x-request-id"] == "abc-1"
    forged = (await post({"query": "{ greeting }"}, **{"x-request-id": "a b;c"})).headers["x-request-id"]
    assert len(forged) == 32


async def test_a_client_that_leaves_while_sending_is_left_alone() -> None:
    schema = FastSchema(Query)
    endpoint = endpoint_of(open_gateway(schema, Sources({}, {})), 1_000)
    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")], "query_string": b""}
    await endpoint(scope, receive, send)

    assert sent == []


async def test_a_variable_that_breaks_a_rule_is_told_the_rule() -> None:
    class Code(str):
        __slots__ = ()

    def parse(_value: object) -> Code:
        raise BadInput("Code: expected 3 letters")

    @strawberry.type
    class Root:
        @strawberry.field
        def echo(self, code: Code) -> str:
            return code

    scalar = strawberry.scalar(name="Code", serialize=str, parse_value=parse)
    schema = FastSchema(Root, config=StrawberryConfig(scalar_map={Code: scalar}))
    gateway = open_gateway(schema, Sources({}, {}))

    by_variable = await gateway.answer(
        GraphQLRequest("query($c: Code!) { echo(code: $c) }", variables={"c": "099085000002"}), request_id="r", asker=OURSELVES
    )
    by_literal = await gateway.answer(GraphQLRequest('{ echo(code: "099085000002") }'), request_id="r", asker=OURSELVES)

    assert [answer.payload["errors"][0]["message"] for answer in (by_variable, by_literal)] == [
        "Variable '$c': Code: expected 3 letters",
        "Code: expected 3 letters",
    ]


async def test_an_answer_that_cannot_be_written_is_a_fault_of_ours_in_json() -> None:
    class Odd:
        pass

    scalar = strawberry.scalar(name="Odd", serialize=lambda value: {value})

    @strawberry.type
    class Root:
        odd: Odd = strawberry.field(resolver=Odd)

    schema = FastSchema(Root, config=StrawberryConfig(scalar_map={Odd: scalar}))
    endpoint = endpoint_of(open_gateway(schema, Sources({}, {})), 1_000)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(endpoint), base_url="http://gateway") as door:
        response = await door.post("/graphql", json={"query": "{ odd }"})

    assert response.status_code == 500
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL"


@pytest.mark.parametrize(
    ("asked", "taken"),
    [(None, "caseworker"), ("batch", "batch"), ("BATCH", "batch"), ("citizen", "caseworker"), ("nonsense", "caseworker")],
)
async def test_a_client_may_make_itself_less_urgent_than_its_class_and_never_more(asked: str | None, taken: str) -> None:
    settings = GatewaySettings()
    overload = Overload(settings)
    door_of_officials = OpenDoor(OURSELVES._replace(priority=Priority.CASEWORKER))
    endpoint = GraphQLEndpoint(open_gateway(FastSchema(Query), Sources({}, {})), door_of_officials, settings, overload)
    for name, priority in NAMED.items():
        overload.under_way[priority] = 0 if name == taken else 100_000
    async with httpx.AsyncClient(transport=httpx.ASGITransport(endpoint), base_url="http://gateway") as door:
        headers = {} if asked is None else {"x-priority": asked}
        response = await door.post("/graphql", json={"query": "{ greeting }"}, headers=headers)

    assert response.status_code == 200


async def test_who_is_sent_away_is_told_when_to_come_again_and_nothing_is_read() -> None:
    settings = GatewaySettings(max_requests=1)
    overload = Overload(settings)
    overload.begin(Priority.CITIZEN)
    endpoint = GraphQLEndpoint(open_gateway(FastSchema(Query), Sources({}, {})), OpenDoor(), settings, overload)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(endpoint), base_url="http://gateway") as door:
        response = await door.post("/graphql", content=b"not even JSON")

    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.json()["errors"][0]["extensions"] == {"code": "SHED", "retryable": True, "retryAfterMs": 1_000}
    assert overload.total == 1
