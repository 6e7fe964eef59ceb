"""Admission: what stands against a call, in which order, what is learnt from each, and what operators are told."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from graph.app import open_admissions
from graph.errors import ContractBroken, OutOfTime, SettingsWrong, SystemRefused, SystemThrottled, SystemTimedOut, SystemUnavailable
from graph.operating.siblings import Worker
from graph.settings import AdminSettings, GatewaySettings, SandboxSettings, Settings
from graph.system_settings import BreakerSettings, CalendarSettings, ConcurrencySettings, QuotaSettings
from graph.upstream.admission import Admission, Refusal, Ticket, Wait
from graph.upstream.priority import Priority
from graph.upstream.quota import Quota
from tests.lines import settings

MONDAY_NOON = 1_795_410_000.0  # 2026-11-23 12:00 in Hà Nội


class Office:
    """The admission of one system, with clocks that the test turns and events that it can read."""

    def __init__(self, quota: Quota | None = None, **changed: Any) -> None:
        self.now, self.wall = 100.0, MONDAY_NOON
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.admission = Admission(
            "register", settings(**changed), quota or Quota(Path(), None, None, 0.2, lambda: self.wall), clock=lambda: self.now,
            wall=lambda: self.wall, draw=lambda: 0.0, tell=self._tell,
        )  # fmt: skip

    def _tell(self, name: str, /, **fields: Any) -> None:
        self.events.append((name, fields))

    def enter(self, priority: Priority = Priority.CITIZEN, operation: str = "row_by_code") -> Ticket | Wait | Refusal:
        return self.admission.enter(operation, priority)

    def ticket(self, priority: Priority = Priority.CITIZEN, operation: str = "row_by_code") -> Ticket:
        entered = self.enter(priority, operation)
        assert isinstance(entered, Ticket)
        return entered

    def call(self, error: BaseException | None = None, seconds: float = 0.1, operation: str = "row_by_code") -> None:
        ticket = self.ticket(operation=operation)
        ticket.ended(1, seconds, error)
        ticket.release()

    def refusal(self, priority: Priority = Priority.CITIZEN, operation: str = "row_by_code") -> Refusal:
        entered = self.enter(priority, operation)
        assert isinstance(entered, Refusal)
        return entered


def unavailable() -> SystemUnavailable:
    return SystemUnavailable("register", "is down")


def test_a_drained_system_is_not_called_until_it_is_resumed() -> None:
    office = Office()
    office.admission.drain()
    refusal = office.refusal()
    assert (refusal.why, refusal.error.code, refusal.error.retryable) == ("drained", "UPSTREAM_UNAVAILABLE", True)
    office.admission.resume()
    assert isinstance(office.enter(), Ticket)
    assert [name for name, _ in office.events] == ["system_drained", "system_resumed"]


def test_a_closed_system_says_when_it_opens_and_is_told_of_once() -> None:
    office = Office(calendar=CalendarSettings(maintenance=("daily 11:00-13:00",)))
    refusal = office.refusal()
    office.refusal()
    assert (refusal.why, refusal.error.extensions()["retryAfterMs"]) == ("closed", 3_600_000)
    office.wall += 3_600
    assert isinstance(office.enter(), Ticket)
    assert [name for name, _ in office.events] == ["calendar_closed", "calendar_opened"]


def test_a_system_that_names_a_time_is_left_alone_until_then() -> None:
    office = Office()
    office.call(SystemThrottled("register", "asks to be called less often", retry_after_ms=30_000))
    refusal = office.refusal()
    assert (refusal.why, refusal.error.code, refusal.error.extensions()["retryAfterMs"]) == ("paused", "UPSTREAM_THROTTLED", 30_000)
    office.now += 29
    entered = office.enter()
    assert isinstance(entered, Wait)
    assert entered.seconds == pytest.approx(1.0)
    office.now += 1
    assert isinstance(office.enter(), Ticket)


def test_what_the_quota_does_not_allow_is_refused_with_the_time_to_come_again(tmp_path: Path) -> None:
    office = Office(quota=Quota(tmp_path / "quota", 5, None, 0.2, lambda: MONDAY_NOON))
    for _ in range(4):
        assert isinstance(office.enter(Priority.BATCH), Ticket)
    assert office.refusal(Priority.BATCH).why == "quota"
    office.ticket(Priority.CITIZEN)
    refusal = office.refusal(Priority.CITIZEN)
    assert (refusal.error.code, refusal.error.retryable) == ("UPSTREAM_THROTTLED", True)
    assert 59_000 < int(str(refusal.error.extensions()["retryAfterMs"])) <= 61_000
    assert [name for name, _ in office.events] == ["quota_exhausted", "quota_available", "quota_exhausted"]


def test_a_second_message_of_one_call_is_counted_too(tmp_path: Path) -> None:
    office = Office(quota=Quota(tmp_path / "quota", 2, None, 0.0, lambda: MONDAY_NOON))
    ticket = office.ticket()
    ticket.metered()
    ticket.metered()
    with pytest.raises(SystemThrottled):
        ticket.metered()
    assert [found.used for found in office.admission.report().quotas] == [2]


def test_an_operation_that_fails_is_left_alone_and_the_others_are_not() -> None:
    office = Office(max_connections=100)
    for _ in range(20):
        office.call(unavailable())
    refusal = office.refusal()
    assert (refusal.why, refusal.error.code, refusal.error.extensions()["retryAfterMs"]) == ("breaker", "UPSTREAM_UNAVAILABLE", 5_000)
    office.ticket(operation="rows_by_owner")
    assert office.events == [("breaker_opened", {"system": "register", "operation": "row_by_code", "reason": "failing calls"})]


@pytest.mark.parametrize(
    "error", [SystemRefused("register", "refuses"), ContractBroken("register", "sent nonsense"), OutOfTime("register")]
)
def test_what_is_not_the_systems_trouble_opens_no_breaker(error: Exception) -> None:
    office = Office()
    for _ in range(50):
        office.call(error)
    assert isinstance(office.enter(), Ticket)


def test_calls_that_nobody_waited_for_long_enough_are_slow_once_it_is_known_how_long_they_take() -> None:
    office = Office()
    office.call(seconds=0.2)
    for _ in range(19):
        office.call(OutOfTime("register"), seconds=1.0)
    assert office.refusal().why == "breaker"


def test_there_are_only_so_many_calls_at_once_and_who_waits_is_told() -> None:
    office = Office(concurrency=ConcurrencySettings(initial=2))
    first, _ = office.ticket(), office.ticket()
    entered = office.enter()
    assert isinstance(entered, Wait)
    assert entered.seconds is None
    told: list[str] = []
    office.admission.in_turn(Priority.CITIZEN, lambda: told.append("now"), office.now)
    first.release()
    first.release()
    assert told == ["now"]
    assert office.admission.under_way == 1


def test_jobs_of_the_night_leave_a_place_free_for_people() -> None:
    office = Office(concurrency=ConcurrencySettings(initial=8))
    for _ in range(7):
        office.ticket(Priority.BATCH)
    assert isinstance(office.enter(Priority.BATCH), Wait)
    assert isinstance(office.enter(Priority.CITIZEN), Ticket)


def test_calls_that_time_out_lower_the_limit() -> None:
    office = Office()
    for _ in range(5):
        office.call(SystemTimedOut("register", "did not answer in time"))
        office.now += 1.1
    assert office.admission.limit.now == 4


def test_while_a_system_fails_altogether_hardly_anything_is_tried_again() -> None:
    office = Office(breaker=BreakerSettings(calls=1_000))
    tried = 0
    for _ in range(200):
        ticket = office.ticket()
        ticket.ended(1, 0.1, unavailable())
        tried += ticket.again(retry=True)
        ticket.release()
    assert tried <= 3
    assert office.admission.report().retries == tried


def test_now_and_then_a_failure_is_tried_again() -> None:
    office = Office()
    tried = 0
    for number in range(400):
        ticket = office.ticket()
        ticket.ended(1, 0.1, unavailable() if number % 20 == 0 else None)
        tried += number % 20 == 0 and ticket.again(retry=True)
        ticket.release()
    assert tried == 20


def test_a_probe_is_not_tried_again() -> None:
    office = Office()
    for _ in range(20):
        office.call(unavailable())
    office.now += 5.0
    probe = office.ticket()
    assert probe.probe
    probe.ended(1, 0.1, unavailable())
    assert not probe.again(retry=True)


def test_the_figures_say_what_happened() -> None:
    office = Office()
    office.call()
    office.call(unavailable(), operation="rows_by_owner")
    office.admission.refused("late", 3)
    figures = office.admission.report()
    assert (figures.calls, figures.keys, figures.outcomes) == (2, 2, {"OK": 1, "UPSTREAM_UNAVAILABLE": 1})
    assert (figures.by_operation, figures.refused) == ({"row_by_code": 1, "rows_by_owner": 1}, {"late": 3})
    assert sum(figures.latency.counts) == 2
    assert (figures.limit, figures.under_way, figures.drained) == (8, 0, False)


def test_the_figures_of_two_workers_add_up() -> None:
    first, second = Office(), Office()
    first.call()
    for _ in range(20):
        second.call(unavailable())
    total = first.admission.report()
    total.add(msgspec.convert(msgspec.to_builtins(second.admission.report()), type(total)))
    assert (total.calls, total.outcomes) == (21, {"OK": 1, "UPSTREAM_UNAVAILABLE": 20})
    assert (total.limit, total.breakers) == (16, {"row_by_code": "open"})


def everything(folder: Path, **changed: Any) -> Settings:
    return Settings(
        file=folder / "motcua.toml", gateway=GatewaySettings(), engine="fast", sandbox=SandboxSettings(),
        systems={"register": settings(**changed)}, batches={}, admin=AdminSettings(),
    )  # fmt: skip


def test_a_calendar_that_cannot_be_read_stops_the_start_with_its_place(tmp_path: Path) -> None:
    wrong = everything(tmp_path, calendar=CalendarSettings(hours=("weekdays",)))
    with pytest.raises(SettingsWrong, match=r"motcua\.toml: systems\.register\.calendar: expected such as"):
        open_admissions(wrong, tmp_path)


def test_a_folder_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("not a folder")
    limited = everything(tmp_path, quota=QuotaSettings(per_minute=10))
    with pytest.raises(SettingsWrong, match=r"gateway\.state: expected a folder that can be written"):
        open_admissions(limited, tmp_path / "state")


def test_each_of_several_workers_has_its_part_of_the_calls_at_once(tmp_path: Path) -> None:
    [admission] = open_admissions(everything(tmp_path, max_connections=16), tmp_path, Worker(of=4)).values()
    assert admission.limit.most == 4


def test_a_probe_that_was_never_made_lets_the_next_one_try() -> None:
    office = Office()
    for _ in range(20):
        office.call(unavailable())
    office.now += 5.0
    office.ticket().release()
    assert office.ticket().probe
