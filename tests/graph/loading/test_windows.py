"""Windows: a span is cut where the system wants it cut, and each part is asked for once."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import BadInput
from graph.loading.batch import batch_many, batch_one
from graph.loading.windows import Days, windows_of
from tests import virtual
from tests.graph.loading.register import REGISTER, Door, Person, Register, Row

DATES = st.dates(date(1900, 1, 1), date(2100, 1, 1))


@given(DATES, st.integers(0, 300), st.integers(1, 31))
def test_windows_cover_a_span_once_in_order_and_are_short_enough(since: date, days: int, most: int) -> None:
    until = since + timedelta(days)
    windows = windows_of(most)(Days(since, until))

    listed = [window.since + timedelta(day) for window in windows for day in range((window.until - window.since).days + 1)]
    assert listed == [since + timedelta(day) for day in range(days + 1)]
    assert all((window.until - window.since).days < most for window in windows)


def test_spans_that_overlap_have_windows_in_common() -> None:
    cut = windows_of(5)
    one, other = cut(Days(date(2026, 1, 1), date(2026, 1, 31))), cut(Days(date(2026, 1, 3), date(2026, 2, 10)))

    assert len(set(one) & set(other)) >= 5


def test_a_span_that_cannot_be_right_is_refused() -> None:
    with pytest.raises(BadInput, match="before it begins"):
        windows_of(5)(Days(date(2026, 1, 2), date(2026, 1, 1)))
    with pytest.raises(BadInput, match="at most 50 days"):
        windows_of(5, at_most=10)(Days(date(2026, 1, 1), date(2027, 1, 1)))


class Journal(Register):
    """Knows a row for each day, and answers at most five days at once."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[Days] = []

        @batch_many(REGISTER, max_keys=1, splits=windows_of(5))
        async def rows_of_days(_upstream: Any, spans: Sequence[Days]) -> Mapping[Days, tuple[Row, ...]]:
            self.spans += spans
            assert (spans[0].until - spans[0].since).days < 5
            if self.down is not None:
                raise self.down
            days = [spans[0].since + timedelta(day) for day in range((spans[0].until - spans[0].since).days + 1)]
            return {spans[0]: tuple(Row(code=Person(day.isoformat()), name="n", partner=None) for day in days)}

        self.batch = rows_of_days


def test_a_span_is_answered_whole_and_its_parts_are_kept_for_others() -> None:
    async def story() -> None:
        journal = Journal()
        door = Door(journal)
        loaders = door.request()
        whole = Days(date(2026, 1, 1), date(2026, 1, 23))
        rows = await loaders.load(journal.batch, whole)
        assert [row.code for row in rows] == [(date(2026, 1, 1) + timedelta(day)).isoformat() for day in range(23)]
        asked = len(journal.spans)
        assert asked <= 6

        inner = door.request()
        [kept], coming = inner.fetch(journal.batch, [whole])
        assert not coming
        assert kept == rows
        longer = Days(date(2026, 1, 1), date(2026, 1, 30))
        assert len(await door.request().load(journal.batch, longer)) == 30
        assert len(journal.spans) - asked <= 3

    virtual.run(story())


def test_where_a_part_fails_the_whole_span_does() -> None:
    async def story() -> None:
        journal = Journal()
        journal.down = ConnectionError("is down")
        with pytest.raises(ConnectionError):
            await Door(journal).request().load(journal.batch, Days(date(2026, 1, 1), date(2026, 1, 23)))

    virtual.run(story())


def test_only_lists_can_be_joined() -> None:
    with pytest.raises(TypeError, match="lists of records"):

        @batch_one(REGISTER, max_keys=1, splits=windows_of(5))
        async def row_of_days(_upstream: Any, _spans: Sequence[Days]) -> Mapping[Days, Row]:
            return {}
