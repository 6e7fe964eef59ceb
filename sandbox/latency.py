"""How long an agency takes to answer: log-normal, as offices are, and the same again for the same seed."""

from collections import Counter
from collections.abc import Awaitable, Callable
from math import cos, exp, log, pi, sqrt
from typing import Final, NamedTuple

from sandbox.mixing import Stream

Sleep = Callable[[float], Awaitable[None]]

MEDIANS: Final = {
    "population": 0.180,
    "business": 0.090,
    "insurance": 0.120,
    "civil_status": 0.250,
    "tax": 0.200,
    "code_lists": 0.030,
}
"""Seconds, on an ordinary day."""

PER_KEY: Final = 0.0005


class Profile(NamedTuple):
    """How much slower than an ordinary day, and how wide the spread."""

    factor: float
    spread: float


PROFILES: Final = {"none": None, "office": Profile(1.0, 0.6), "bad": Profile(5.0, 0.9)}
"""A spread of 0.6 puts the slowest call in a hundred at four times the median, 0.9 at eight times."""


class Latency:
    """Waits before an answer; the profile `none` never does."""

    def __init__(self, profile: str, seed: int, sleep: Sleep) -> None:
        if profile not in PROFILES:
            message = f"unknown latency profile {profile!r}; there are {', '.join(PROFILES)}"
            raise ValueError(message)
        self._profile = PROFILES[profile]
        self._streams = {system: Stream(seed, f"latency {system}") for system in MEDIANS}
        self._calls: Counter[str] = Counter()
        self._sleep = sleep

    async def wait(self, system: str, keys: int) -> None:
        """Wait as long as the next call to this system takes."""
        if self._profile is not None:
            await self._sleep(self._seconds(self._profile, system, keys))

    def _seconds(self, profile: Profile, system: str, keys: int) -> float:
        number = self._calls[system]
        self._calls[system] += 1
        normal = _normal(self._streams[system], number)
        return MEDIANS[system] * profile.factor * exp(profile.spread * normal) + PER_KEY * keys


def _normal(stream: Stream, number: int) -> float:
    """Draw from the normal distribution (Box and Muller)."""
    first = (stream.at(2 * number) + 1) / (1 << 64)
    second = stream.at(2 * number + 1) / (1 << 64)
    return sqrt(-2 * log(first)) * cos(2 * pi * second)
