"""When a system may be called: its office hours, and the windows in which it is being maintained.

A window is written as people write it: "daily 05:00-05:30", "Wed 02:00-06:00", "Mon-Fri 07:00-18:00", "4th Sun 00:00-08:30",
"Sat,Sun 22:00-04:00" (into the next day), or once, "2026-12-01 22:00 - 2026-12-02 04:00".
"""

import re
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOW_FAR = 62  # days; a window on the fifth Sunday may be two months away
WEEKLY = re.compile(
    r"(?:(?P<nth>[1-5])(?:st|nd|rd|th) )?(?P<days>daily|[A-Z][a-z]{2}(?:[,-][A-Z][a-z]{2})*) (?P<from>\d\d:\d\d)-(?P<to>\d\d:\d\d)"
)
ONCE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d) - (\d{4}-\d\d-\d\d \d\d:\d\d)")
EXPECTED = 'expected such as "daily 05:00-05:30", "Mon-Fri 07:00-18:00", "4th Sun 00:00-08:30" or "2026-12-01 22:00 - 2026-12-02 04:00"'


class Span(NamedTuple):
    """From one moment until another."""

    begin: datetime
    end: datetime


class Weekly(NamedTuple):
    """A window on some days of the week, or on the nth such day of each month."""

    days: frozenset[int]
    nth: int | None
    begin: time
    end: time

    def span(self, day: date, zone: ZoneInfo) -> Span | None:
        """Return the window that begins on a day, if one does; it may end on the next."""
        if day.weekday() not in self.days or (self.nth is not None and (day.day - 1) // 7 + 1 != self.nth):
            return None
        last = day + timedelta(days=1) if self.end <= self.begin else day
        return Span(datetime.combine(day, self.begin, zone), datetime.combine(last, self.end, zone))


class Calendar:
    """The hours in which a system is open (always, where there are none) less its windows of maintenance."""

    def __init__(self, timezone: str, hours: tuple[str, ...] = (), maintenance: tuple[str, ...] = ()) -> None:
        """Read the windows; ValueError says what is wrong with them."""
        try:
            self.zone = ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError('expected the name of a time zone, such as "Asia/Ho_Chi_Minh"') from None
        self._hours = [_read(text, self.zone) for text in hours]
        self._maintenance = [_read(text, self.zone) for text in maintenance]
        self._known: tuple[float, float, float | None] = (0.0, 0.0, None)

    def closed_until(self, now: float) -> float | None:
        """Return when the system opens again, None where it is open; both in seconds since 1970. It costs little to ask often."""
        begin, end, until = self._known
        if not begin <= now < end:
            self._known = self._looked_up(now)
            until = self._known[2]
        return until

    def _looked_up(self, now: float) -> tuple[float, float, float | None]:
        """Return since when and until when the answer stays the same, and the answer."""
        changes = [stamp for stamp in self._changes(now) if stamp > now]
        if self._is_open(now):
            return now, min(changes, default=now + 86_400), None
        opening = next((stamp for stamp in changes if self._is_open(stamp)), now + HOW_FAR * 86_400)
        return now, opening, opening

    def _is_open(self, stamp: float) -> bool:
        spans = self._spans(stamp, self._hours)
        within = not self._hours or any(span.begin.timestamp() <= stamp < span.end.timestamp() for span in spans)
        return within and not any(
            span.begin.timestamp() <= stamp < span.end.timestamp() for span in self._spans(stamp, self._maintenance)
        )  # fmt: skip

    def _changes(self, now: float) -> list[float]:
        """List the moments, from yesterday on, at which anything begins or ends."""
        spans = self._spans(now, [*self._hours, *self._maintenance], HOW_FAR)
        return sorted({moment.timestamp() for span in spans for moment in span})

    def _spans(self, stamp: float, windows: list[Weekly | Span], days: int = 1) -> list[Span]:
        first = datetime.fromtimestamp(stamp, self.zone).date() - timedelta(days=1)
        found: list[Span] = []
        for window in windows:
            if isinstance(window, Span):
                found.append(window)
            else:
                found += [span for number in range(days + 1) if (span := window.span(first + timedelta(days=number), self.zone))]
        return found


def _read(text: str, zone: ZoneInfo) -> Weekly | Span:
    try:
        if once := ONCE.fullmatch(text):
            begin, end = (datetime.strptime(part, "%Y-%m-%d %H:%M").replace(tzinfo=zone) for part in once.groups())
            if end > begin:
                return Span(begin, end)
        elif weekly := WEEKLY.fullmatch(text):
            nth = int(weekly["nth"]) if weekly["nth"] else None
            return Weekly(_days(weekly["days"]), nth, time.fromisoformat(weekly["from"]), time.fromisoformat(weekly["to"]))
    except ValueError:
        pass
    raise ValueError(f"{EXPECTED}, not {text!r}")


def _days(text: str) -> frozenset[int]:
    if text == "daily":
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        begin = DAYS.index(first)
        end = DAYS.index(last) if last else begin
        found |= {number % 7 for number in range(begin, (end if end >= begin else end + 7) + 1)}
    return frozenset(found)
