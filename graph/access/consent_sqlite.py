"""Consents in a file of SQLite, for all processes of one machine."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec
from cachetools import LRUCache

from graph.access.consent import MOST_LISTED, UNREADABLE, Consent, ConsentUnknown, Coverage, coverage_of
from graph.access.sealing import Sealing
from graph.errors import SettingsWrong

BUSY_SECONDS: Final = 2.0
KNOWN_AT_MOST: Final = 50_000
COLUMNS: Final = "id, consumer, purpose, fields, given_at, expires, withdrawn_at, reference"
TABLES: Final = """
CREATE TABLE IF NOT EXISTS sealed_with (proof BLOB PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS consents (
    id TEXT PRIMARY KEY, subject BLOB NOT NULL, consumer TEXT NOT NULL, purpose TEXT NOT NULL, fields TEXT NOT NULL,
    given_at REAL NOT NULL, expires REAL, withdrawn_at REAL, reference TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS consents_of_a_person ON consents (subject, consumer, purpose);
"""
FIND: Final = f"SELECT {COLUMNS} FROM consents WHERE subject = ? AND consumer = ? AND purpose = ?"  # noqa: S608 - our own columns
LIST: Final = (
    f"SELECT {COLUMNS} FROM consents WHERE (?1 IS NULL OR subject = ?1) AND (?2 IS NULL OR consumer = ?2) "  # noqa: S608 - likewise
    "AND (?3 IS NULL OR purpose = ?3) ORDER BY given_at DESC, id LIMIT ?4"
)


class SqliteConsents:
    """Reads are answered at once: what was read before is good until the file says that somebody has written to it."""

    def __init__(self, file: Path, sealing: Sealing, clock: Callable[[], float] = time.time) -> None:
        """Take the file, which is made where there is none; its folder is the owner's alone."""
        self._file = file
        self._sealing = sealing
        self._clock = clock
        self._reader: sqlite3.Connection | None = None
        self._node = 0
        self._version: Any = None
        self._read: LRUCache[tuple[str, str, str], list[Consent]] = LRUCache(KNOWN_AT_MOST)

    async def __aenter__(self) -> Self:
        """Open the file; SettingsWrong where it cannot be, or was sealed with another key."""
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600))
            proof = self._prepared()
        except (OSError, sqlite3.Error) as error:
            raise SettingsWrong(f"access.consents: {self._file}: expected a store of consents: {error}") from None
        if proof != self._sealing.proof:
            raise SettingsWrong(f"access.consents: {self._file}: sealed with another key than the one that lies beside it")
        return self

    def _prepared(self) -> bytes:
        """Make the tables where they are not there, and return what says with which key the people in them are sealed."""
        writer = self._opened()
        try:
            writer.executescript(TABLES)
            writer.execute("INSERT INTO sealed_with SELECT ? WHERE NOT EXISTS (SELECT 1 FROM sealed_with)", (self._sealing.proof,))
            proof: bytes = writer.execute("SELECT proof FROM sealed_with").fetchone()[0]
            return proof
        finally:
            writer.close()

    async def __aexit__(self, *_: object) -> None:
        """Close the file."""
        self._forget()

    def known(self, person: str, consumer: str, purpose: str, *, again: bool = False) -> Coverage:
        """Return what is covered now."""
        del again
        place = (person, consumer, purpose)
        try:
            reader = self._current()
            consents = self._read.get(place)
            if consents is None:
                rows = reader.execute(FIND, (self._sealing.sealed(person), consumer, purpose)).fetchall()
                consents = self._read[place] = [_consent(row) for row in rows]
        except (OSError, sqlite3.Error, msgspec.MsgspecError):
            self._forget()
            return UNREADABLE
        return coverage_of(consents, self._clock())

    async def look(self, people: Collection[str], consumer: str, purpose: str) -> None:
        """Do nothing: everything is known at once."""

    async def add(self, person: str, consent: Consent) -> None:
        """Keep a consent; when this returns it is on the disk."""
        values = (consent.id, self._sealing.sealed(person), *_row(consent))
        await self._write(f"INSERT INTO consents (id, subject, {COLUMNS[4:]}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608 - our own columns

    async def withdraw(self, consent_id: str, now: float) -> Consent | None:
        """Withdraw a consent; when this returns that is on the disk."""
        change = f"UPDATE consents SET withdrawn_at = coalesce(withdrawn_at, ?) WHERE id = ? RETURNING {COLUMNS}"  # noqa: S608 - likewise
        rows = await self._write(change, (now, consent_id))
        return _consent(rows[0]) if rows else None

    async def found(self, *, person: str | None = None, consumer: str | None = None, purpose: str | None = None) -> Sequence[Consent]:
        """List consents, the latest first."""
        subject = None if person is None else self._sealing.sealed(person)
        return [_consent(row) for row in await self._write(LIST, (subject, consumer, purpose, MOST_LISTED))]

    def _current(self) -> sqlite3.Connection:
        """Return the connection for reading; what was read is forgotten where anybody has written, or the file is another one."""
        node = os.stat(self._file).st_ino  # noqa: PTH116 - a path object would cost more than the rest
        if self._reader is None or node != self._node:
            self._forget()
            self._reader, self._node = self._opened(), node
        (version,) = self._reader.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version
            self._read.clear()
        return self._reader

    def _opened(self) -> sqlite3.Connection:
        made = sqlite3.connect(self._file, timeout=BUSY_SECONDS, isolation_level=None)
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("PRAGMA synchronous = FULL")
        return made

    def _forget(self) -> None:
        self._read.clear()
        self._version = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    async def _write(self, change: str, values: tuple[Any, ...]) -> list[Any]:
        """Change the file over a connection of its own, beside the loop, so that the one for reading hears of it like any other."""

        def written() -> list[Any]:
            connection = self._opened()
            try:
                return connection.execute(change, values).fetchall()
            finally:
                connection.close()

        try:
            return await asyncio.to_thread(written)
        except sqlite3.Error as error:
            raise ConsentUnknown("The store of consents cannot be used") from error


def _row(consent: Consent) -> tuple[Any, ...]:
    fields = msgspec.json.encode(consent.fields).decode()
    return (consent.consumer, consent.purpose, fields, consent.given_at, consent.expires, consent.withdrawn_at, consent.reference)


def _consent(row: tuple[Any, ...]) -> Consent:
    consent_id, consumer, purpose, fields, *rest = row
    return Consent(consent_id, consumer, purpose, msgspec.json.decode(fields, type=tuple[str, ...]), *rest)
