"""Consents: what a store keeps, what it never shows, and that a withdrawal counts in every process within a second."""

import asyncio
import multiprocessing
import os
import stat
import time
from collections.abc import AsyncIterator, Collection
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from graph.access.consent import Consent, Consents, Coverage, Joined, coverage_of
from graph.access.consent_stores import open_consents
from graph.errors import SettingsWrong

WHO, URL = "099085000002", "sqlite:state/consents.db"
NOW = 1_767_225_600.0


def consent(consent_id: str = "c1", *fields: str, **more: Any) -> Consent:
    """Make a consent."""
    return Consent(consent_id, "bank", "loan", fields or ("Citizen.*",), **{"given_at": NOW - 10, **more})


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Consents]:
    async with open_consents(URL, tmp_path, clock=lambda: NOW) as opened:
        yield opened


def covered(store: Consents, person: str = WHO, consumer: str = "bank", purpose: str = "loan") -> Coverage:
    known = store.known(person, consumer, purpose)
    assert isinstance(known, Coverage)
    return known


@pytest.mark.parametrize(
    ("fields", "coordinate", "is_covered"),
    [
        (["Citizen.fullName"], "Citizen.fullName", True),
        (["Citizen.fullName"], "Citizen.birthDate", False),
        (["Citizen.*"], "Citizen.birthDate", True),
        (["Citizen.*"], "CitizenX.birthDate", False),
        (["*"], "Anything.atAll", True),
        ([], "Citizen.fullName", False),
    ],
)
def test_consent_covers_a_field_a_type_or_all(fields: list[str], coordinate: str, is_covered: bool) -> None:  # noqa: FBT001 - a parameter
    assert Coverage(frozenset(fields)).covers(coordinate) is is_covered


@pytest.mark.parametrize(
    ("times", "is_live"),
    [
        ({}, True),
        ({"expires": NOW + 1}, True),
        ({"expires": NOW}, False),
        ({"withdrawn_at": NOW - 1}, False),
        ({"withdrawn_at": NOW + 1}, False),
        ({"given_at": NOW + 1}, False),
    ],
)
def test_only_what_was_given_is_not_over_and_not_withdrawn_counts(times: dict[str, Any], is_live: bool) -> None:  # noqa: FBT001 - a parameter
    assert bool(coverage_of([consent(**times)], NOW).fields) is is_live


async def test_a_consent_counts_for_its_person_its_consumer_and_its_purpose_alone(store: Consents) -> None:
    assert covered(store).fields == frozenset()
    await store.add(WHO, consent())
    await store.add(WHO, consent("c2", "InsuranceBook.number"))

    assert covered(store).fields == {"Citizen.*", "InsuranceBook.number"}
    for other in (("099085000003", "bank", "loan"), (WHO, "shop", "loan"), (WHO, "bank", "advert")):
        assert covered(store, *other).fields == frozenset()


async def test_a_withdrawn_consent_stays_on_record_with_the_time_of_the_first_withdrawal(store: Consents) -> None:
    await store.add(WHO, consent(reference="file 7"))
    assert covered(store).fields

    first = await store.withdraw("c1", NOW + 1)
    again = await store.withdraw("c1", NOW + 5)

    assert first == again == consent(reference="file 7", withdrawn_at=NOW + 1)
    assert await store.found(person=WHO) == [first]
    assert covered(store).fields == frozenset()
    assert await store.withdraw("unknown", NOW) is None


async def test_consents_are_listed_by_person_consumer_and_purpose_the_latest_first(store: Consents) -> None:
    await store.add(WHO, consent("old", given_at=NOW - 100))
    await store.add(WHO, consent("new", given_at=NOW - 1))
    await store.add("099085000003", consent("other", given_at=NOW - 50))

    assert [found.id for found in await store.found(consumer="bank")] == ["new", "other", "old"]
    assert [found.id for found in await store.found(person=WHO, purpose="loan")] == ["new", "old"]
    assert await store.found(consumer="shop") == []


async def test_no_personal_id_is_on_the_disk_and_nobody_else_may_read_it(store: Consents, tmp_path: Path) -> None:
    await store.add(WHO, consent())

    files = [file for file in (tmp_path / "state").iterdir() if file.is_file()]
    assert {"consents.db", "consents.key"} <= {file.name for file in files}
    assert all(WHO.encode() not in file.read_bytes() for file in files)
    assert all(stat.S_IMODE(file.stat().st_mode) & 0o077 == 0 for file in files)


async def test_a_store_that_cannot_be_read_says_so_and_recovers(store: Consents, tmp_path: Path) -> None:
    await store.add(WHO, consent())
    file = tmp_path / "state" / "consents.db"
    assert covered(store).fields

    file.rename(file.with_name("away.db"))
    assert covered(store).unreadable
    file.with_name("away.db").rename(file)
    assert covered(store).fields == {"Citizen.*"}
    file.write_bytes(b"no database")
    assert covered(store).unreadable


async def test_a_store_sealed_with_another_key_is_refused(tmp_path: Path) -> None:
    async with open_consents(URL, tmp_path):
        pass
    (tmp_path / "state" / "consents.key").write_bytes(os.urandom(32))

    with pytest.raises(SettingsWrong, match="sealed with another key"):
        async with open_consents(URL, tmp_path):
            pass


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    open_consents(URL, tmp_path)
    (tmp_path / "state" / "consents.key").chmod(0o644)

    with pytest.raises(SettingsWrong, match="others may read it"):
        open_consents(URL, tmp_path)


@pytest.mark.parametrize("url", ["", "sqlite:", "mysql://x", "postgresql:x", "env:NOTHING_OF_THE_KIND"])
def test_an_address_that_names_no_store_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong, match=r"access\.consents: expected"):
        open_consents(url, tmp_path)


def test_an_address_may_stand_in_the_environment(tmp_path: Path) -> None:
    open_consents("env:WHERE", tmp_path, environment={"WHERE": URL})

    assert (tmp_path / "state" / "consents.key").exists()


async def test_look_ups_of_one_turn_of_the_loop_become_one_question() -> None:
    questions: list[set[int]] = []

    async def ask(wanted: Collection[int]) -> None:
        questions.append(set(wanted))

    joined = Joined(ask)
    await asyncio.gather(*(joined.want([number, number + 1]) for number in range(5)))
    await joined.want([9])

    assert questions == [set(range(6)), {9}]


def _withdraws(folder: str, line: Connection) -> None:
    """Withdraw a consent in another process, and tell when."""

    async def work() -> None:
        async with open_consents(URL, Path(folder)) as store:
            await store.withdraw("c1", time.time())

    line.recv()
    asyncio.run(work())
    line.send(time.monotonic())


async def test_tp2_a_withdrawal_in_another_process_counts_within_a_second(tmp_path: Path) -> None:
    async with open_consents(URL, tmp_path) as store:
        await store.add(WHO, consent(given_at=time.time() - 10))
        here, there = multiprocessing.get_context("spawn").Pipe()
        other = multiprocessing.get_context("spawn").Process(target=_withdraws, args=(str(tmp_path), there))
        other.start()
        assert covered(store).fields == {"Citizen.*"}
        here.send("go")
        withdrawn_at = await asyncio.to_thread(here.recv)
        counted_after = time.monotonic() - withdrawn_at
        assert covered(store).fields == frozenset()
        other.join()

    assert counted_after < 1.0
