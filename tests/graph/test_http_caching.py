"""What the answers say about being kept outside, and who may share them."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import strawberry

from graph.access.asker import OURSELVES, Asker
from graph.execution.schema import FastSchema
from graph.http import GraphQLEndpoint
from graph.loading.cache import wall_clock
from graph.loading.sharing import Caller
from graph.overload import Overload
from graph.seam import Provenance, field, link
from graph.settings import GatewaySettings
from tests.doors import OpenDoor, open_gateway
from tests.graph.loading.register import Door, Person, Register, down

QUERY = '{ row(code: "a") { name } }'


class ByPurpose(OpenDoor):
    """An entrance that takes everybody's word for the purpose."""

    def known(self, _scope: Mapping[str, Any], headers: Mapping[bytes, bytes], /) -> Asker:
        return OURSELVES._replace(caller=Caller("office", headers.get(b"x-purpose", b"").decode()))


def client(register: Register, **knobs: Any) -> httpx.AsyncClient:
    """Make a gateway over a register, and a client of it."""

    def code(_root: None, code: str) -> Person:
        return Person(code)

    @strawberry.type
    class Origin:
        system: str = field("System.")
        age_seconds: int = field("Age.")
        stale: bool = field("Stale.")

    @strawberry.type
    class Row:
        name: str = field("Name.")
        provenance: Origin | None = field("Origin.")

    @strawberry.type
    class Query:
        row: Row | None = link(register.batch, key=code, description="A row.")

    door = Door(register, clock=wall_clock, jitter=0, **{"ttl_seconds": 600, **knobs})
    settings = GatewaySettings(max_body_bytes=2_000)
    endpoint = GraphQLEndpoint(open_gateway(FastSchema(Query), door.sources), ByPurpose(), settings, Overload(settings))
    return httpx.AsyncClient(transport=httpx.ASGITransport(endpoint), base_url="http://gateway")


def public() -> Register:
    return Register(sharing="shared", personal=False)


async def get(door: httpx.AsyncClient, query: str = QUERY, **headers: str) -> httpx.Response:
    return await door.get("/graphql", params={"query": query}, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def test_a_public_answer_may_be_kept_as_long_as_its_data_is_fresh_and_is_confirmed_by_its_tag() -> None:
    async with client(public()) as door:
        first = await get(door)
        assert first.headers["cache-control"] == "public, max-age=599"
        assert (first.headers["age"], first.headers["vary"]) == ("0", "accept, authorization, x-api-key, x-purpose")

        again = await get(door, if_none_match=first.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert (await get(door, if_none_match='"other"')).status_code == 200
        assert (await get(door, '{ row(code: "b") { name } }')).headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize(
    ("register", "query"),
    [
        (Register(), QUERY),
        (public(), "{ __typename }"),
        (public(), "{ nonsense }"),
    ],
    ids=["personal", "nothing asked", "refused"],
)
async def test_everything_else_may_not_be_kept(register: Register, query: str) -> None:
    async with client(register) as door:
        answer = await get(door, query)
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


async def test_an_answer_with_an_error_may_not_be_kept() -> None:
    register = public()
    register.down = down()
    async with client(register) as door:
        answer = await get(door)
        assert answer.json()["errors"]
        assert answer.headers["cache-control"] == "no-store"


async def test_personal_data_may_be_kept_by_the_caller_where_the_settings_allow_it() -> None:
    async with client(Register(), client_cache="private") as door:
        assert (await get(door)).headers["cache-control"] == "private, max-age=599"


async def test_provenance_is_answered_on_both_engines() -> None:
    for engine in ("fast", "reference"):
        register = Register()
        async with client(register) as door:
            endpoint: Any = door._transport.app  # type: ignore[attr-defined]  # the transport of the test
            endpoint.gateway.schema.configure(engine=engine)
            answer = await get(door, '{ row(code: "a") { provenance { system ageSeconds stale } } }')
            assert answer.json() == {"data": {"row": {"provenance": {"system": "register", "ageSeconds": 0, "stale": False}}}}


async def test_a_call_is_shared_for_one_purpose_and_not_for_two() -> None:
    for purposes, calls in ((("tax", "tax"), 1), (("tax", "pension"), 2)):
        register = Register(seconds=0.05)
        async with client(register) as door:
            await asyncio.gather(*(get(door, x_purpose=purpose) for purpose in purposes))
        assert register.asked("a") == calls


def test_provenance_names_what_the_schema_shows() -> None:
    assert {"system", "fetched_at", "age_seconds", "stale", "message_id"} <= set(dir(Provenance))
