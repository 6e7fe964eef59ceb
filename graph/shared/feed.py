"""The feed of purges: what one process is told to forget reaches every process of every machine, or they know that it may not have.

Purges stand, sealed, in a stream of Redis or Valkey. Each process reads on from the last one that it has applied, tells that it lives, and
acknowledges. Should it have missed any (the stream was lost, or has gone on without it for too long), it is told that instead.
"""

import asyncio
import contextlib
import math
import random
import secrets
import time
from collections.abc import Callable
from typing import Any, Final, Self, TypeAlias

import msgspec
from redis.exceptions import RedisError, ResponseError

from graph.loading.figures import Purge
from graph.settings import SharedSettings
from graph.shared.packing import packed
from graph.shared.sealing import Sealer
from graph.shared.store import Command, Store

STREAM: Final = "motcua:1:purges"
PROCESSES: Final = "motcua:1:processes"
ACKNOWLEDGED: Final = "motcua:1:acknowledged"
FIELD: Final = "purge"
KEPT_AT_MOST: Final = 10_000
READ_TOGETHER: Final = 500
ACKNOWLEDGED_SECONDS: Final = 60
# Beyond the time that a read waits for news: for the way there and back.
MARGIN_SECONDS: Final = 0.2
PUBLISH_SECONDS: Final = 0.5
ASK_AGAIN_SECONDS: Final = 0.01
SHORTEST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 1.0

Place: TypeAlias = tuple[int, int]

_DECODER = msgspec.msgpack.Decoder(Purge)


class Feed:
    """What this process hears, and says, of purges; starting and stopping never fail.

    `applied` is called for each purge that is read, also for those of this process; a purge is acknowledged when that returns, and read
    again when it raises. `lost` is called when purges may have been missed: nothing that began to be fetched before may then be served.
    """

    def __init__(
        self,
        settings: SharedSettings,
        sealer: Sealer,
        *,
        longest_seconds: float,
        applied: Callable[[Purge], None],
        lost: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read nothing yet; no answer lives longer than `longest_seconds`, so that older purges do not matter any more."""
        self.process = secrets.token_hex(8)
        self.last_heard = -math.inf
        self.unreadable = 0
        self._store = Store(settings)
        self._sealer = sealer
        self._longest = longest_seconds
        self._applied = applied
        self._lost = lost
        self._clock = clock
        self._wait = settings.feed_seconds
        self._silence = 2 * settings.feed_seconds + MARGIN_SECONDS
        self._hearing = False
        self._stream_mark: bytes | None = None
        # Up to where the stream is read, and the newest purge that was ever seen in it.
        self._last: Place = (0, 0)
        self._newest: Place = (0, 0)
        self._unacknowledged: list[str] = []
        self._follower: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether every purge that was published until about a second ago is known here."""
        return self._hearing and self._clock() - self.last_heard <= self._silence

    async def start(self) -> None:
        """Begin to read."""
        self._follower = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop reading, say so to the others where that goes quickly, and close the connections."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.wait({self._follower})
            self._follower = None
            self._hearing = False
            if self._stream_mark is not None:
                with contextlib.suppress(OSError, RedisError):
                    await self._store.exchange([("ZREM", PROCESSES, self.process)], MARGIN_SECONDS)
        await self._store.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    # ── saying ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def publish(self, purge: Purge) -> bool:
        """Tell all processes; False where that may not have reached the store, and so has to be said again."""
        body = self._sealer.seal(packed(purge), STREAM.encode())
        try:
            added = (await self._said(("XADD", STREAM, "MAXLEN", "~", KEPT_AT_MOST, "*", FIELD, body)))[0]
        except (OSError, RedisError):
            return False
        with contextlib.suppress(OSError, RedisError):
            await self._said(("XTRIM", STREAM, "MINID", "~", _text(self._too_old(_place(added)[0]))))
        return True

    async def confirmed(self, purge_id: str, within: float = 1.0) -> tuple[int, int]:
        """Wait until all living processes have applied a purge, and return how many have and how many live; (0, 0) without the store.

        One that has not been heard of for as long as it serves without hearing counts as living no more.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + within
        while True:
            try:
                acknowledged, living = await self._counted(purge_id)
            except (OSError, RedisError):
                acknowledged, living = 0, 0
            if 0 < living <= acknowledged or loop.time() >= until:
                return acknowledged, living
            await asyncio.sleep(ASK_AGAIN_SECONDS)

    async def _counted(self, purge_id: str) -> tuple[int, int]:
        now, members = await self._said(("TIME",), ("SMEMBERS", self._acknowledged_at(purge_id)[0]))
        silent = _milliseconds(now) - int(1000 * self._silence)
        living = set((await self._said(("ZRANGEBYSCORE", PROCESSES, silent, "+inf")))[0])
        return len(living.intersection(members)), len(living)

    async def _said(self, *commands: Command) -> list[Any]:
        return _accepted(await self._store.exchange(commands, PUBLISH_SECONDS, PUBLISH_SECONDS))

    def _acknowledged_at(self, purge_id: str) -> list[str]:
        """Say where a purge is acknowledged, by each secret; who asks looks at the first."""
        return [f"{ACKNOWLEDGED}:{name}" for name in self._sealer.names(b"purge " + purge_id.encode())]

    # ── hearing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _follow(self) -> None:
        pause = SHORTEST_PAUSE
        while True:
            try:
                while True:
                    await self._round()
                    pause = SHORTEST_PAUSE
            except Exception:  # noqa: BLE001 - whatever it is, this process does not hear for now, and `alive` says so
                self._hearing = False
            await asyncio.sleep(pause * (0.5 + 0.5 * random.random()))  # noqa: S311 - spreads processes, guards nothing
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _round(self) -> None:
        """Look at the stream, and read on in it; when there is nothing new that takes as long as a read waits for news."""
        now = await self._looked()
        waits = ("BLOCK", max(1, int(1000 * self._wait))) if self._hearing else ()
        commands = [
            *self._signs_of_life(now),
            ("XREAD", "COUNT", READ_TOGETHER, *waits, "STREAMS", STREAM, _text(self._last)),
        ]
        replies = await self._store.exchange(commands, self._wait + MARGIN_SECONDS, MARGIN_SECONDS)
        # A store that is full refuses signs of life; what stands in it can still be read.
        news = _accepted(replies[-1:])[0]
        self._unacknowledged.clear()
        entries = news[0][1] if news else []
        for place, fields in entries:
            self._take(_place(place), fields, now)
        if len(entries) < READ_TOGETHER:
            self.last_heard = self._clock()
            self._hearing = True

    def _signs_of_life(self, now: int) -> list[Command]:
        """Say that this process lives, and what it has applied."""
        signs: list[Command] = [
            ("ZADD", PROCESSES, now, self.process),
            ("ZREMRANGEBYSCORE", PROCESSES, "-inf", now - 1000 * ACKNOWLEDGED_SECONDS),
        ]
        for place in [place for purge_id in self._unacknowledged for place in self._acknowledged_at(purge_id)]:
            signs += [("SADD", place, self.process), ("EXPIRE", place, ACKNOWLEDGED_SECONDS)]
        return signs

    async def _looked(self) -> int:
        """Make sure that nothing was missed; returns the time of the store, in milliseconds since 1970.

        The stream carries a mark that vanishes with it. Without it a stream that was lost and begun again would look as if it had gone on.
        """
        looking: list[Command] = [("TIME",), ("XINFO", "STREAM", STREAM), ("XINFO", "GROUPS", STREAM)]
        replies = await self._store.exchange(looking, MARGIN_SECONDS, MARGIN_SECONDS)
        if isinstance(replies[1], ResponseError) or not replies[2]:
            await self._store.exchange([("XGROUP", "CREATE", STREAM, f"mark-{secrets.token_hex(8)}", "0", "MKSTREAM")], MARGIN_SECONDS)
            replies = await self._store.exchange(looking, MARGIN_SECONDS, MARGIN_SECONDS)
        time_there, stream, groups = _accepted(replies)
        self._compare(_pairs(stream), [_pairs(group)[b"name"] for group in groups], now := _milliseconds(time_there))
        return now

    def _compare(self, stream: dict[bytes, Any], marks: list[bytes], now: int) -> None:
        """Begin with a stream, or find out that it is another one, fell back to an older state, or lost purges that were not read."""
        first = stream[b"first-entry"]
        begins = self._stream_mark is None
        is_other = self._stream_mark not in marks or _place(stream[b"last-generated-id"]) < self._newest
        is_cut_off = first is not None and stream[b"length"] >= KEPT_AT_MOST and _place(first[0]) > self._last
        if begins or is_other:
            self._stream_mark, self._last, self._newest = min(marks), self._too_old(now), (0, 0)
        if not begins and (is_other or is_cut_off):
            self._missed()

    def _take(self, place: Place, fields: list[bytes], now: int) -> None:
        sealed = _pairs(fields).get(FIELD.encode(), b"")
        plain = self._sealer.open(sealed, STREAM.encode())
        try:
            purge = None if plain is None else _DECODER.decode(plain)
        except msgspec.DecodeError:
            purge = None
        if purge is None:
            # Somebody wanted something forgotten, and this process cannot know what.
            self.unreadable += 1
            self._missed()
        else:
            self._applied(purge)
            if now - place[0] < 1000 * ACKNOWLEDGED_SECONDS:
                self._unacknowledged.append(purge.id)
        self._last = self._newest = place

    def _missed(self) -> None:
        self._hearing = False
        self._lost()

    def _too_old(self, now: int) -> Place:
        """Return the place in the stream up to which purges matter no more."""
        return (int(max(0.0, now - 1000 * self._longest)), 0)


def _accepted(replies: list[Any]) -> list[Any]:
    """Return replies as they are; the first refusal among them is raised."""
    for refused in (reply for reply in replies if isinstance(reply, ResponseError)):
        raise refused
    return replies


def _pairs(flat: list[Any]) -> dict[bytes, Any]:
    return dict(zip(flat[::2], flat[1::2], strict=False))


def _place(text: bytes) -> Place:
    milliseconds, _, number = text.partition(b"-")
    return int(milliseconds), int(number)


def _text(place: Place) -> str:
    return f"{place[0]}-{place[1]}"


def _milliseconds(now: list[bytes]) -> int:
    return int(now[0]) * 1000 + int(now[1]) // 1000
