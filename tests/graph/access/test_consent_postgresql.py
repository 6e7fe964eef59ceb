"""Consents in a real PostgreSQL: for several machines, gone and back, slow, and withdrawn elsewhere."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest

from graph.access.consent import Consent, Consents, ConsentUnknown, Coverage
from graph.access.consent_stores import open_consents
from graph.errors import SettingsWrong
from graph.loading.cache import MISSING
from tests.postgresql_server import PostgresqlServer, postgresql_running

WHO, OTHER = "099085000002", "099085000003"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with postgresql_running() as running:
        yield running


@pytest.fixture
async def machines(server: PostgresqlServer, tmp_path: Path) -> AsyncIterator[tuple[Consents, Consents]]:
    """Two machines with the same key, on an empty database."""
    await emptied(server)
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(open_consents(server.url, tmp_path)) for _ in range(2)]
        yield first, second


async def emptied(server: PostgresqlServer) -> None:
    connection = await asyncpg.connect(server.url)
    await connection.execute("DROP TABLE IF EXISTS motcua_consents, motcua_sealed_with")
    await connection.close()


def consent(consent_id: str, *fields: str) -> Consent:
    return Consent(consent_id, "bank", "loan", fields or ("Citizen.*",), given_at=time.time() - 10)


async def covered(store: Consents, person: str = WHO) -> Coverage:
    if store.known(person, "bank", "loan") is MISSING:
        await store.look([person], "bank", "loan")
    known = store.known(person, "bank", "loan", again=True)
    assert isinstance(known, Coverage)
    return known


async def test_what_one_machine_keeps_another_knows(machines: tuple[Consents, Consents]) -> None:
    first, second = machines
    await first.add(WHO, consent("a"))
    await first.add(WHO, consent("b", "Household.code"))

    assert (await covered(second)).fields == {"Citizen.*", "Household.code"}
    assert (await covered(second, OTHER)).fields == frozenset()
    assert [found.id for found in await second.found(person=WHO)] == ["b", "a"]


async def test_tp2_a_withdrawal_on_another_machine_counts_within_a_second(machines: tuple[Consents, Consents]) -> None:
    first, second = machines
    await first.add(WHO, consent("a"))
    assert (await covered(second)).fields

    withdrawn = await first.withdraw("a", time.time())
    began = time.monotonic()
    while (await covered(second)).fields:
        assert time.monotonic() - began < 1.0

    assert withdrawn is not None
    assert await first.withdraw("a", time.time() + 5) == withdrawn


async def test_each_of_many_look_ups_at_once_is_answered(machines: tuple[Consents, Consents]) -> None:
    store, _ = machines
    people = [f"0990000{number:05d}" for number in range(50)]
    await store.add(people[7], consent("a"))

    found = await asyncio.gather(*(covered(store, person) for person in people))

    assert [bool(coverage.fields) for coverage in found] == [number == 7 for number in range(50)]


async def test_no_personal_id_is_in_the_database(machines: tuple[Consents, Consents], server: PostgresqlServer) -> None:
    await machines[0].add(WHO, consent("a"))
    connection = await asyncpg.connect(server.url)

    rows = await connection.fetch("SELECT * FROM motcua_consents")

    assert len(rows) == 1
    assert WHO not in repr(rows)
    await connection.close()


async def test_a_machine_with_another_key_does_not_start(server: PostgresqlServer, machines: object, tmp_path: Path) -> None:
    assert machines
    with pytest.raises(SettingsWrong, match="all machines need the same key"):
        async with open_consents(server.url, tmp_path / "elsewhere"):
            pass


async def test_without_a_database_the_start_is_refused_and_the_address_not_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong, match="expected a database of PostgreSQL") as refused:
        async with open_consents("postgresql://user:verysecret@127.0.0.1:1/x", tmp_path):
            pass

    assert "verysecret" not in str(refused.value)


async def test_a_database_that_is_gone_refuses_and_one_that_is_back_is_used_again(
    machines: tuple[Consents, Consents], server: PostgresqlServer
) -> None:
    store, _ = machines
    await store.add(WHO, consent("a"))
    server.stop()

    assert (await covered(store, OTHER)).unreadable
    with pytest.raises(ConsentUnknown):
        await store.add(WHO, consent("b"))

    server.restart()
    began = time.monotonic()
    while (await covered(store)).unreadable:
        assert time.monotonic() - began < 10
        await asyncio.sleep(0.01)
    assert (await covered(store)).fields == {"Citizen.*"}


async def test_a_database_that_hangs_refuses_in_time(machines: tuple[Consents, Consents], server: PostgresqlServer) -> None:
    store, _ = machines
    connection = await asyncpg.connect(server.url)
    async with connection.transaction():
        await connection.execute("LOCK TABLE motcua_consents IN ACCESS EXCLUSIVE MODE")
        for number in range(8):  # more than there are connections
            began = time.monotonic()
            assert (await covered(store, f"09900000010{number}")).unreadable
            assert time.monotonic() - began < 1.0
    await connection.close()

    assert not (await covered(store, OTHER)).unreadable
