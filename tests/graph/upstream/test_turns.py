"""Turns: each class has its share, nobody starves, and in a queue that stands people are served youngest first."""

from collections import Counter

from graph.upstream.priority import Priority
from graph.upstream.turns import Turns


class Queue:
    """Turns on a clock that the test turns; those who wait have names."""

    def __init__(self) -> None:
        self.now = 0.0
        self.turns = Turns(lambda: self.now)
        self.had: list[str] = []

    def wait(self, priority: Priority, name: str) -> None:
        self.turns.wait(priority, lambda: self.had.append(name), self.now)

    def next(self, *not_allowed: Priority) -> None:
        again = self.turns.next(lambda priority: priority not in not_allowed, 0.1)
        if again is not None:
            again()


def test_within_a_class_the_longest_waiting_goes_first() -> None:
    queue = Queue()
    for name in ("a", "b", "c"):
        queue.wait(Priority.CITIZEN, name)
    for _ in range(4):
        queue.next()
    assert queue.had == ["a", "b", "c"]


def test_a_citizen_goes_before_a_thousand_jobs_of_the_night() -> None:
    queue = Queue()
    for number in range(1_000):
        queue.wait(Priority.BATCH, f"job {number}")
    for _ in range(100):
        queue.next()
    queue.had.clear()
    queue.wait(Priority.CITIZEN, "citizen")
    queue.next()
    queue.next()
    assert "citizen" in queue.had


def test_classes_that_all_wait_get_their_shares_and_none_starves() -> None:
    queue = Queue()
    for number in range(1_000):
        for priority in Priority:
            queue.wait(priority, priority.name)
            assert number >= 0
    for _ in range(1_010):
        queue.next()
    shares = Counter(queue.had)
    assert 590 <= shares["CITIZEN"] <= 610
    assert 240 <= shares["CASEWORKER"] <= 260
    assert 90 <= shares["SERVICE"] <= 110
    assert 40 <= shares["BATCH"] <= 60
    assert shares["REFRESH"] >= 1


def test_who_has_waited_for_nothing_gets_no_credit_for_it() -> None:
    queue = Queue()
    for number in range(200):
        queue.wait(Priority.CITIZEN, f"{number}")
    for _ in range(100):
        queue.next()
    for _ in range(50):
        queue.wait(Priority.BATCH, "batch")
    queue.had.clear()
    for _ in range(26):
        queue.next()
    assert queue.had.count("batch") <= 3


def test_a_class_that_may_not_take_a_place_holds_nobody_up() -> None:
    queue = Queue()
    queue.wait(Priority.BATCH, "batch")
    queue.wait(Priority.SERVICE, "service")
    queue.next(Priority.SERVICE)
    queue.next(Priority.SERVICE)
    assert queue.had == ["batch"]


def test_in_a_queue_that_stands_people_are_served_youngest_first_and_others_in_order() -> None:
    queue = Queue()
    for number in range(40):
        queue.wait(Priority.CITIZEN, f"citizen {number}")
        queue.wait(Priority.BATCH, f"batch {number}")
    while not queue.turns.standing:
        queue.now += 0.05
        queue.next()
    assert 0.35 <= queue.now <= 0.45
    queue.had.clear()
    for _ in range(26):
        queue.next()
    assert [name for name in queue.had if name.startswith("citizen")][:2] == ["citizen 39", "citizen 38"]
    assert [name for name in queue.had if name.startswith("batch")] == ["batch 1", "batch 2"]


def test_a_queue_in_which_somebody_is_served_at_once_does_not_stand() -> None:
    queue = Queue()
    for number in range(100):
        queue.now += 0.05
        queue.wait(Priority.CITIZEN, f"{number}")
        queue.next()
    assert not queue.turns.standing


def test_a_queue_stands_no_more_when_somebody_need_not_wait() -> None:
    queue = Queue()
    for number in range(40):
        queue.wait(Priority.CITIZEN, f"{number}")
    for _ in range(40):
        queue.now += 0.05
        queue.next()
    assert queue.turns.standing
    queue.turns.went_at_once()
    assert not queue.turns.standing
