"""T-O2: how often records change is estimated without a bias, and the interval holds the truth as often as it says."""

import math
import random

import msgspec
import pytest

from graph.loading.change_rate import Changes

HOUR = 3_600.0
RATE = 1 / HOUR


def seen(dice: random.Random, fetches: int, spacing: float, *, even: bool) -> Changes:
    """Fetch a record that changes once an hour on average so many times."""
    changes = Changes()
    for _ in range(fetches):
        elapsed = spacing if even else dice.expovariate(1 / spacing)
        changes.see(elapsed, changed=dice.random() < -math.expm1(-RATE * elapsed))
    return changes


@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("fetches", [50, 200, 500])
@pytest.mark.parametrize("spacing", [300.0, HOUR, 4 * HOUR])
def test_to2_the_interval_holds_the_true_rate_in_93_of_100_cases(fetches: int, spacing: float, *, even: bool) -> None:
    dice = random.Random(f"{fetches}{spacing}{even}")  # noqa: S311 - a repeatable test
    rates = [seen(dice, fetches, spacing, even=even).rate() for _ in range(1_000)]

    held = sum(rate is not None and rate.low <= RATE <= rate.high for rate in rates)
    assert held >= 0.93 * 1_000


@pytest.mark.parametrize("spacing", [300.0, HOUR, 4 * HOUR])
def test_rare_fetches_do_not_make_changes_look_rare(spacing: float) -> None:
    dice = random.Random(7)  # noqa: S311 - likewise
    rate = seen(dice, 2_000, spacing, even=False).rate()

    assert rate is not None
    assert rate.estimate == pytest.approx(RATE, rel=0.15)


def test_where_nothing_changed_the_rate_is_bounded_by_what_would_have_shown() -> None:
    changes = Changes()
    for _ in range(10):
        changes.see(60.0, changed=False)
    rate = changes.rate()

    assert rate is not None
    assert (rate.estimate, rate.low) == (0.0, 0.0)
    assert rate.high == pytest.approx(3 / 600)


def test_where_everything_changed_no_bound_is_known_above() -> None:
    changes = Changes()
    changes.see(60.0, changed=True)
    rate = changes.rate()

    assert rate is not None
    assert math.isinf(rate.high)
    assert 0 < rate.low < 1


def test_without_a_second_fetch_nothing_is_known() -> None:
    changes = Changes()
    changes.see(0.0, changed=True)
    assert changes.rate() is None


def test_what_two_processes_saw_adds_up_and_travels_as_json() -> None:
    dice = random.Random(3)  # noqa: S311 - likewise
    one, other = (seen(dice, 100, HOUR, even=False) for _ in range(2))
    both = one.add(msgspec.json.decode(msgspec.json.encode(other), type=Changes))

    assert both.unchanged + sum(both.changed) == 200
    faded = both.faded(0.5)
    assert faded.unchanged + sum(faded.changed) == 100
    assert faded.rate() is not None
