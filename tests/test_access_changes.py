"""A right that ends, ends: within a second, in every process, however warm the caches are (T-P2)."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import personas
from tests.consumers import write_consumers
from tests.servers import TOKENS, Gateway, Sandbox, changed_settings, ended, free_port, motcua, wait_for
from tests.test_access import consumer, key_of, purpose

QUERY = "query($id: PersonalId!) { citizen(id: $id) { fullName oldIdNumber } }"
WORKERS = 2
# So many requests, each over a connection of its own, that no worker is left out of all of them (1 in 2^29).
EVERYWHERE = 30
MORE = (
    purpose("desk", ["@identity", "Citizen.oldIdNumber"], protected="show")
    + purpose("bank", ["@identity", "Citizen.oldIdNumber"], legal_basis="consent", consent=True, protected="show")
    + consumer("desk", "desk")
    + consumer("bank", "bank", kind="private")
)


@pytest.fixture(scope="module")
def office(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Run a gateway of several workers with a file of consumers of its own."""
    folder, port = tmp_path_factory.mktemp("office"), free_port()
    with contextlib.ExitStack() as stack:
        file = write_consumers(folder, MORE)
        settings = folder / "motcua.toml"
        text = changed_settings(sandbox.url)
        start = text.index('consumers = "')
        settings.write_text(text[:start] + f'consumers = "{file}"' + text[text.index("\n", start) :], "utf-8")
        process = motcua("serve", "--port", str(port), "--workers", str(WORKERS), "--settings", str(settings), environment=TOKENS)
        stack.enter_context(ended(process))
        wait_for(f"http://127.0.0.1:{port}/healthz", process)
        yield Gateway(f"http://127.0.0.1:{port}", process, settings)


def everywhere(office: Gateway, name: str) -> list[dict[str, Any]]:
    """Ask so often that every worker answers, and return what each said."""
    body = {"query": QUERY, "variables": {"id": personas.THU}}
    headers = {"x-api-key": key_of(name)}
    return [httpx.post(f"{office.url}/graphql", json=body, headers=headers).json() for _ in range(EVERYWHERE)]


def changed(office: Gateway, change: Callable[[str], str]) -> None:
    """Change the file of consumers, as an administrator's editor would: in place of the old one, with a higher version."""
    file = office.settings.parent / "consumers.toml"
    before = file.read_text("utf-8")
    version = int(before.partition("version = ")[2].partition("\n")[0])
    new: Path = file.with_suffix(".new")
    new.write_text(change(before).replace(f"version = {version}", f"version = {version + 1}", 1), "utf-8")
    new.replace(file)


def test_tp2_a_field_that_a_purpose_loses_is_given_by_no_worker_a_second_later(office: Gateway) -> None:
    assert all(answer["data"]["citizen"]["oldIdNumber"] for answer in everywhere(office, "desk"))

    changed(
        office,
        lambda text: text.replace(
            'ground = "Ground of desk"\nfields = ["@identity","Citizen.oldIdNumber"]', 'ground = "Ground of desk"\nfields = ["@identity"]'
        ),
    )
    time.sleep(1)

    for answer in everywhere(office, "desk"):
        assert answer["data"]["citizen"] == {"fullName": answer["data"]["citizen"]["fullName"], "oldIdNumber": None}
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN_FIELD"


def test_tp2_a_consumer_whose_key_is_taken_away_is_let_in_by_no_worker_a_second_later(office: Gateway) -> None:
    assert all("data" in answer for answer in everywhere(office, "desk"))

    changed(office, lambda text: text.replace("[consumers.desk.keys.desk]", "[consumers.desk.keys.other]"))
    time.sleep(1)

    assert {answer["errors"][0]["extensions"]["code"] for answer in everywhere(office, "desk")} == {"UNAUTHENTICATED"}


def test_tp2_a_consent_counts_everywhere_within_a_second_and_so_does_its_withdrawal(office: Gateway) -> None:
    assert {answer["errors"][0]["extensions"]["code"] for answer in everywhere(office, "bank")} == {"CONSENT_REQUIRED"}

    given = _consents(office, "POST", "", {"person": personas.THU, "consumer": "bank", "purpose": "bank"})
    time.sleep(1)
    assert all(answer["data"]["citizen"]["fullName"] for answer in everywhere(office, "bank"))

    _consents(office, "DELETE", f"/{given['id']}", None)
    time.sleep(1)
    refused = everywhere(office, "bank")
    assert {answer["errors"][0]["extensions"]["code"] for answer in refused} == {"CONSENT_REQUIRED"}
    assert all(not (answer["data"] and answer["data"]["citizen"]) for answer in refused)


def _consents(office: Gateway, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    """Enter or withdraw a consent as an operator."""
    token = (office.settings.parent / ".motcua" / "admin.token").read_text("utf-8").strip()
    answer = httpx.request(method, f"{office.url}/admin/consents{path}", json=body, headers={"authorization": f"Bearer {token}"})
    told: dict[str, Any] = answer.raise_for_status().json()
    return told
