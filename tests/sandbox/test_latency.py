"""Waiting times follow the profile; nothing here sleeps, the sleeper only writes down."""

from statistics import median, quantiles

import pytest

from sandbox.latency import MEDIANS, Latency


class Sleeper:
    """Notes how long it was told to sleep."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


async def waits(profile: str, system: str, calls: int, keys: int = 0, seed: int = 2026) -> list[float]:
    """Collect the waiting times of so many calls."""
    sleeper = Sleeper()
    latency = Latency(profile, seed, sleeper)
    for _ in range(calls):
        await latency.wait(system, keys)
    return sleeper.waits


@pytest.mark.parametrize("system", MEDIANS)
async def test_an_office_has_its_median_and_a_tail_of_four_times_that(system: str) -> None:
    seconds = await waits("office", system, 8000)

    assert median(seconds) == pytest.approx(MEDIANS[system], rel=0.05)
    assert quantiles(seconds, n=100)[98] == pytest.approx(4 * MEDIANS[system], rel=0.15)


async def test_a_bad_day_is_five_times_slower_with_a_heavier_tail() -> None:
    seconds = await waits("bad", "population", 8000)

    assert median(seconds) == pytest.approx(5 * MEDIANS["population"], rel=0.05)
    assert quantiles(seconds, n=100)[98] > 6 * median(seconds)


async def test_each_key_costs_half_a_millisecond() -> None:
    without, with_keys = await waits("office", "tax", 5), await waits("office", "tax", 5, keys=20)

    assert [more - less for more, less in zip(with_keys, without, strict=True)] == pytest.approx([0.010] * 5)


async def test_no_profile_never_sleeps() -> None:
    assert await waits("none", "business", 5) == []


async def test_the_same_seed_waits_the_same_and_another_does_not() -> None:
    assert await waits("office", "tax", 5) == await waits("office", "tax", 5)
    assert await waits("office", "tax", 5) != await waits("office", "tax", 5, seed=1)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown latency profile 'slow'; there are none, office, bad"):
        Latency("slow", 1, Sleeper())
