"""The critical path of a query is its longest chain of calls, each of which needs what the one before it found."""

from typing import Any

import pytest

from bench.lone import critical_path


def calls(*made: tuple[str, float, float]) -> list[dict[str, Any]]:
    return [{"batch": batch, "start": start, "milliseconds": took} for batch, start, took in made]


def test_the_longest_chain_counts() -> None:
    path = critical_path(
        calls(
            ("citizen_by_id", 0.5, 100),
            ("citizen_by_id", 101, 130),
            ("book_by_person", 101, 90),
            ("businesses_by_representative", 101, 60),
            ("taxpayer_by_code", 162, 80),
        )
    )

    assert path == 100 + 60 + 80


def test_a_slow_parent_counts_where_there_is_no_business() -> None:
    assert critical_path(calls(("citizen_by_id", 101, 130), ("citizen_by_id", 0, 100), ("book_by_person", 101, 90))) == 230


def test_a_query_that_began_otherwise_is_not_measured() -> None:
    with pytest.raises(RuntimeError, match="critical path"):
        critical_path(calls(("book_by_person", 0, 90), ("citizen_by_id", 1, 100)))
