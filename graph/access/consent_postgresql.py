"""Consents in a PostgreSQL database, for several machines."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, Self

import asyncpg  # type: ignore[import-untyped]
from cachetools import LRUCache

from graph.access.consent import (
    MOST_LISTED,
    UNREADABLE,
    Consent,
    ConsentUnknown,
    Coverage,
    Joined,
    coverage_of,
)
from graph.access.sealing import Sealing
from graph.errors import SettingsWrong
from graph.loading.cache import MISSING, Missing

# With the time that a look-up may take this is less than the second in which a withdrawal must count everywhere.
GOOD_SECONDS: Final = 0.3
GOOD_AGAIN_SECONDS: Final = 0.45
# Less than what is read is good for, so that whoever waits for it always finds it good.
LOOK_UP_SECONDS: Final = 0.25
CHANGE_SECONDS: Final = 5.0
KNOWN_AT_MOST: Final = 50_000
CONNECTIONS: Final = 4
COLUMNS: Final = "id, consumer, purpose, fields, given_at, expires, withdrawn_at, reference"
TABLES: Final = """
CREATE TABLE IF NOT EXISTS motcua_sealed_with (one boolean PRIMARY KEY DEFAULT true CHECK (one), proof bytea NOT NULL);
CREATE TABLE IF NOT EXISTS motcua_consents (
    id text PRIMARY KEY, subject bytea NOT NULL, consumer text NOT NULL, purpose text NOT NULL, fields text[] NOT NULL,
    given_at double precision NOT NULL, expires double precision, withdrawn_at double precision, reference text NOT NULL
);
CREATE INDEX IF NOT EXISTS motcua_consents_of_a_person ON motcua_consents (subject, consumer, purpose);
"""
# Any number will do, as long as all processes that make the tables at once take the same.
LOCK: Final = 4_207_318_051
FIND: Final = (
    f"SELECT subject, {COLUMNS} FROM motcua_consents "  # noqa: S608 - our own columns
    "WHERE (subject, consumer, purpose) IN (SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[]))"
)
LIST: Final = (
    f"SELECT {COLUMNS} FROM motcua_consents WHERE ($1::bytea IS NULL OR subject = $1) AND ($2::text IS NULL OR consumer = $2) "  # noqa: S608 - likewise
    "AND ($3::text IS NULL OR purpose = $3) ORDER BY given_at DESC, id LIMIT $4"
)
Place = tuple[bytes, str, str]


class PostgresqlConsents:
    """What was read is good for less than half a second; then it is read again, together with whatever else is wanted at that moment."""

    def __init__(
        self, url: str, sealing: Sealing, clock: Callable[[], float] = time.time, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the address; `clock` tells the time of day, `elapsed` how old something is that was read."""
        self._url = url
        self._sealing = sealing
        self._clock = clock
        self._elapsed = elapsed
        self._pool: Any = None
        self._read: LRUCache[Place, tuple[float, list[Consent] | None]] = LRUCache(KNOWN_AT_MOST)
        self._joined = Joined(self._look_up)

    async def __aenter__(self) -> Self:
        """Connect; SettingsWrong where that cannot be, or where people are sealed with another key."""
        try:
            self._pool = await asyncpg.create_pool(self._url, min_size=1, max_size=CONNECTIONS, timeout=CHANGE_SECONDS)
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
                await connection.execute(TABLES)
                await connection.execute("INSERT INTO motcua_sealed_with (proof) VALUES ($1) ON CONFLICT DO NOTHING", self._sealing.proof)
                proof = await connection.fetchval("SELECT proof FROM motcua_sealed_with")
        except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise SettingsWrong(f"access.consents: expected a database of PostgreSQL: {type(error).__name__}") from None
        if proof != self._sealing.proof:
            await self.__aexit__()
            raise SettingsWrong("access.consents: sealed with another key than ours; all machines need the same key file")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave the database."""
        if self._pool is not None:
            self._pool.terminate()

    def known(self, person: str, consumer: str, purpose: str, *, again: bool = False) -> Coverage | Missing:
        """Return what is covered, where that was read just now; else MISSING."""
        read = self._read.get((self._sealing.sealed(person), consumer, purpose))
        if read is None or self._elapsed() - read[0] > (GOOD_AGAIN_SECONDS if again else GOOD_SECONDS):
            return MISSING
        return UNREADABLE if read[1] is None else coverage_of(read[1], self._clock())

    async def look(self, people: Collection[str], consumer: str, purpose: str) -> None:
        """Look up what is not known, in one question for all who want something in this turn of the event loop."""
        await self._joined.want((self._sealing.sealed(person), consumer, purpose) for person in people)

    async def _look_up(self, places: Collection[Place]) -> None:
        began = self._elapsed()
        found: dict[Place, list[Consent] | None] = {place: [] for place in places}
        try:
            for row in await self._asked(places):
                consents = found[row["subject"], row["consumer"], row["purpose"]]
                if consents is not None:
                    consents.append(_consent(row))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            found = dict.fromkeys(places)
        for place, read in found.items():
            self._read[place] = (began if read is not None else self._elapsed(), read)

    async def _asked(self, places: Collection[Place]) -> Any:
        """Ask, and wait no longer than may be: a database that hangs would not even take back the question in time."""
        question = asyncio.ensure_future(self._pool.fetch(FIND, *map(list, zip(*places, strict=True)), timeout=LOOK_UP_SECONDS))
        await asyncio.wait({question}, timeout=LOOK_UP_SECONDS)
        if question.done():
            return question.result()
        question.add_done_callback(lambda late: late.cancelled() or late.exception())
        question.cancel()
        raise TimeoutError

    async def add(self, person: str, consent: Consent) -> None:
        """Keep a consent."""
        values = (consent.consumer, consent.purpose, list(consent.fields), consent.given_at, consent.expires, consent.withdrawn_at)
        change = f"INSERT INTO motcua_consents (subject, {COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"  # noqa: S608 - our own columns
        await self._change(change, self._sealing.sealed(person), consent.id, *values, consent.reference)

    async def withdraw(self, consent_id: str, now: float) -> Consent | None:
        """Withdraw a consent."""
        change = f"UPDATE motcua_consents SET withdrawn_at = coalesce(withdrawn_at, $1) WHERE id = $2 RETURNING {COLUMNS}"  # noqa: S608 - likewise
        rows = await self._change(change, now, consent_id)
        return _consent(rows[0]) if rows else None

    async def found(self, *, person: str | None = None, consumer: str | None = None, purpose: str | None = None) -> Sequence[Consent]:
        """List consents, the latest first."""
        subject = None if person is None else self._sealing.sealed(person)
        return [_consent(row) for row in await self._change(LIST, subject, consumer, purpose, MOST_LISTED)]

    async def _change(self, change: str, *values: Any) -> Any:
        try:
            return await self._pool.fetch(change, *values, timeout=CHANGE_SECONDS)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise ConsentUnknown("The store of consents cannot be used") from error


def _consent(row: Any) -> Consent:
    times = (row["given_at"], row["expires"], row["withdrawn_at"])
    return Consent(row["id"], row["consumer"], row["purpose"], tuple(row["fields"]), *times, row["reference"])
