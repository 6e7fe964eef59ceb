"""The entrance: who came in comes in again by one look, in the same way as the first time, and no longer than it may; nobody else does."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from graph.access.asker import Asker
from graph.access.entrance import MOST_SEEN, SEEN_SECONDS, Entrance
from graph.access.identity import Identities, Presenting
from graph.access.keys import new_key
from graph.access.policy import Policy
from graph.access.registry import Consumer, Purpose, Registry
from graph.access_settings import AccessSettings
from graph.errors import BadInput, PurposeRequired, Unauthenticated
from graph.loading.sharing import ANYBODY, Caller
from schema import schema

NOW = 1_800_000_000.0
KEY, STORED = new_key()
FIELDS = frozenset({"Query.citizen", "Citizen.fullName"})
PURPOSES = {
    "lookup": Purpose("lookup", "Look up", "statutory", "A law", FIELDS),
    "birth": Purpose("birth", "Register a birth", "statutory", "A law", FIELDS, requires=frozenset({"official", "case"})),
}
OFFICE = Consumer("office", "An office", "state", dict.fromkeys(PURPOSES), default_purpose="lookup", keys=(STORED,))


class Gate:
    """An entrance at a time that a test sets, under a registry that it changes."""

    def __init__(self) -> None:
        self.now = NOW
        self.registry = Registry(1, "first", frozenset(), PURPOSES, {"office": OFFICE})
        self.policy = Policy(schema.documents.schema, (), lambda: self.registry, clock=lambda: self.now)
        identities = Identities(AccessSettings(), lambda: self.registry, clock=lambda: self.now)
        self.entrance = Entrance(Presenting(None), identities, self.policy, lambda: self.registry, clock=lambda: self.now)

    def change(self, **changed: Any) -> None:
        """Let a new version of the registry hold."""
        consumer = msgspec.structs.replace(OFFICE, **changed)
        self.registry = msgspec.structs.replace(self.registry, digest=f"{self.registry.digest}+", consumers={"office": consumer})

    def known(self, **more: str) -> Asker | None:
        scope, headers = head(**more)
        return self.entrance.known(scope, headers)

    async def asks(self, **more: str) -> Asker:
        scope, headers = head(**more)
        return self.entrance.known(scope, headers) or await self.entrance.asker(scope, headers)


def head(**more: str) -> tuple[dict[str, Any], dict[bytes, bytes]]:
    """Write a request's head, with headers named as Python names."""
    headers = {b"x-api-key": KEY.encode(), **{name.replace("_", "-").encode(): value.encode() for name, value in more.items()}}
    return {"headers": list(headers.items()), "client": ("127.0.0.1", 1)}, headers


@pytest.fixture
async def gate() -> Gate:
    gate = Gate()
    assert gate.known() is None
    await gate.asks()
    return gate


async def test_who_came_in_is_taken_for_the_same_the_next_time(gate: Gate) -> None:
    first = gate.known()
    assert first is not None
    assert first.caller == Caller("office", "lookup")
    assert gate.known() is first
    gate.now += SEEN_SECONDS
    again = gate.known()
    assert again == first
    assert again is not first


async def test_each_header_that_says_what_for_makes_another_asker(gate: Gate) -> None:
    told = {"x_purpose": "birth", "x_road_userid": "VN099000000001", "x_road_issue": "case-1"}
    for _ in range(2):
        one, other = gate.known(**told), gate.known(**{**told, "x_road_issue": "case-2"})
        assert one is not None
        assert other is not None
        assert one.caller == Caller("office", "birth", "099000000001", "case-1")
        assert other.caller == Caller("office", "birth", "099000000001", "case-2")
        represented = gate.known(x_road_represented_party="COM/0999999999")
        assert represented is not None
        assert represented.caller == Caller("office", "lookup", represented="COM/0999999999")


async def test_a_header_that_is_wrong_is_refused_each_time(gate: Gate) -> None:
    for _ in range(2):
        with pytest.raises(BadInput, match="x-purpose is not well formed"):
            gate.known(x_purpose="")
        with pytest.raises(PurposeRequired):
            gate.known(x_purpose="birth")
        with pytest.raises(PurposeRequired):
            gate.known(x_purpose="birth", x_road_userid="VN099000000001")
        assert gate.known() is not None


@pytest.mark.parametrize("name", ["x-purpose", "x-road-userid", "x-road-issue", "x-road-represented-party"])
async def test_a_request_that_says_two_things_of_itself_is_refused(gate: Gate, name: str) -> None:
    scope, headers = head()
    headers[name.encode()] = b"lookup"
    scope["headers"] = [*headers.items(), (name.encode(), b"birth")]
    with pytest.raises(BadInput, match=f"{name} stands there twice"):
        gate.entrance.known(scope, headers)


async def test_who_comes_without_any_proof_is_nobody(gate: Gate) -> None:
    anybody = gate.entrance.known({"headers": []}, {})
    assert anybody is not None
    assert anybody.caller == ANYBODY
    assert anybody.consumer is None


async def test_a_new_registry_counts_for_those_who_came_in_too(gate: Gate) -> None:
    gate.change(priority="batch", keys=())
    assert gate.known() is None
    with pytest.raises(Unauthenticated):
        await gate.asks()


async def test_a_purpose_that_ends_ends_at_once(gate: Gate) -> None:
    gate.change(purposes={"lookup": datetime.fromtimestamp(NOW + 0.5, UTC)})
    await gate.asks()
    gate.now = NOW + 0.4
    assert gate.known() is not None
    gate.now = NOW + 0.5
    with pytest.raises(PurposeRequired, match="is over"):
        gate.known()


async def test_an_earlier_second_is_forgotten_where_many_come(gate: Gate) -> None:
    first = gate.known()
    for number in range(MOST_SEEN):
        gate.known(x_road_issue=f"case-{number}")
    assert gate.known() is not first
    assert gate.known() == first
