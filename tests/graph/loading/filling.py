"""Fills a resolver cache with records of a seed and prints, as JSON, what it accounts for and what the process has grown by."""

import ctypes
import gc
import json
import os
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graph.loading.batch import Batch, batch_many, batch_one
from graph.loading.cache import Entry, Times
from graph.loading.eviction import Policy, new_cache
from graph.loading.labels import labeller
from graph.loading.weight import weigher
from graph.seam import Record, System, Upstream
from graph.upstream.record import Provenance, stamp
from resolvers.identifiers import PersonalId

SYSTEM = System("register", title="A register", owner="An agency", protocol="REST")
LETTERS = "aăâbcdđeêghiklmnoôơpqrstuưvxy"


class Place(Record):
    """A record inside another."""

    code: str | None
    street: str | None


class Book(Record):
    """A record with a text of any length."""

    owner: PersonalId
    name: str
    text: str
    pages: int
    places: tuple[Place, ...]
    partner: PersonalId | None


@batch_one(SYSTEM, max_keys=1)
async def book_by_id(_upstream: Upstream, _ids: Sequence[PersonalId]) -> Mapping[PersonalId, Book]:
    """Nobody calls it."""
    return {}


@batch_many(SYSTEM, max_keys=1)
async def books_by_id(_upstream: Upstream, _ids: Sequence[PersonalId]) -> Mapping[PersonalId, tuple[Book, ...]]:
    """Nobody calls it."""
    return {}


def made(dice: random.Random, number: int, size: float) -> Book:
    """Make a book with about so many bytes of text, half of the texts with letters that take two bytes."""
    text = "".join(dice.choices(LETTERS, k=16))
    whole = text * int(size / 32) if dice.random() < 0.5 else text.encode("ascii", "ignore").decode() * int(size / 16)
    places = tuple(Place(code=f"{place:05}", street=f"Street {number}") for place in range(dice.randrange(3)))
    partner = PersonalId(f"099{number + 1:09}") if number % 2 else None
    return Book(
        owner=PersonalId(f"099{number:09}"), name=f"Nguyễn {number}", text=whole, pages=number + 1_000, places=places, partner=partner
    )


def resident() -> int:
    """Return the bytes of memory that the process has, after giving back what it does not use."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def filled(policy: Policy, batch: Batch[Any, Any], budget: int, largest: float) -> dict[str, float]:
    """Fill a cache to its budget and a third beyond, with values from 100 bytes to `largest`, small ones as often as large ones."""
    dice = random.Random(2026)  # noqa: S311 - books are drawn, nothing is guarded by them
    weigh, labels = weigher(batch), labeller(batch)
    lifetime = Times(lambda: 0.0)
    cache = new_cache(policy, budget, lambda entry: entry.weight)
    accounted, number, before = 0, 0, resident()
    while accounted < budget * 4 / 3:
        number += 1
        key = PersonalId(f"099{number:09}")
        books = tuple(made(dice, number + other, 100 * (largest / 100) ** dice.random()) for other in range(1 + 2 * batch.many))
        started = float(number)
        stamp(books, Provenance(SYSTEM.name, started, lifetime, f"message-{number}-{number}-{number}"))
        value = books if batch.many else books[0]
        entry = Entry(value, started, dice.random(), labels(key, value), negative=False)
        entry.weight = weigh(key, value)
        accounted += entry.weight
        cache[0, key] = entry
        cache.get((0, PersonalId(f"099{dice.randint(max(1, number - 50), number):09}")))
        del books, value, entry, key
    return {"entries": len(cache), "accounted": cache.currsize, "grown": resident() - before, "evictions": cache.evictions}


if __name__ == "__main__":
    policy, megabytes, largest, many = sys.argv[1:]
    which = books_by_id if many == "many" else book_by_id
    sys.stdout.write(json.dumps(filled(policy, which, int(megabytes) << 20, float(largest))))  # type: ignore[arg-type]  # a policy
