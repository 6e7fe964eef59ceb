"""The shared tier: answers that several processes, on several machines, keep together in Redis or Valkey.

It only ever saves calls: when it is slow, away or holds nonsense, a key is simply not found there. Every value is sealed and bound to its
name. Under each label of an answer stands which entries are to be deleted when it is forgotten.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Self, TypeVar

import msgspec
from redis.exceptions import RedisError

from graph.loading.barriers import Barriers
from graph.loading.batch import Batch
from graph.loading.figures import Purge
from graph.settings import SharedSettings
from graph.shared.packing import Kept, packer
from graph.shared.places import Places
from graph.shared.sealing import Sealer
from graph.shared.store import Command, Store
from graph.shared.storing import Sealed, storing

K = TypeVar("K", bound=Hashable)

LARGEST_BYTES: Final = 1_048_576
ASKED_TOGETHER: Final = 128
WAITING_AT_MOST: Final = 10_000
STORED_TOGETHER: Final = 64
STORED_TOGETHER_BYTES: Final = 262_144
DELETED_TOGETHER: Final = 1_000
# Nobody waits for what is stored, so it may take several times as long as an answer; and an operator waits for what is deleted.
STORE_PATIENCE: Final = 10
DELETE_SECONDS: Final = 0.5
CLOSE_SECONDS: Final = 0.2


class _Waiting(NamedTuple):
    """An answer that waits to be stored, until when it is of use, and under which labels it is to be found."""

    batch: Batch[Any, Any]
    share: tuple[str | None, ...]
    key: Hashable
    kept: Kept
    until: float
    labels: Sequence[str]


class SharedTier:
    """What this process reads from the store and writes to it; starting and stopping never fail, and `get` and `put` never raise.

    Counts since the start: keys asked for (`gets`) and found (`hits`), operations that failed (`errors`, `timeouts`), values that did not
    open or were not understood (`unreadable`), answers not stored because too many waited or the store was away (`dropped`) or because they
    are larger than 1 MiB (`too_large`), and the sealed bytes that went either way (`bytes`). While `open` is true the store is not asked.
    """

    def __init__(
        self, settings: SharedSettings, sealer: Sealer, *, barriers: Barriers | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """Connect to nothing yet; what `barriers` cover is not stored, `clock` gives seconds since 1970."""
        self.gets = self.hits = self.unreadable = self.dropped = self.too_large = self.bytes = 0
        self._store = Store(settings)
        self._sealer = sealer
        self._places = Places(sealer)
        self._barriers = barriers
        self._clock = clock
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue(WAITING_AT_MOST)
        self._writer: asyncio.Task[None] | None = None

    @property
    def errors(self) -> int:
        """How many operations failed, other than by taking too long."""
        return self._store.errors

    @property
    def timeouts(self) -> int:
        """How many operations took too long."""
        return self._store.timeouts

    @property
    def open(self) -> bool:
        """Whether the breaker is open."""
        return self._store.breaker.open

    async def start(self) -> None:
        """Begin to store what is put."""
        self._writer = asyncio.create_task(self._write())

    async def stop(self) -> None:
        """Store what still waits, as far as that goes quickly, and close the connections."""
        if self._writer is not None:
            await self._settled_within(CLOSE_SECONDS)
            self._writer.cancel()
            await asyncio.wait({self._writer})
            self._writer = None
        await self._store.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def get(self, batch: Batch[K, Any], share: tuple[str | None, ...], keys: Sequence[K]) -> dict[K, Kept]:
        """Find what is kept under keys, in one round trip; a key that is not there, or not to be had in time, is left out.

        Records come without provenance. Nothing is said about whether they are fresh, or were purged.
        """
        self.gets += len(keys)
        try:
            found = await self._found(batch, share, keys)
        except Exception:  # noqa: BLE001 - whatever is wrong with a key or with what stands under it: no query fails because of it
            self._store.errors += 1
            return {}
        self.hits += len(found)
        return found

    async def _found(self, batch: Batch[K, Any], share: tuple[str | None, ...], keys: Sequence[K]) -> dict[K, Kept]:
        # While a secret is being changed an answer may stand under either name.
        names = [(key, name) for key in keys for name in self._places.of_entry(batch, share, key)]
        portions = [names[start : start + ASKED_TOGETHER] for start in range(0, len(names), ASKED_TOGETHER)]
        replies = await self._store.ask([("MGET", *(name for _, name in portion)) for portion in portions]) if portions else None
        found: dict[K, Kept] = {}
        for portion, values in zip(portions, replies or (), strict=False):
            if isinstance(values, list):
                self._read(batch, portion, values, found)
        return found

    def _read(self, batch: Batch[K, Any], names: Iterable[tuple[K, str]], values: Iterable[Any], found: dict[K, Kept]) -> None:
        for (key, name), value in zip(names, values, strict=False):
            if value is None:
                continue
            kept = self._opened(batch, name, value)
            if kept is not None and (key not in found or found[key].started < kept.started):
                found[key] = kept

    def _opened(self, batch: Batch[Any, Any], name: str, value: bytes) -> Kept | None:
        self.bytes += len(value)
        plain = self._sealer.open(value, name.encode())
        if plain is not None:
            try:
                return packer(batch).unpack(plain)
            except msgspec.DecodeError:
                plain = None
        self.unreadable += 1
        return None

    # ── storing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def put(
        self,
        batch: Batch[K, Any],
        share: tuple[str | None, ...],
        entries: Mapping[K, Kept],
        keep_seconds: float,
        labels: Mapping[K, Sequence[str]],
    ) -> None:
        """Store answers beside the way, each for `keep_seconds` from the start of its fetch; returns at once.

        Where too many wait, or the store is away, they are dropped.
        """
        for key, kept in entries.items():
            if self._writer is None or self.open:
                self.dropped += 1
                continue
            try:
                self._waiting.put_nowait(_Waiting(batch, share, key, kept, kept.started + keep_seconds, labels.get(key, ())))
            except asyncio.QueueFull:
                self.dropped += 1

    async def settled(self) -> None:
        """Wait until everything that was put is stored or dropped."""
        await self._waiting.join()

    async def _settled_within(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.settled(), seconds)

    async def _write(self) -> None:
        """Store what waits, many answers at a time."""
        while True:
            taken = [await self._waiting.get()]
            try:
                sealed = self._sealed(taken)
                if sealed:
                    await self._store_all(sealed)
            finally:
                for _ in taken:
                    self._waiting.task_done()

    def _sealed(self, taken: list[_Waiting]) -> list[Sealed]:
        """Seal what was taken, and as much of what waits behind it as may go together; all of it is then in `taken`."""
        sealed: list[Sealed] = []
        size = 0
        while True:
            try:
                ready = self._ready(taken[-1])
            except Exception:  # noqa: BLE001 - a record that cannot be written down is not shared; no query depends on it
                self._store.errors += 1
                ready = None
            if ready is not None:
                sealed.append(ready)
                size += len(ready.value)
            if len(taken) >= STORED_TOGETHER or size >= STORED_TOGETHER_BYTES or self._waiting.empty():
                return sealed
            taken.append(self._waiting.get_nowait())

    def _ready(self, one: _Waiting) -> Sealed | None:
        """Seal an answer; None where it is not to be stored any more, or is too large."""
        milliseconds = int(1000 * (one.until - self._clock()))
        if milliseconds <= 0 or (self._barriers and self._barriers.covers(one.batch, one.key, one.labels, one.kept.started)):
            return None
        name = self._places.of_entry(one.batch, one.share, one.key)[0]
        value = self._sealer.seal(packer(one.batch).pack(one.kept), name.encode())
        if len(value) > LARGEST_BYTES:
            self.too_large += 1
            return None
        return Sealed(name, value, milliseconds, [self._places.of_label(label)[0] for label in one.labels])

    async def _store_all(self, sealed: Sequence[Sealed]) -> None:
        """Store answers and, in the same step, where to find them by their labels."""
        command = storing(sealed, int(1000 * self._clock()))
        replies = await self._store.ask([command], STORE_PATIENCE * self._store.settings.operation_seconds)
        if replies is None or isinstance(replies[0], RedisError):
            self.dropped += len(sealed)
        else:
            self.bytes += sum(len(one.value) for one in sealed)

    # ── forgetting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def forget(self, purge: Purge) -> int | None:
        """Delete what a purge is about and return how many entries that was; None where the store could not be reached, or not to the end.

        What waits to be stored here is stored before that. Another process may store an older answer until it has heard of the purge.
        """
        await self._settled_within(DELETE_SECONDS)
        lists, patterns = self._places.sought(purge)
        try:
            gone = [await self._delete_listed(index) for index in lists] + [await self._delete_matching(pattern) for pattern in patterns]
        except (OSError, RedisError):
            return None
        return sum(gone)

    async def _delete_listed(self, index: str) -> int:
        gone = 0
        while True:
            names = (await self._exchange(("ZRANGE", index, 0, DELETED_TOGETHER - 1)))[0]
            if not names:
                return gone
            gone += (await self._exchange(("UNLINK", *names), ("ZREM", index, *names)))[0]

    async def _delete_matching(self, pattern: str) -> int:
        gone, cursor = 0, b"0"
        while True:
            cursor, names = (await self._exchange(("SCAN", cursor, "MATCH", pattern, "COUNT", DELETED_TOGETHER)))[0]
            if names:
                gone += (await self._exchange(("UNLINK", *names)))[0]
            if cursor == b"0":
                return gone

    async def _exchange(self, *commands: Command) -> list[Any]:
        """Exchange commands whatever the breaker says: an operator wants to know."""
        replies = await self._store.exchange(commands, DELETE_SECONDS, DELETE_SECONDS)
        for refused in (reply for reply in replies if isinstance(reply, RedisError)):
            raise refused
        return replies
