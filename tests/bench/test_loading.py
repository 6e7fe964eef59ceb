"""The bench of loading, run for a moment: every figure is there, and the counts of calls are those of the schema. Nothing is timed."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.servers import PROJECT

NEW, SAME = "a new citizen each time, latency office", "the same citizen for all, latency office"
LONE = "a lone client, latency office"
NEW_AT_ONCE, FIRMS = "a new citizen each time, latency none", "a new business and book each time, latency none"
OVERLOAD = "overload of the tax system"
CONTESTS = {
    NEW: {"gateway", "gateway, patience 0", "textbook"},
    SAME: {"gateway, nothing kept", "textbook"},
    NEW_AT_ONCE: {"gateway", "textbook"},
    FIRMS: {"gateway", "textbook"},
}
CLIENTS = 8

Process = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> "tuple[Process, Path]":
    file = tmp_path_factory.mktemp("bench") / "figures.json"
    command = [sys.executable, "-m", "bench", "--section", "loading", "--seconds", "0.3", "--out", str(file)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=115, check=False), file


@pytest.fixture(scope="module")
def parts(bench: "tuple[Process, Path]") -> dict[str, dict[str, Any]]:
    assert bench[0].returncode == 0, bench[0].stderr
    parts: dict[str, dict[str, Any]] = json.loads(bench[1].read_text("utf-8"))["sections"]["loading"]["parts"]
    return parts


def cells(part: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {cell["side"]: cell for cell in part["cells"]}


def test_no_query_fails_on_any_side(parts: dict[str, dict[str, Any]]) -> None:
    assert set(parts) == {*CONTESTS, LONE, OVERLOAD}
    assert [part["failures"] for part in parts.values()] == [0] * 6


def test_every_table_is_printed_with_a_row_for_every_side(bench: "tuple[Process, Path]") -> None:
    for contest, sides in CONTESTS.items():
        table = bench[0].stdout.partition(f"### {contest}\n")[2].partition("###")[0]
        assert all(f"| {side} |" in table for side in sides)
    assert f"### {LONE}" in bench[0].stdout
    assert f"### {OVERLOAD}" in bench[0].stdout


def test_every_side_has_every_figure(parts: dict[str, dict[str, Any]]) -> None:
    for contest, sides in CONTESTS.items():
        assert set(cells(parts[contest])) == sides
        for cell in cells(parts[contest]).values():
            assert all(math.isfinite(cell[figure]) for figure in ("per_second", "p50_ms", "p99_ms", "gateway_ms", "population_calls"))
            assert cell["queries"] >= CLIENTS


def test_the_textbook_asks_each_system_for_each_query(parts: dict[str, dict[str, Any]]) -> None:
    for contest in (NEW, SAME, NEW_AT_ONCE):
        textbook = cells(parts[contest])["textbook"]
        assert (textbook["population_calls"], textbook["business_calls"], textbook["insurance_calls"]) == (3, 1, 1)
    firms = cells(parts[FIRMS])["textbook"]
    assert (firms["business_calls"], firms["insurance_calls"], firms["code_lists_calls"]) == (1, 1, 1)


def test_the_gateway_never_asks_more_than_the_textbook(parts: dict[str, dict[str, Any]]) -> None:
    for contest in (NEW, NEW_AT_ONCE, FIRMS):
        gateway, textbook = cells(parts[contest])["gateway"], cells(parts[contest])["textbook"]
        assert all(gateway[figure] <= textbook[figure] for figure in gateway if figure.endswith("_calls"))


def test_who_asks_for_the_same_citizen_at_once_shares_the_calls(parts: dict[str, dict[str, Any]]) -> None:
    assert cells(parts[SAME])["gateway, nothing kept"]["population_calls"] < 3


def test_the_lone_client_is_held_against_its_calls(parts: dict[str, dict[str, Any]]) -> None:
    (cell,) = parts[LONE]["cells"]
    assert 0 < cell["path_p50_ms"] < cell["p50_ms"]
    assert len(cell["added_ms"]) == cell["queries"] >= 1


def test_each_rate_has_its_figures(parts: dict[str, dict[str, Any]]) -> None:
    found = parts[OVERLOAD]["cells"]
    assert [cell["rate"] for cell in found] == [10, 40, 100, 400]
    assert found[0]["ratio"] == 1
    for cell in found:
        assert cell["p50_ms"] >= 150
        assert cell["calls_per_second"] > 0
        assert 1 <= cell["tax_keys"] <= 20
