"""The breaker of an operation: when it opens, how it comes back, and what it never counts."""

import msgspec
import pytest

from graph.system_settings import BreakerSettings
from graph.upstream.breaker import Breaker


class Watched:
    """A breaker with a clock that the test turns."""

    def __init__(self, draw: float = 0.0, **changed: float) -> None:
        self.now = 0.0
        self.said: list[tuple[str, str]] = []
        settings = msgspec.structs.replace(BreakerSettings(), **changed)
        self.breaker = Breaker(settings, lambda: self.now, lambda: draw, lambda state, why: self.said.append((state, why)))

    def calls(self, *went: str) -> None:
        """Make one call after the other."""
        for how in went:
            self.breaker.end(how, probe=self.breaker.begin())  # type: ignore[arg-type]  # one of Went

    def open(self) -> None:
        self.calls(*["failed"] * 20)


def test_it_opens_when_half_of_at_least_twenty_calls_failed() -> None:
    watched = Watched()
    watched.calls(*["failed"] * 19)
    assert watched.breaker.closed_for() == 0
    watched.calls("failed")
    assert watched.said == [("open", "failing calls")]
    assert watched.breaker.closed_for() == 5.0


def test_calls_that_go_well_keep_it_closed() -> None:
    watched = Watched()
    watched.calls(*["well", "well", "failed"] * 100)
    assert watched.breaker.closed_for() == 0


def test_it_opens_when_eight_in_ten_calls_are_slow() -> None:
    watched = Watched()
    watched.calls(*["well", "slow", "slow", "slow"] * 10)
    assert watched.breaker.state == "closed"
    watched.calls(*["slow"] * 10)
    assert watched.said == [("open", "slow calls")]


def test_what_says_nothing_of_the_system_is_not_counted() -> None:
    watched = Watched()
    watched.calls(*["unknown"] * 200, *["failed"] * 19)
    assert watched.breaker.closed_for() == 0


def test_failures_of_long_ago_are_forgotten() -> None:
    watched = Watched()
    watched.calls(*["failed"] * 19)
    watched.now = 31.0
    watched.calls("failed")
    assert watched.breaker.closed_for() == 0


def test_it_comes_back_by_one_two_and_four_probes() -> None:
    watched = Watched()
    watched.open()
    watched.now = 5.0
    for probes in (1, 2, 4):
        begun = [watched.breaker.closed_for() == 0 and watched.breaker.begin() for _ in range(probes)]
        assert begun == [True] * probes
        assert watched.breaker.closed_for() > 0
        for _ in range(probes):
            watched.breaker.end("well", probe=True)
    assert [state for state, _ in watched.said] == ["open", "half_open", "closed"]
    assert watched.breaker.begin() is False


@pytest.mark.parametrize("went", ["failed", "slow"])
def test_a_probe_that_fails_opens_it_for_twice_as_long_up_to_a_bound(went: str) -> None:
    watched = Watched()
    watched.open()
    waits = []
    for _ in range(4):
        watched.now += watched.breaker.closed_for()
        assert watched.breaker.closed_for() == 0
        watched.calls(went)
        waits.append(watched.breaker.closed_for())
    assert waits == [10.0, 20.0, 20.0, 20.0]


def test_a_probe_that_was_broken_off_lets_the_next_one_try() -> None:
    watched = Watched()
    watched.open()
    watched.now = 5.0
    assert watched.breaker.closed_for() == 0
    watched.calls("unknown")
    assert (watched.breaker.state, watched.breaker.closed_for()) == ("half_open", 0)


def test_processes_do_not_come_back_at_once() -> None:
    waits = []
    for draw in (0.0, 0.5, 1.0):
        watched = Watched(draw)
        watched.open()
        waits.append(watched.breaker.closed_for())
    assert waits == [5.0, 4.5, 4.0]


def test_a_call_begun_before_it_opened_says_nothing_to_the_probes() -> None:
    watched = Watched()
    early = watched.breaker.begin()
    watched.open()
    watched.now = 5.0
    assert watched.breaker.closed_for() == 0
    watched.breaker.end("failed", probe=early)
    assert watched.breaker.state == "half_open"


def test_by_hand_it_closes_at_once() -> None:
    watched = Watched()
    watched.open()
    watched.breaker.reset()
    assert watched.breaker.closed_for() == 0
    assert watched.said[-1] == ("closed", "by hand")
