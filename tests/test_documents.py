"""Registered documents from end to end: a command registers, the running gateway follows, clients ask by id and by hash."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph.access.trusted import document_id
from sandbox import personas
from tests.consumers import HEADERS
from tests.servers import Gateway, ended, motcua, wait_until

TEXT = "query Person($id: PersonalId!) {\n  citizen(id: $id) { personalId }\n}\n"
ID = document_id(TEXT)
THU = {"data": {"citizen": {"personalId": personas.THU}}}


def documents(gateway: Gateway, *arguments: str) -> tuple[int, str]:
    """Run `motcua documents` on the gateway's settings."""
    with ended(motcua("documents", *arguments, "--settings", str(gateway.settings))) as process:
        said, _ = process.communicate(timeout=60)
        return process.returncode, said


def ask(gateway: Gateway, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = gateway.send({"variables": {"id": personas.THU}, **body})
    return answer.status_code, answer.json()


def codes(answer: tuple[int, dict[str, Any]]) -> tuple[int, list[str]]:
    return answer[0], [error["extensions"]["code"] for error in answer[1]["errors"]]


@pytest.fixture
def registered(gateway: Gateway, tmp_path: Path) -> Iterator[Gateway]:
    """Register a document for the consumer of the tests, and wait until the gateway knows it."""
    file = tmp_path / "person.graphql"
    file.write_text(TEXT, "utf-8")
    assert documents(gateway, "add", str(file), "--consumer", "tests", "--purpose", "tests")[0] == 0
    wait_until(lambda: ask(gateway, documentId=ID)[0] == 200)
    yield gateway
    documents(gateway, "remove", ID)


def test_a_registered_document_is_asked_for_by_its_id_by_post_and_get(registered: Gateway) -> None:
    parameters = {"documentId": f"sha256:{ID}", "variables": f'{{"id": "{personas.THU}"}}'}

    assert ask(registered, documentId=ID) == (200, THU)
    assert ask(registered, documentId=f"sha256:{ID}") == (200, THU)
    assert httpx.get(f"{registered.url}/graphql", params=parameters, headers=HEADERS, timeout=30).json() == THU


def test_what_is_registered_is_nobody_elses(registered: Gateway) -> None:
    stranger = httpx.post(f"{registered.url}/graphql", json={"documentId": ID, "variables": {"id": personas.THU}}, timeout=30)
    other = registered.send({"documentId": ID, "variables": {"id": personas.THU}}, **{"X-Purpose": "explore"})

    assert "data" not in stranger.json()
    assert "data" not in other.json()


def test_a_document_that_is_taken_away_is_refused_soon(registered: Gateway) -> None:
    assert documents(registered, "remove", ID)[0] == 0

    wait_until(lambda: ask(registered, documentId=ID)[0] != 200)
    assert codes(ask(registered, documentId=ID)) == (400, ["DOCUMENT_NOT_TRUSTED"])


def test_a_client_of_apollos_protocol_is_told_to_send_the_text_once(gateway: Gateway) -> None:
    text = TEXT + "# of a client's own\n"
    by_hash = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": document_id(text)}}}
    unknown = ask(gateway, **by_hash)

    assert codes(unknown) == (400, ["PERSISTED_QUERY_NOT_FOUND"])
    assert unknown[1]["errors"][0]["message"] == "PersistedQueryNotFound"
    assert ask(gateway, query=text, **by_hash) == (200, THU)
    assert ask(gateway, **by_hash) == (200, THU)
    assert codes(ask(gateway, query=TEXT, **by_hash)) == (400, ["BAD_USER_INPUT"])


def test_a_check_of_what_is_registered_finds_nothing_to_object_to(registered: Gateway) -> None:
    assert documents(registered, "check") == (0, "")
