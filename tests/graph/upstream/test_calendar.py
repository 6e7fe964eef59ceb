"""Calendars: hours, windows of maintenance, days of the month, nights, and days when clocks are put forward."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from graph.upstream.calendar import Calendar

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


def at(text: str, zone: ZoneInfo = HANOI) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=zone).timestamp()


def closed(calendar: Calendar, text: str) -> str | None:
    until = calendar.closed_until(at(text))
    return None if until is None else datetime.fromtimestamp(until, calendar.zone).strftime("%Y-%m-%d %H:%M")


def calendar(*maintenance: str, hours: tuple[str, ...] = ()) -> Calendar:
    return Calendar("Asia/Ho_Chi_Minh", hours, maintenance)


def test_without_windows_it_is_always_open() -> None:
    assert closed(calendar(), "2026-11-25 03:00") is None


@pytest.mark.parametrize(
    ("window", "moment", "until"),
    [
        ("daily 05:00-05:30", "2026-11-25 04:59", None),
        ("daily 05:00-05:30", "2026-11-25 05:00", "2026-11-25 05:30"),
        ("daily 05:00-05:30", "2026-11-25 05:30", None),
        ("Wed 02:00-06:00", "2026-11-25 03:00", "2026-11-25 06:00"),
        ("Wed 02:00-06:00", "2026-11-26 03:00", None),
        ("Sat,Sun 22:00-04:00", "2026-11-30 03:59", "2026-11-30 04:00"),
        ("Sat,Sun 22:00-04:00", "2026-12-01 03:59", None),
        ("Fri-Mon 00:00-00:00", "2026-11-27 12:00", "2026-12-01 00:00"),
        ("4th Sun 00:00-08:30", "2026-11-22 08:00", "2026-11-22 08:30"),
        ("4th Sun 00:00-08:30", "2026-11-29 08:00", None),
        ("2026-12-01 22:00 - 2026-12-02 04:00", "2026-12-02 03:00", "2026-12-02 04:00"),
        ("2026-12-01 22:00 - 2026-12-02 04:00", "2026-12-02 04:00", None),
    ],
)
def test_a_window_of_maintenance_closes_it(window: str, moment: str, until: str | None) -> None:
    assert closed(calendar(window), moment) == until


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        ("2026-11-25 06:59", "2026-11-25 07:00"),
        ("2026-11-25 07:00", None),
        ("2026-11-25 18:00", "2026-11-26 07:00"),
        ("2026-11-27 20:00", "2026-11-30 07:00"),
    ],
)
def test_outside_of_its_hours_it_is_closed_until_the_next_ones(moment: str, until: str | None) -> None:
    assert closed(calendar(hours=("Mon-Fri 07:00-18:00",)), moment) == until


def test_maintenance_within_its_hours_closes_it_too() -> None:
    both = calendar("daily 12:00-13:00", "daily 13:00-13:30", hours=("Mon-Fri 07:00-18:00",))
    assert closed(both, "2026-11-25 12:10") == "2026-11-25 13:30"
    assert closed(both, "2026-11-25 14:00") is None


def test_asking_moment_after_moment_follows_the_windows() -> None:
    nightly = calendar("daily 23:30-00:30")
    moments = ["2026-11-25 23:00", "2026-11-25 23:40", "2026-11-26 00:10", "2026-11-26 00:30", "2026-11-26 23:30", "2026-11-25 23:40"]
    assert [closed(nightly, moment) is not None for moment in moments] == [False, True, True, False, True, True]


def test_windows_keep_to_the_clock_of_their_zone_when_it_is_put_forward() -> None:
    berlin = Calendar("Europe/Berlin", (), ("daily 03:00-04:00",))
    zone = ZoneInfo("Europe/Berlin")
    assert berlin.closed_until(at("2026-03-28 03:30", zone)) == at("2026-03-28 04:00", zone)
    assert berlin.closed_until(at("2026-03-29 03:30", zone)) == at("2026-03-29 04:00", zone)


@pytest.mark.parametrize(
    "wrong",
    ["", "Mon", "Mon 7:00-8:00", "Mon 25:00-26:00", "Xyz 05:00-06:00", "6th Sun 00:00-01:00", "2026-12-02 04:00 - 2026-12-01 22:00"],
)
def test_what_is_no_window_is_told_what_is(wrong: str) -> None:
    with pytest.raises(ValueError, match="expected such as"):
        calendar(wrong)


def test_what_is_no_time_zone_is_told_what_is() -> None:
    with pytest.raises(ValueError, match="Asia/Ho_Chi_Minh"):
        Calendar("Atlantis/Capital")
