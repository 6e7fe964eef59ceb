"""Figures of one section: what was measured under which conditions, written as a Markdown table and as JSON."""

import math
import os
import platform
import statistics
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import msgspec


class Column(NamedTuple):
    """A column of the table: its heading, the figure that stands in it, and how many digits follow the point."""

    heading: str
    figure: str
    digits: int = 0


class Section(msgspec.Struct, frozen=True):
    """A section as measured; every cell has all figures that the columns name, and may have more.

    A section of several tables has `parts`, whose failures it counts as its own.
    """

    name: str
    conditions: dict[str, str | float]
    columns: tuple[Column, ...]
    cells: list[dict[str, Any]]
    failures: int
    parts: tuple["Section", ...] = ()

    def markdown(self, heading: str = "##") -> str:
        """Write the conditions in a line and the cells as a table, and the parts below."""
        conditions = ", ".join(f"{name} {value}" for name, value in self.conditions.items())
        table = self._table() if self.columns else []
        lines = [f"{heading} {self.name}", "", f"{conditions}; {self.failures} failures.", *table]
        return "\n".join([*lines, *(f"\n{part.markdown(heading + '#')}" for part in self.parts)])

    def _table(self) -> list[str]:
        rows = [[_written(cell[column.figure], column.digits) for column in self.columns] for cell in self.cells]
        marks = ["---:" if _is_number(self.cells, column.figure) else "---" for column in self.columns]
        return ["", _row([column.heading for column in self.columns]), _row(marks), *(_row(row) for row in rows)]

    def as_json(self) -> dict[str, Any]:
        """Give everything that was measured, without the columns, which only concern the screen."""
        measured: dict[str, Any] = {"conditions": self.conditions, "failures": self.failures, "cells": self.cells}
        return {**measured, "parts": {part.name: part.as_json() for part in self.parts}} if self.parts else measured


def machine() -> dict[str, str | float]:
    """Say on what, when, and beside how much other work the figures were taken."""
    return {
        "date": date.today().isoformat(),  # noqa: DTZ011 - the day as the reader's calendar has it
        "python": platform.python_version(),
        "processors": os.cpu_count() or 0,
        "load before": round(os.getloadavg()[0], 2),
    }


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed; NaN where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def median_of(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the median over the rounds of each figure."""
    return {figure: statistics.median(one[figure] for one in rounds) for figure in rounds[0]}


def write(file: Path, conditions: dict[str, str | float], sections: Sequence[Section]) -> None:
    """Write the figures of one run, in place of those of the run before."""
    figures = {"machine": conditions, "sections": {section.name: section.as_json() for section in sections}}
    file.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")


def _row(parts: Sequence[str]) -> str:
    return f"| {' | '.join(parts)} |"


def _written(value: object, digits: int) -> str:
    if isinstance(value, float) and math.isnan(value):
        return "–"
    return f"{value:,.{digits}f}" if isinstance(value, int | float) else str(value)


def _is_number(cells: list[dict[str, Any]], figure: str) -> bool:
    return all(isinstance(cell[figure], int | float) for cell in cells)
