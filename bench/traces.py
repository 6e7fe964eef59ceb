"""Traces: which keys are asked for one after another, drawn from a seed, in the shapes that caches meet."""

import random
from collections.abc import Callable, Iterator
from itertools import accumulate, islice
from typing import NamedTuple

KEYS = 20_000
ACCESSES = 60_000
SCAN = 200
SCAN_SHARE = 0.3
DRIFT_WINDOW = 3_000


class Trace(NamedTuple):
    """A shape with the number of entries that the cache has room for."""

    name: str
    entries: int
    keys: Callable[[int], Iterator[int]]

    def draw(self, accesses: int = ACCESSES, seed: int = 2026) -> list[int]:
        """Draw so many accesses."""
        return list(islice(self.keys(seed), accesses))


def zipf(exponent: float, keys: int = KEYS) -> Callable[[int], Iterator[int]]:
    """Make a shape in which the n-th key is asked for in proportion to n to the power of minus the exponent."""
    odds = list(accumulate((rank + 1) ** -exponent for rank in range(keys)))

    def drawn(seed: int) -> Iterator[int]:
        dice = random.Random(seed)
        names = list(range(keys))
        dice.shuffle(names)
        while True:
            yield from dice.choices(names, cum_weights=odds, k=1_000)

    return drawn


def with_scans(exponent: float) -> Callable[[int], Iterator[int]]:
    """Make a shape in which somebody now and then reads many keys in a row that nobody else wants, as a batch job does."""

    def drawn(seed: int) -> Iterator[int]:
        dice, wanted, at = random.Random(seed), zipf(exponent)(seed), KEYS
        while True:
            if dice.random() < SCAN_SHARE / SCAN / (1 - SCAN_SHARE):
                yield from range(at, at + SCAN)
                at = KEYS + (at + SCAN - KEYS) % (5 * KEYS)
            yield next(wanted)

    return drawn


def drifting(seed: int) -> Iterator[int]:
    """Ask for new keys a few times while they are new; hardly for old ones, as with cases that are being worked on."""
    dice, newest = random.Random(seed), 0
    while True:
        newest += dice.random() < 0.12  # noqa: PLR2004 - about one access in eight is for a new key
        yield max(0, newest - int(DRIFT_WINDOW * dice.random() ** 1.5))


TRACES = (
    Trace("Zipf 0.8, 500 entries", 500, zipf(0.8)),
    Trace("Zipf 0.8, 3,000 entries", 3_000, zipf(0.8)),
    Trace("Zipf 0.9 with scans, 500 entries", 500, with_scans(0.9)),
    Trace("Zipf 0.9 with scans, 3,000 entries", 3_000, with_scans(0.9)),
    Trace("drifting, 300 entries", 300, drifting),
    Trace("drifting, 2,000 entries", 2_000, drifting),
)


def weight_of(key: int) -> int:
    """Give each key a weight of its own, of 100 on average."""
    return 40 + key * 7_919 % 121
