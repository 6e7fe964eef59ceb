"""Drawn answers of all batch functions, and the means to wait for something and to read all that a server holds."""

import asyncio
import dataclasses
import time
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

import msgspec
from redis.asyncio import Redis

from graph.loading.batch import Batch
from graph.loading.labels import labeller
from graph.shared.packing import Kept
from graph.shared.tier import SharedTier
from resolvers import business, civil_status, code_lists, insurance, population, tax
from tests.graph.execution.product import recorded
from tests.redis_server import RedisServer

SECRET = bytes(range(32))
OTHER_SECRET = bytes(range(32, 64))
SOON_SECONDS = 10.0
SHARE = ("consumer", "purpose", None)
SYSTEMS = (business, civil_status, code_lists, insurance, population, tax)
BY_NAME: dict[str, Batch[Any, Any]] = {
    found.name: found for system in SYSTEMS for found in vars(system).values() if isinstance(found, Batch)
}
CITIZENS = BY_NAME["citizen_by_id"]
PERIODS = BY_NAME["periods_by_year"]
PERSON = CITIZENS.key_type("099085000001")
OTHER = CITIZENS.key_type("099085000002")


def a_key(batch: Batch[Any, Any], random: Random) -> Any:
    """Draw a key."""
    kind = batch.key_type
    if issubclass(kind, tuple):
        hints = typing.get_type_hints(kind)
        return kind(*(recorded(hints[name], random) for name in kind._fields))
    return recorded(kind, random)


def an_answer(batch: Batch[Any, Any], random: Random) -> Any:
    """Draw what is under a key."""
    if batch.many:
        return tuple(recorded(batch.record, random) for _ in range(3))
    return recorded(batch.record, random)


def a_citizen(person: str, name: str) -> Any:
    """Draw what the population system says of a person."""
    drawn = recorded(CITIZENS.record, Random(person))  # noqa: S311 - a draw that can be repeated
    return msgspec.structs.replace(drawn, personal_id=CITIZENS.key_type(person), full_name=name)


def put(tier: SharedTier, batch: Batch[Any, Any], answers: Mapping[Any, Any], *, started: float | None = None, keep: float = 60.0) -> None:
    """Put answers that have just been fetched, labelled as the gateway does."""
    began = time.time() if started is None else started
    labels = labeller(batch)
    tier.put(
        batch,
        SHARE,
        {key: Kept(value, began, 0.25, "message-1") for key, value in answers.items()},
        keep,
        {key: labels(key, value) for key, value in answers.items()},
    )


def typed(value: Any) -> Any:
    """Write a value down with the class of each of its parts."""
    if isinstance(value, msgspec.Struct):
        return type(value), {name: typed(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple):
        return type(value), [typed(part) for part in value]
    return type(value), value


async def eventually(happened: Callable[[], bool], within: float = SOON_SECONDS) -> None:
    """Wait for something that will happen soon."""
    until = time.monotonic() + within
    while not happened():
        assert time.monotonic() < until, f"did not happen within {within} seconds"
        await asyncio.sleep(0.005)


@dataclasses.dataclass
class Held:
    """All that a server holds: each key with what stands under it."""

    by_key: dict[bytes, list[bytes]]

    def holds_any(self, texts: Sequence[bytes]) -> set[bytes]:
        """Find out which texts of at least eight bytes stand anywhere, in one pass over everything."""
        everything = b"\n".join(part for key, parts in self.by_key.items() for part in (key, *parts))
        by_beginning: dict[bytes, set[bytes]] = {}
        for text in texts:
            by_beginning.setdefault(text[:8], set()).add(text)
        places = (at for at in range(len(everything)) if everything[at : at + 8] in by_beginning)
        return {text for at in places for text in by_beginning[everything[at : at + 8]] if everything.startswith(text, at)}

    def under(self, prefix: str) -> list[bytes]:
        """List the keys that begin so."""
        return [key for key in self.by_key if key.startswith(prefix.encode())]


async def held_by(server: RedisServer) -> Held:
    """Read everything."""
    async with Redis.from_url(server.url, protocol=2) as client:
        return Held({key: list(await _parts(client, key)) for key in [key async for key in client.scan_iter(count=1000)]})


async def _parts(client: Any, key: bytes) -> Sequence[bytes] | Iterator[bytes]:
    kind = await client.type(key)
    if kind == b"string":
        return [await client.get(key)]
    if kind == b"zset":
        return await client.zrange(key, 0, -1)  # type: ignore[no-any-return]  # bytes, as nothing is decoded
    if kind == b"set":
        return await client.smembers(key)  # type: ignore[no-any-return]  # likewise
    assert kind == b"stream", kind
    return (part for _, fields in await client.xrange(key) for pair in fields.items() for part in pair)
