"""The bench of access, run for a moment: every figure is there, and all ways to ask have brought the same answer. Nothing is timed."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.servers import PROJECT

QUERIES = ("first query", "one citizen, two fields")
WAYS = (
    "anybody, through an open door",
    "an API key",
    "an access token",
    "an API key, protected people masked",
    "an API key, a registered document",
)
PARTS = 7

Process = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> "tuple[Process, Path]":
    file = tmp_path_factory.mktemp("bench") / "figures.json"
    command = [sys.executable, "-m", "bench", "--section", "access", "--seconds", "0.3", "--out", str(file)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=115, check=False), file


@pytest.fixture(scope="module")
def parts(bench: "tuple[Process, Path]") -> dict[str, dict[str, Any]]:
    assert bench[0].returncode == 0, bench[0].stderr
    parts: dict[str, dict[str, Any]] = json.loads(bench[1].read_text("utf-8"))["sections"]["access"]["parts"]
    return parts


def test_every_way_to_ask_is_measured_beside_the_open_door(bench: "tuple[Process, Path]", parts: dict[str, dict[str, Any]]) -> None:
    cells = parts["warm queries"]["cells"]
    assert [(cell["query"], cell["who"]) for cell in cells] == [(query, way) for query in QUERIES for way in WAYS]
    for cell in cells:
        assert all(math.isfinite(cell[figure]) and cell["us"] > 0 for figure in ("us", "more_us"))
        assert f"| {cell['query']} | {cell['who']} |" in bench[0].stdout


def test_every_part_is_measured_alone(parts: dict[str, dict[str, Any]]) -> None:
    cells = parts["parts"]["cells"]
    assert len({cell["part"] for cell in cells}) == PARTS
    assert all(cell["us"] > 0 for cell in cells)
