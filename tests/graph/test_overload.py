"""Overload: limits by class, and who is sent away first when the process does not keep up."""

from typing import Any

import pytest

from graph.overload import LATE_SECONDS, LOOKS, Overload
from graph.settings import ClassSettings, GatewaySettings
from graph.upstream.priority import NAMED, Priority


class Told:
    """An overload whose events can be read."""

    def __init__(self, **settings: Any) -> None:
        self.events: list[str] = []
        self.overload = Overload(GatewaySettings(**settings), self._tell)

    def _tell(self, name: str, /, **_fields: Any) -> None:
        self.events.append(name)

    def late(self, looks: int = LOOKS) -> None:
        for _ in range(looks):
            self.overload.noticed(LATE_SECONDS * 2)

    def punctual(self, looks: int = LOOKS) -> None:
        for _ in range(looks):
            self.overload.noticed(0.0)

    def let_in(self) -> set[str]:
        """Name the classes that are let in now."""
        found = set()
        for name, priority in NAMED.items():
            if self.overload.begin(priority) is None:
                found.add(name)
                self.overload.end(priority)
        return found


def test_a_class_has_no_more_requests_under_way_than_its_own() -> None:
    told = Told(classes={"batch": ClassSettings(seconds=60, max_requests=2)})
    batch = [told.overload.begin(Priority.BATCH) for _ in range(3)]
    assert batch[:2] == [None, None]
    assert batch[2] is not None
    assert batch[2].extensions() == {"code": "SHED", "retryable": True, "retryAfterMs": 4_000}
    assert told.overload.begin(Priority.CITIZEN) is None
    told.overload.end(Priority.BATCH)
    assert told.overload.begin(Priority.BATCH) is None
    assert told.overload.shed[Priority.BATCH] == 1


def test_all_together_have_no_more_than_the_process_answers() -> None:
    told = Told(max_requests=3)
    assert [told.overload.begin(Priority.CITIZEN) is None for _ in range(4)] == [True, True, True, False]


def test_a_process_that_does_not_keep_up_sends_jobs_away_first_then_services_then_officials_and_citizens_never() -> None:
    told = Told()
    assert told.let_in() == {"citizen", "caseworker", "service", "batch"}
    told.late()
    assert told.let_in() == {"citizen", "caseworker", "service"}
    told.late()
    assert told.let_in() == {"citizen", "caseworker"}
    told.late(20 * LOOKS)
    assert told.let_in() == {"citizen"}
    assert told.events == ["shedding_began"]


def test_as_soon_as_it_keeps_up_again_they_come_back_step_by_step() -> None:
    told = Told()
    told.late(3 * LOOKS)
    for back in ({"citizen", "caseworker"}, {"citizen", "caseworker", "service"}, {"citizen", "caseworker", "service", "batch"}):
        told.punctual()
        assert told.let_in() == back
    assert told.events == ["shedding_began", "shedding_ended"]


def test_a_process_that_is_late_now_and_then_sends_nobody_away() -> None:
    told = Told()
    for _ in range(50):
        told.late(LOOKS - 1)
        told.punctual(1)
    assert told.let_in() == set(NAMED)
    assert told.events == []


@pytest.mark.parametrize("name", sorted(NAMED))
def test_what_is_set_for_one_class_leaves_the_others_as_they_are(name: str) -> None:
    changed = GatewaySettings(classes={name: ClassSettings(seconds=1, max_requests=1)})  # type: ignore[dict-item]  # one of the four
    usual = GatewaySettings()
    assert [changed.of_class(each) == usual.of_class(each) for each in NAMED] == [each != name for each in NAMED]
