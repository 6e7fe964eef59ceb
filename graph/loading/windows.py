"""Windows: spans of days, cut to what a system answers at once, so that each part is kept, joined and asked for on its own."""

from collections.abc import Callable, Hashable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple, TypeVar

from graph.errors import BadInput

S = TypeVar("S", bound=Hashable)


class Days(NamedTuple):
    """A span of days, both ends included."""

    since: date
    until: date


def windows_of(most: int, *, at_most: int = 400) -> Callable[[Days], Sequence[Days]]:
    """Make the function that cuts a span into windows of at most `most` days, for `splits=` of a batch function.

    Windows begin on fixed days (multiples of `most` since the year 1), not where a span does: spans that overlap share windows.
    A span that ends before it begins, or has more than `at_most` windows, is refused as BadInput.
    """

    def windows(days: Days) -> Sequence[Days]:
        if days.until < days.since:
            raise BadInput("expected a span of days that does not end before it begins")
        first, last = (end.toordinal() // most for end in days)
        if last - first >= at_most:
            raise BadInput(f"expected a span of at most {at_most * most} days")
        cuts = [date.fromordinal(max(1, number * most)) for number in range(first, last + 2)]
        one = timedelta(days=1)
        return tuple(Days(max(days.since, begin), min(days.until, end - one)) for begin, end in pairwise(cuts))

    return windows
