"""The bench of resilience, run for a moment: every figure is there, and the counts on both sides of the gateway fit. Nothing is timed."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.exchange import FULL, Answer, Fate
from bench.flood import full_service, lasting, of_fitting
from bench.outage import well_again
from tests.servers import PROJECT

ADDED, HANG = "added latency", "one of six systems hangs"
OUTAGE, FLOOD = "a system that fails altogether", "twelve times as much as a system can answer"
LOADS = (
    "people alone",
    "people, beside the flood of jobs",
    "the flood of jobs",
    "people, after the flood of jobs",
    "the flood of people",
    "people, after the flood of people",
)

Process = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> "tuple[Process, Path]":
    file = tmp_path_factory.mktemp("bench") / "figures.json"
    command = [sys.executable, "-m", "bench", "--section", "resilience", "--seconds", "0.5", "--out", str(file)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=115, check=False), file


@pytest.fixture(scope="module")
def parts(bench: "tuple[Process, Path]") -> dict[str, dict[str, Any]]:
    assert bench[0].returncode == 0, bench[0].stderr
    parts: dict[str, dict[str, Any]] = json.loads(bench[1].read_text("utf-8"))["sections"]["resilience"]["parts"]
    return parts


def cells(part: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    return {cell[name]: cell for cell in part["cells"]}


def test_nothing_fails_that_must_not(parts: dict[str, dict[str, Any]]) -> None:
    assert {name: part["failures"] for name, part in parts.items()} == dict.fromkeys((ADDED, HANG, OUTAGE, FLOOD), 0)


def test_every_table_is_printed(bench: "tuple[Process, Path]", parts: dict[str, dict[str, Any]]) -> None:
    assert all(f"### {name}\n" in bench[0].stdout for name in parts)
    assert all(f"| {load} |" in bench[0].stdout for load in LOADS)


def test_a_lone_client_is_measured_with_and_without_admission_at_each_speed(parts: dict[str, dict[str, Any]]) -> None:
    found = parts[ADDED]["cells"]
    assert [(cell["call_ms"], cell["side"]) for cell in found] == [
        (speed, side) for speed in (5, 50, 150, 1_000) for side in ("as it is", "out of the way")
    ]
    for cell in found:
        assert cell["path_ms"] == 3 * (cell["call_ms"] + 0.5)
        assert cell["path_ms"] < cell["p50_ms"] <= cell["p99_ms"]
        assert 0 < cell["between_p50_ms"] < cell["p50_ms"]
        assert cell["queries"] == len(cell["latencies_ms"]) >= 1


def test_who_needs_the_system_that_hangs_is_not_answered_and_all_others_are(parts: dict[str, dict[str, Any]]) -> None:
    found = cells(parts[HANG], "systems")
    assert found["all work"]["others_percent"] == 100
    assert found["population hangs"]["others_percent"] == 0
    assert found["all work"]["ratio"] == 1
    assert all(math.isfinite(cell["ratio"]) and cell["queries"] >= 1 for cell in found.values())


def test_the_sandbox_counts_the_calls_that_the_gateway_says_it_makes(parts: dict[str, dict[str, Any]]) -> None:
    for cell in cells(parts[OUTAGE], "fault").values():
        assert 1 <= cell["amplification"] == cell["calls"] / cell["needed"]
        assert abs(cell["calls"] - cell["counted"]) <= 10  # those under way when the counting begins or ends


def test_what_becomes_of_each_load_adds_up(parts: dict[str, dict[str, Any]]) -> None:
    found = cells(parts[FLOOD], "load")
    assert tuple(found) == LOADS
    assert found["people alone"]["answered_percent"] == 100
    for cell in found.values():
        answered = round(cell["answered_percent"] * cell["asked"] / 100)
        assert answered + cell["refused"] + cell["shed"] + cell["late"] + cell["other"] == cell["asked"]


@pytest.mark.parametrize(
    ("received", "became"),
    [
        (b'HTTP/1.1 200 OK\r\n\r\n{"data":{"code":"X"}}', "full"),
        (b'HTTP/1.1 503 Service Unavailable\r\n\r\n{"errors":[{"extensions":{"code":"SHED"}}]}', "refused"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"data":{"code":"X"},"errors":[{"extensions":{"code":"SHED"}}]}', "SHED"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\nno", "bad"),
    ],
)
def test_a_fate_is_the_code_of_the_first_error(received: bytes, became: str) -> None:
    answer = Answer()
    answer.received += received
    assert answer.became() == became


def each_tenth(*became: str, milliseconds: float = 100) -> list[Fate]:
    return [Fate(number / 10, milliseconds, one) for number, one in enumerate(became)]


def test_all_is_well_again_where_a_second_begins_that_is_answered() -> None:
    fates = each_tenth(*[FULL] * 10, *["UPSTREAM_UNAVAILABLE"] * 20, *[FULL] * 30)
    assert well_again(fates, 1.0) == 3.0
    assert math.isnan(well_again(fates[:30], 1.0))


def test_service_is_full_again_where_a_second_begins_that_is_answered_as_quickly_as_usual() -> None:
    fates = [*each_tenth(*[FULL] * 10, milliseconds=151), *(Fate(1 + fate.due, 150, FULL) for fate in each_tenth(*[FULL] * 20))]
    assert full_service(fates, 100) == 1.0
    assert math.isnan(full_service(fates[:10], 100))


def test_of_a_flood_that_share_counts_that_fits_while_it_lasts() -> None:
    fates = each_tenth(*[FULL] * 11, *["SHED"] * 10)
    assert lasting(fates) == 2.0
    assert of_fitting(fates, room=5.0) == 11 / 10
    assert of_fitting(fates, room=20.0) == 11 / 21
    assert of_fitting(each_tenth(*[FULL] * 21, milliseconds=2_000), room=5.0) == 1 / 10
