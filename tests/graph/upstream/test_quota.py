"""Quotas: never more calls in any window than the contract allows, whoever makes them, and whoever is lost meanwhile."""

import multiprocessing
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from graph.upstream.quota import Quota


class Clock:
    """Seconds since 1970, as the test wants them."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def quota(
    folder: Path, clock: Callable[[], float], *, per_minute: int | None = None, per_day: int | None = None, kept: float = 0.0
) -> Quota:
    return Quota(folder / "register.quota", per_minute, per_day, kept, clock)


def most_in_a_window(moments: list[float], seconds: float) -> int:
    """Count the calls of the fullest window, wherever it begins."""
    return max((sum(begin <= moment < begin + seconds for moment in moments) for begin in moments), default=0)


def test_without_limits_everything_is_free_and_nothing_is_written(tmp_path: Path) -> None:
    free = quota(tmp_path, Clock())
    assert [free.take(interactive=False) for _ in range(1_000)] == [0.0] * 1_000
    assert free.figures() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seed", range(5))
def test_tr6_no_window_of_a_minute_ever_holds_more_than_the_contract_allows(tmp_path: Path, seed: int) -> None:
    clock, draws = Clock(), random.Random(seed)  # noqa: S311 - calls are drawn, nothing is guarded by it
    limited = quota(tmp_path, clock, per_minute=50)
    moments: list[float] = []
    for _ in range(3_000):
        clock.now += draws.choice([0.001, 0.05, 0.3, 2.0])
        if not limited.take(interactive=True):
            moments.append(clock.now)
    assert most_in_a_window(moments, 60) == 50
    assert len(moments) > 0.9 * 50 * (clock.now - 1_790_000_000) / 61


def test_a_day_is_counted_beside_the_minute(tmp_path: Path) -> None:
    clock = Clock()
    limited = quota(tmp_path, clock, per_minute=10, per_day=25)
    taken = 0
    for _ in range(300):
        clock.now += 5
        taken += not limited.take(interactive=True)
    assert taken == 25
    assert {found.seconds: (found.allowed, found.used) for found in limited.figures()}[86_400] == (25, 25)


def test_it_says_when_there_will_be_room_again(tmp_path: Path) -> None:
    clock = Clock()
    limited = quota(tmp_path, clock, per_minute=2)
    assert (limited.take(interactive=True), limited.take(interactive=True)) == (0.0, 0.0)
    waits = limited.take(interactive=True)
    assert 60 < waits <= 61
    clock.now += waits
    assert limited.take(interactive=True) == 0.0


def test_a_share_is_kept_for_people_who_wait(tmp_path: Path) -> None:
    limited = quota(tmp_path, Clock(), per_minute=10, kept=0.2)
    assert [not limited.take(interactive=False) for _ in range(10)] == [True] * 8 + [False] * 2
    assert [not limited.take(interactive=True) for _ in range(3)] == [True, True, False]


def test_tr6_a_process_that_is_lost_leaves_its_calls_counted(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(5):
        worker = quota(tmp_path, clock, per_minute=7)
        worker.take(interactive=True)
        worker.take(interactive=True)
        worker.close()
    assert quota(tmp_path, clock, per_minute=7).figures()[0].used == 7


def test_a_clock_that_is_put_back_frees_nothing(tmp_path: Path) -> None:
    clock = Clock()
    first = quota(tmp_path, clock, per_minute=3)
    assert [first.take(interactive=True) for _ in range(3)] == [0.0] * 3
    clock.now -= 3_600
    assert first.take(interactive=True) > 0
    assert quota(tmp_path, clock, per_minute=3).take(interactive=True) > 0


def _take_all(file: Path, allowed: int, taken: "multiprocessing.queues.Queue[int]") -> None:
    mine = Quota(file, allowed, None, 0.0, Clock())
    taken.put(sum(not mine.take(interactive=True) for _ in range(2_000)))


def test_tr6_workers_that_take_at_once_never_take_more_together(tmp_path: Path) -> None:
    taken: multiprocessing.queues.Queue[int] = multiprocessing.get_context("spawn").Queue()
    workers = [
        multiprocessing.get_context("spawn").Process(target=_take_all, args=(tmp_path / "register.quota", 1_500, taken)) for _ in range(3)
    ]  # fmt: skip
    for worker in workers:
        worker.start()
    counts = [taken.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(30)
    assert sum(counts) == 1_500
