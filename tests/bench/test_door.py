"""The bench of the door, run for a moment: every figure is there, and the counts of calls are those of the schema. Nothing is timed."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.servers import PROJECT, SYSTEMS

QUERIES = ("first query", "100 citizens with insurance", "100 businesses with representatives")
FIGURES = ("queries", "per_second", "p50_ms", "p99_ms", "gateway_ms", "sandbox_ms", "answer_bytes")
ROUNDS = 5
CONCURRENCY = 8


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> "tuple[subprocess.CompletedProcess[str], Path]":
    file = tmp_path_factory.mktemp("bench") / "figures.json"
    command = [sys.executable, "-m", "bench", "--section", "door", "--seconds", "0.3", "--out", str(file)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=110, check=False), file


@pytest.fixture(scope="module")
def cells(bench: "tuple[subprocess.CompletedProcess[str], Path]") -> dict[tuple[str, str], dict[str, Any]]:
    section = json.loads(bench[1].read_text("utf-8"))["sections"]["door"]
    return {(cell["query"], cell["keys"]): cell for cell in section["cells"]}


def test_no_query_fails(bench: "tuple[subprocess.CompletedProcess[str], Path]") -> None:
    process, file = bench
    assert process.returncode == 0, process.stderr
    assert json.loads(file.read_text("utf-8"))["sections"]["door"]["failures"] == 0


def test_the_table_on_the_screen_has_a_row_for_every_cell(bench: "tuple[subprocess.CompletedProcess[str], Path]") -> None:
    for query in QUERIES:
        for keys in ("cold", "warm"):
            assert f"| {query} | {keys} |" in bench[0].stdout


def test_every_cell_has_every_figure_of_every_round(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert set(cells) == {(query, keys) for query in QUERIES for keys in ("cold", "warm")}
    for cell in cells.values():
        assert len(cell["rounds"]) == ROUNDS
        for one in (cell, *cell["rounds"]):
            assert all(math.isfinite(one[figure]) for figure in (*FIGURES, *(f"{system}_calls" for system in SYSTEMS)))
            assert one["queries"] >= CONCURRENCY


def test_keys_asked_for_again_cost_no_call(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    for query in QUERIES:
        assert all(one[f"{system}_calls"] == 0 for one in cells[query, "warm"]["rounds"] for system in SYSTEMS)


def test_new_keys_cost_the_calls_that_the_systems_allow(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    first, citizens, businesses = (cells[query, "cold"] for query in QUERIES)
    assert first["population_calls"] == 3  # the citizen and both parents: one person a call
    assert 1 / 50 <= first["business_calls"] <= 3  # queries under way at once share a call
    assert citizens["population_calls"] == 100
    assert 100 / 30 <= citizens["insurance_calls"] <= 10  # thirty keys a call; how full they are depends on how busy the machine is
    assert 2 <= businesses["business_calls"] <= 3  # fifty keys a call
    assert 100 <= businesses["population_calls"] <= 200  # one or two representatives each
    assert max(cell["civil_status_calls"] for cell in cells.values()) == 0
