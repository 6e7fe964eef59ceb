"""Consent over the whole stack: nothing is asked without it, and a withdrawal counts at once on every gateway, warm caches or not."""

import asyncio
import hashlib
import time
from pathlib import Path
from typing import Any

from graph.operating.consents import ConsentOrder, ConsentSearch
from graph.settings import BatchSettings
from sandbox import personas
from tests.stack import Heard, Stack, stack

NAME = "query($id: PersonalId!) { citizen(id: $id) { fullName birthDate } }"
KEPT = BatchSettings(ttl_seconds=3_600, negative_ttl_seconds=3_600)
SECRET = "6" * 64
LENDER = f"""
[purposes.lending]
title = "Cho vay"
legal_basis = "consent"
ground = "Law 91/2025"
fields = ["Query.citizen", "Citizen.fullName", "Citizen.birthDate"]
consent = true

[consumers.lender]
organisation = "The tests"
kind = "private"
purposes = ["lending"]
default_purpose = "lending"
explorer = true

[consumers.lender.keys.lender]
hash = "sha256:{hashlib.sha256(SECRET.encode()).hexdigest()}"
made = 2026-01-01T00:00:00Z
"""
ORDER = ConsentOrder(personas.THU, "lender", "lending", ("Citizen.fullName",))


async def asked(gateway: Stack, person: str = personas.THU) -> Heard:
    return await gateway.ask(NAME, {"id": person}, x_api_key=f"mcu_lender_{SECRET}")


def gateway(folder: Path) -> Any:
    """Open a gateway with the consents in a folder."""
    return stack(more_consumers=LENDER, keeps=KEPT, access={"consents": f"sqlite:{folder}/consents.db"})


def refusals(heard: Heard) -> list[tuple[Any, str]]:
    return [(error["path"], error["extensions"]["code"]) for error in heard.answer.get("errors", ())]


def test_tp2_a_withdrawal_counts_at_once_on_another_gateway_whose_caches_are_warm(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path) as first, gateway(tmp_path) as second:
            consent = await first.app.state.guard.desk.add(ORDER)
            answers = [await asked(second) for _ in range(2)]
            assert [heard.answer["data"] for heard in answers] == [{"citizen": {"fullName": "NGUYỄN VĂN THƯ", "birthDate": None}}] * 2
            assert refusals(answers[1]) == [(["citizen", "birthDate"], "CONSENT_REQUIRED")]
            assert await second.calls("population") == 1

            await first.app.state.guard.desk.withdraw(consent.id)
            withdrawn_at = time.monotonic()
            after = await asked(second)
            assert time.monotonic() - withdrawn_at < 1.0
            assert (after.answer["data"], refusals(after)) == ({"citizen": None}, [(["citizen"], "CONSENT_REQUIRED")])
            assert await second.calls("population") == 1

            (kept,) = (await second.app.state.guard.desk.found(ConsentSearch(person=personas.THU))).consents
            assert (kept.id, kept.live) == (consent.id, False)

    asyncio.run(story())


def test_without_consent_no_agency_is_asked_and_nobody_learns_who_exists(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path) as running:
            there, nobody = [await asked(running, person) for person in (personas.THU, personas.NOBODY)]
            assert there.body == nobody.body
            assert refusals(there) == [(["citizen"], "CONSENT_REQUIRED")]
            assert await running.calls("population") == 0

    asyncio.run(story())
