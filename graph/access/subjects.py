"""Subjects: whom a record is about, and what may be given about a person because of who they are."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from operator import attrgetter
from typing import Any, Final, NamedTuple

from graph.access.registry import Purpose
from graph.errors import ForbiddenField
from graph.loading.batch import Batch

# The day that counts for somebody's age is that of Vietnam, which has had no summer time since 1975.
VIETNAM: Final = timezone(timedelta(hours=7), "Vietnam")
YEAR_ALONE, YEAR_AND_MONTH, WHOLE_DATE = len("yyyy"), len("yyyy-mm"), len("yyyy-mm-dd")


class _Nobody:
    """The type of SOMEBODY."""


# Stands for a person whom a record does not name: nothing can be known of them, so they are treated as if they were protected.
SOMEBODY: Final = _Nobody()


class Judgement(NamedTuple):
    """What follows from who a person is: `error` instead of everything, or `hides`, what becomes of fields that can be masked.

    `hides` is False (they are shown), True (they are masked), or an error that takes their places.
    """

    absent: bool = False
    error: Exception | None = None
    hides: bool | Exception = False


SHOWN: Final = Judgement()
MASKED: Final = Judgement(hides=True)
ABSENT: Final = Judgement(absent=True)


def people_at(record: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Name the people whom a record is about, by the attributes that lead to their ids; SOMEBODY where an id is not there."""
    if record is None:
        yield SOMEBODY
    elif isinstance(record, tuple | list):
        if not record:
            yield SOMEBODY
        for item in record:
            yield from people_at(item, path)
    elif path:
        yield from people_at(getattr(record, path[0]), path[1:])
    else:
        person = getattr(record, "person", record)
        if person is not None:  # the number of a business stands where that of a person may: then it is about nobody
            yield person


class PersonRules:
    """What a purpose says about people under protection and about young ones."""

    def __init__(self, purpose: Purpose, told_by: Batch[Any, Any] | None, clock: Callable[[], float]) -> None:
        """Take the batch function whose records tell of people; without one nothing is known of anybody."""
        self.purpose = purpose
        self.refuses_all = purpose.protected in {"refuse", "absent"} or purpose.min_age > 0
        self.masks = purpose.protected == "mask"
        self._facts = facts = None if told_by is None else told_by.facts
        self._clock = clock
        self._old_enough_since = (0, "")
        self._class = None if told_by is None else told_by.record
        self._protected = attrgetter("__class__" if facts is None else facts.protected)
        self._born = attrgetter("__class__" if facts is None else facts.born)

    def is_free(self, fact: Any) -> bool:
        """Tell at once that nothing stands against what a record says of a person; the rest is judged at length."""
        if fact.__class__ is not self._class or self._protected(fact):
            return False
        if not self.purpose.min_age:
            return True
        born = self._born(fact)
        return isinstance(born, str) and len(born) == WHOLE_DATE and born <= self._latest_birth()

    def _latest_birth(self) -> str:
        """Return the last day on which somebody may be born who is old enough now, worked out once a minute."""
        minute = int(self._clock() // 60)
        if self._old_enough_since[0] != minute:
            today = self._today()
            self._old_enough_since = (minute, f"{today.year - self.purpose.min_age:04d}-{today.month:02d}-{today.day:02d}")
        return self._old_enough_since[1]

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).astimezone(VIETNAM).date()

    def judged(self, person: Any, facts: Mapping[Any, Any]) -> Judgement:
        """Judge a person by the record that tells of them: None where there is none, an error where it could not be had."""
        fact = facts.get(person) if self._facts is not None else None
        if isinstance(fact, Exception):
            return Judgement(error=fact) if self.refuses_all else Judgement(hides=fact)
        if self.purpose.min_age and (fact is None or self._is_too_young(fact)):
            return self._refusal()
        if fact is None or self._facts is None or getattr(fact, self._facts.protected):
            return self._of_protected()
        return SHOWN

    def _of_protected(self) -> Judgement:
        match self.purpose.protected:
            case "show":
                return SHOWN
            case "mask":
                return MASKED
            case "absent":
                return ABSENT
            case "refuse":
                return self._refusal()

    def _refusal(self) -> Judgement:
        # The same words for everybody: they do not say whether it is protection, age, or that nothing is known.
        return Judgement(error=ForbiddenField(f"The purpose {self.purpose.name} does not cover this person", ground=self.purpose.ground))

    def _is_too_young(self, fact: Any) -> bool:
        """Tell whether somebody has not reached the age, or may not have; of a date that is known in part the last day counts."""
        born = getattr(fact, self._facts.born) if self._facts is not None else None
        latest = _last_day(born) if isinstance(born, str) else None
        if latest is None:
            return True
        today = self._today()
        return (today.year - latest.year) - ((today.month, today.day) < (latest.month, latest.day)) < self.purpose.min_age


def worst(judgements: Collection[Judgement]) -> Judgement:
    """Return what holds for a record about several people: the strictest of what holds for each."""
    if len(judgements) == 1:
        return next(iter(judgements))
    return max(judgements, key=_severity, default=SHOWN)


def _severity(judgement: Judgement) -> int:
    if judgement.absent:
        return 4
    if judgement.error is not None:
        return 3
    return 0 if judgement.hides is False else 1 if judgement.hides is True else 2


def _last_day(text: str) -> date | None:
    """Return the last day that a date known in part may be; None where it is no date."""
    try:
        if len(text) == YEAR_ALONE:
            return date(int(text), 12, 31)
        if len(text) == YEAR_AND_MONTH:
            year, month = int(text[:4]), int(text[5:])
            return date(year, 12, 31) if month == 12 else date(year, month + 1, 1) - timedelta(days=1)  # noqa: PLR2004 - December
        return date.fromisoformat(text)
    except ValueError:
        return None
