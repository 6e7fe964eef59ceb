"""Durations, sizes and shares are read as people write them, and written as they can be read again."""

from typing import Any

import pytest

from graph.commands.quantities import bytes_of, knob_value, said_bytes, said_knob, said_seconds, seconds_of, share_of
from graph.errors import SettingsWrong


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1.5h", 5_400), ("1d", 86_400), ("90", 90), ("250ms", 0.25), (" 2 H ", 7_200), ("0", 0), ("1_000", 1_000)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "size"), [("64MiB", 67_108_864), ("2GB", 2_000_000_000), ("512kib", 524_288), ("70000", 70_000), ("1b", 1)]
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "m", "5 years", "-5m", "1e3s", "1h30m", "nan", "64MiB"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(SettingsWrong, match="expected a duration such as 30s, 5m, 1h or 1d"):
        seconds_of(text)


def test_shares_may_be_percentages() -> None:
    assert share_of("1%") == pytest.approx(0.01)
    assert share_of("0.25") == pytest.approx(0.25)
    for text in ("some", "nan", "inf%", ""):
        with pytest.raises(SettingsWrong, match="expected a number"):
            share_of(text)


@pytest.mark.parametrize(
    ("knob", "text", "value"),
    [
        ("ttl_seconds", "30m", 1_800.0),
        ("max_bytes", "64MiB", 67_108_864),
        ("stale_if_error_on", "timeout, throttled", ["timeout", "throttled"]),
        ("stale_if_error_on", "", []),
        ("max_keys", "20", 20),
        ("eviction", "lru", "lru"),
        ("stale_share", "1%", 0.01),
    ],
)
def test_each_knob_is_read_as_what_it_is(knob: str, text: str, value: Any) -> None:
    assert knob_value(knob, text) == value


def test_a_value_that_cannot_be_read_names_its_knob() -> None:
    with pytest.raises(SettingsWrong, match="max_bytes: big: expected a size such as"):
        knob_value("max_bytes", "big")


def test_durations_and_sizes_are_written_in_their_largest_unit() -> None:
    assert [said_seconds(seconds) for seconds in (0, 0.5, 90, 1_800, 7_200, 86_400)] == ["0s", "0.5s", "90s", "30m", "2h", "1d"]
    assert [said_bytes(size) for size in (0, 700, 1_536, 67_108_864, 3 * 2**30)] == ["0B", "700B", "1.5KiB", "64MiB", "3GiB"]


def test_a_knob_that_is_not_set_is_a_dash() -> None:
    assert [said_knob("sharing", None), said_knob("stale_if_error_on", ("timeout", "throttled")), said_knob("jitter", 0.1)] == [
        "-",
        "timeout,throttled",
        "0.1",
    ]
