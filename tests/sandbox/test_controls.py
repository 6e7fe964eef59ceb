"""The controls of the sandbox: counters, faults, health, personas, and the tokens it is built with."""

import httpx
import pytest

from sandbox import personas
from sandbox.app import SYSTEMS, agencies, default_token
from sandbox.personas import PERSONAS
from tests.sandbox.wire import citizen, get_businesses, get_list, post_books, post_population, post_tax

PATHS = ("population", "business", "insurance", "civil-status", "tax", "code-lists")


async def test_every_system_is_counted_called_or_not(client: httpx.AsyncClient) -> None:
    counts = (await client.get("/_sandbox/calls")).json()

    assert counts == {system: {"calls": 0, "keys": 0, "not_modified": 0, "operations": {}} for system in SYSTEMS}


async def test_calls_keys_and_operations_are_counted_until_reset(client: httpx.AsyncClient) -> None:
    await citizen(client, personas.THU)
    await citizen(client, personas.NOBODY)
    await post_books(client, [personas.THU, personas.MAI])
    await post_tax(client, [personas.THU])
    await get_list(client, "Category/madantoc?code=01")
    counts = (await client.get("/_sandbox/calls")).json()
    reset = await client.delete("/_sandbox/calls")

    assert counts["population"] == {"calls": 2, "keys": 2, "not_modified": 0, "operations": {"TraCuuCongDan": 2}}
    assert counts["insurance"] == {"calls": 1, "keys": 2, "not_modified": 0, "operations": {"tra-cuu-so": 1}}
    assert counts["tax"] == {"calls": 1, "keys": 1, "not_modified": 0, "operations": {"TraCuuNNT": 1}}
    assert counts["code_lists"] == {"calls": 1, "keys": 1, "not_modified": 0, "operations": {"Category": 1}}
    assert reset.status_code == 204
    assert (await client.get("/_sandbox/calls")).json()["population"]["calls"] == 0


async def test_refused_calls_count_without_keys(client: httpx.AsyncClient) -> None:
    await get_businesses(client, [personas.AN_PHAT], token="wrong")
    await post_population(client, "not xml")
    counts = (await client.get("/_sandbox/calls")).json()

    assert counts["business"] == {"calls": 1, "keys": 0, "not_modified": 0, "operations": {"enterprises": 1}}
    assert counts["population"] == {"calls": 1, "keys": 0, "not_modified": 0, "operations": {}}


async def test_health_needs_no_token_and_is_not_counted(client: httpx.AsyncClient) -> None:
    answers = [await client.get(f"/{path}/health") for path in PATHS]
    counts = (await client.get("/_sandbox/calls")).json()

    assert all((answer.status_code, answer.json()) == (200, {"status": "UP"}) for answer in answers)
    assert (await client.get("/_sandbox/health")).json() == {"status": "ok"}
    assert all(count["calls"] == 0 for count in counts.values())


async def test_personas_are_listed(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/_sandbox/personas")).json()

    assert len(listed) == len(PERSONAS)
    assert listed[0] == {
        "name": "THU",
        "kind": "person",
        "code": personas.THU,
        "description": "A man every system knows: parents, wife, two children, insurance, tax, two businesses.",
    }


async def test_a_system_takes_the_token_it_was_given(client: httpx.AsyncClient) -> None:
    app = agencies(tokens={"business": "other"})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as other:
        old = await get_businesses(other, [personas.AN_PHAT])
        new = await get_businesses(other, [personas.AN_PHAT], token="other")
        untouched = await post_books(other, [personas.THU])

    assert [answer.status_code for answer in (old, new, untouched)] == [401, 200, 200]
    assert (await get_businesses(client, [personas.AN_PHAT])).status_code == 200
    assert default_token("tax") == "sandbox-tax"


def test_a_token_for_an_unknown_system_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="there is no system land"):
        agencies(tokens={"land": "x"})


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ([], "a fault is a JSON object with a kind."),
        ({"kind": "fire"}, "unknown kind 'fire'"),
        ({}, "unknown kind None"),
        ({"kind": "delay"}, "delay needs seconds."),
        ({"kind": "hang", "seconds": 1}, "hang has no parameter seconds."),
        ({"kind": "delay", "seconds": -1}, "seconds is a number from 0 to 3600."),
        ({"kind": "status", "code": 200}, "code is a number from 400 to 599."),
        ({"kind": "status", "code": True}, "code is a number from 400 to 599."),
        ({"kind": "status", "code": 500.5}, "code is a number from 400 to 599."),
        ({"kind": "hang", "times": 0}, "times is a number from 1 to 1000000."),
        ({"kind": "hang", "operation": 1}, "operation is a text"),
        ({"kind": "poison"}, "poison needs keys."),
        ({"kind": "poison", "keys": []}, "keys is a list of texts, and not empty."),
        ({"kind": "undecodable", "keys": [7]}, "keys is a list of texts, and not empty."),
        ({"kind": "undecodable", "keys": ["7"], "code": 500}, "undecodable has no parameter code."),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused_with_a_reason(client: httpx.AsyncClient, spec: object, error: str) -> None:
    response = await client.put("/_sandbox/faults/tax", json=spec)

    assert response.status_code == 400
    assert response.json()["error"].startswith(error)


async def test_faults_of_unknown_systems_and_bodies_that_are_no_json_are_refused(client: httpx.AsyncClient) -> None:
    unknown = await client.put("/_sandbox/faults/land", json={"kind": "hang"})
    no_json = await client.put("/_sandbox/faults/tax", content=b"{")

    assert unknown.status_code == 404
    assert no_json.status_code == 400
    assert no_json.json() == {"error": "The body is not JSON."}
