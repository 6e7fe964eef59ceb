"""Operators with the token enter and withdraw consents; what could never count is not taken, and no answer says whose it is."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from graph.access.consent import Consents, Coverage
from graph.access.consent_stores import open_consents
from graph.access.registry import Consumer, Purpose, Registry
from graph.operating.consents import ConsentDesk, consent_routes
from graph.operating.http import MAX_BODY_BYTES
from resolvers.identifiers import PersonalId

TOKEN, WHO, NOW = "the-token-of-the-operators", "099085000002", 1_767_225_600.0
LOAN = Purpose("loan", "A loan", "consent", "Law 91/2025", frozenset({"Citizen.fullName"}), frozenset({"Citizen.birthDate"}), consent=True)
TASK = Purpose("task", "A task", "statutory", "Law 1/2026", frozenset({"Citizen.fullName"}))
BANK = Consumer("bank", "A bank", "private", {"loan": None, "task": None})
REGISTRY = Registry(1, "x", frozenset(), {"loan": LOAN, "task": TASK}, {"bank": BANK, "shop": Consumer("shop", "A shop", "private", {})})
ORDER = {"person": WHO, "consumer": "bank", "purpose": "loan"}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Consents]:
    async with open_consents("sqlite:consents.db", tmp_path, clock=lambda: NOW) as opened:
        yield opened


@pytest.fixture
async def operator(store: Consents) -> AsyncIterator[httpx.AsyncClient]:
    desk = ConsentDesk(store, lambda: REGISTRY, PersonalId.parse, lambda: NOW)
    app = httpx.ASGITransport(Starlette(routes=consent_routes(desk, TOKEN)))
    async with httpx.AsyncClient(transport=app, base_url="http://gateway/admin", headers={"authorization": f"Bearer {TOKEN}"}) as client:
        yield client


async def test_a_consent_that_is_entered_counts_and_one_that_is_withdrawn_does_not(operator: httpx.AsyncClient, store: Consents) -> None:
    order = {**ORDER, "fields": ["Citizen.fullName"], "expires": "2027-01-01T00:00:00+07:00", "reference": "file 7"}
    entered = await operator.post("/consents", json=order)

    assert entered.status_code == 201
    assert entered.json() == {
        "id": entered.json()["id"], "consumer": "bank", "purpose": "loan", "fields": ["Citizen.fullName"], "live": True,
        "given_at": "2026-01-01T00:00:00Z", "expires": "2026-12-31T17:00:00Z", "withdrawn_at": None, "reference": "file 7",
    }  # fmt: skip
    assert store.known(WHO, "bank", "loan") == Coverage(frozenset({"Citizen.fullName"}))

    withdrawn = await operator.delete(f"/consents/{entered.json()['id']}")
    assert withdrawn.json() == {**entered.json(), "live": False, "withdrawn_at": "2026-01-01T00:00:00Z"}
    assert store.known(WHO, "bank", "loan") == Coverage()


async def test_consents_are_found_by_person_out_of_sight_of_logs_and_no_answer_says_whose_they_are(operator: httpx.AsyncClient) -> None:
    entered = (await operator.post("/consents", json=ORDER)).json()

    assert (await operator.post("/consents/search", json={"person": WHO})).json() == {"consents": [entered]}
    assert (await operator.post("/consents/search", json={"person": "099085000003"})).json() == {"consents": []}
    everything = await operator.get("/consents", params={"consumer": "bank", "purpose": "loan"})
    assert everything.json() == {"consents": [entered]}
    assert WHO not in everything.text
    assert (await operator.get("/consents", params={"person": WHO})).status_code == 400


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"person": "123"}, "PersonalId"),
        ({"consumer": "nobody"}, "consumer"),
        ({"consumer": "shop"}, "purpose"),
        ({"purpose": "advert"}, "purpose"),
        ({"purpose": "task"}, "takes consent"),
        ({"fields": ["Citizen.taxDebt"]}, "fields"),
        ({"fields": ["Business.*"]}, "fields"),
        ({"fields": ["Citizen.fullName; DROP"]}, "fields"),
        ({"fields": []}, "Expected an object"),
        ({"fields": ["Citizen.fullName"] * 201}, "Expected an object"),
        ({"expires": "2025-01-01T00:00:00Z"}, "expires"),
        ({"expires": "2027-01-01T00:00:00"}, "expires"),
        ({"reference": "x" * 201}, "reference"),
        ({"reference": "a\nb"}, "reference"),
        ({"subject": WHO}, "Expected an object"),
    ],
)
async def test_what_could_never_count_is_not_taken_and_never_quoted(
    operator: httpx.AsyncClient, store: Consents, changed: dict[str, Any], wrong: str
) -> None:
    refused = await operator.post("/consents", json={**ORDER, **changed})

    assert refused.status_code == 400
    assert wrong in refused.json()["error"]["message"]
    assert WHO not in refused.text
    assert await store.found() == []


@pytest.mark.parametrize("fields", [["Citizen.birthDate"], ["Citizen.*"], ["*"]])
async def test_masked_fields_a_type_and_everything_may_be_consented_to(operator: httpx.AsyncClient, fields: list[str]) -> None:
    assert (await operator.post("/consents", json={**ORDER, "fields": fields})).status_code == 201


async def test_without_the_token_there_is_nothing(operator: httpx.AsyncClient) -> None:
    for verb, path in (("GET", "/consents"), ("POST", "/consents"), ("POST", "/consents/search"), ("DELETE", "/consents/x")):
        answer = await operator.request(verb, path, headers={"authorization": "Bearer wrong"})
        assert (answer.status_code, answer.content) == (401, b"")


async def test_a_body_without_end_and_a_consent_that_is_not_there_are_refused(operator: httpx.AsyncClient) -> None:
    assert (await operator.post("/consents", content=b"x" * (MAX_BODY_BYTES + 1))).status_code == 413
    assert (await operator.delete("/consents/unknown")).status_code == 404


async def test_a_store_that_cannot_be_used_is_a_fault_of_ours(operator: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "consents.db").write_bytes(b"no database at all")

    answer = await operator.post("/consents", json=ORDER)

    assert (answer.status_code, answer.json()) == (503, {"error": {"message": "The store of consents cannot be used"}})
