"""What a system lets us call in a minute and in a day, counted in a file that all workers of this machine share and that outlives them.

Each window is counted in sixty slices. A call is let go only if, with it, no window that ends in this slice could hold more calls than the
contract allows: the slice that the window may begin in the midst of is counted whole.
"""

import fcntl
import mmap
import os
import struct
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from graph.upstream.figures import QuotaFigures

SLICES: Final = 60
PLACES: Final = SLICES + 1
LAYOUT: Final = struct.Struct(f"<{2 * PLACES}q")  # of each slice its number, counted from 1970, and the calls in it
PLACE: Final = struct.Struct("<2q")
MINUTE, DAY = 60, 86_400


class Window:
    """One window of a quota, in its part of the file."""

    def __init__(self, seconds: int, allowed: int, at: int) -> None:
        self.seconds = seconds
        self.allowed = allowed
        self._at = at
        self._slice = seconds / SLICES

    def used(self, memory: mmap.mmap, now: float) -> int:
        """Count the calls that may lie in a window which ends now."""
        return sum(calls for _, calls in self._counted(memory, now))

    def free_in(self, memory: mmap.mmap, now: float, most: int) -> float:
        """Return in how many seconds there will be room for one call more among `most`; 0 where there is."""
        counted = sorted(self._counted(memory, now))
        used = sum(calls for _, calls in counted)
        if used < most:
            return 0.0
        for number, calls in counted:
            used -= calls
            if used < most:
                return max(self._slice, (number + PLACES) * self._slice - now)
        return float(self.seconds)

    def take(self, memory: mmap.mmap, now: float) -> None:
        """Count one call more."""
        number = int(now / self._slice)
        at = self._at + (number % PLACES) * PLACE.size
        known, calls = PLACE.unpack_from(memory, at)
        PLACE.pack_into(memory, at, number, calls + 1 if known == number else 1)

    def _counted(self, memory: mmap.mmap, now: float) -> list[tuple[int, int]]:
        first = int(now / self._slice) - SLICES
        raw = LAYOUT.unpack_from(memory, self._at)
        # A slice that lies ahead is of a clock that was put back since: it counts.
        return [(number, calls) for number, calls in zip(raw[::2], raw[1::2], strict=True) if number >= first and calls]


class Quota:
    """The quota of one system; without limits everything is free and there is no file."""

    def __init__(self, file: Path, per_minute: int | None, per_day: int | None, kept: float, wall: Callable[[], float]) -> None:
        """Open the file; OSError where it cannot be. `kept` is the share of each window that is kept for people who wait."""
        limits = [(seconds, allowed) for seconds, allowed in ((MINUTE, per_minute), (DAY, per_day)) if allowed is not None]
        self.windows = [Window(seconds, allowed, number * LAYOUT.size) for number, (seconds, allowed) in enumerate(limits)]
        self._kept = kept
        self._wall = wall
        self._latest = 0.0
        if self.windows:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
            os.ftruncate(self._file, 2 * LAYOUT.size)
            self._memory = mmap.mmap(self._file, 2 * LAYOUT.size)

    def free_in(self, *, interactive: bool) -> float:
        """Return in how many seconds one call more may be made; 0 where one may be made now."""
        if not self.windows:
            return 0.0
        with self._alone():
            now = self._now()
            return max(window.free_in(self._memory, now, self._most(window, interactive=interactive)) for window in self.windows)

    def take(self, *, interactive: bool) -> float:
        """Count one call, if it may be made; else count nothing and return in how many seconds it may."""
        if not self.windows:
            return 0.0
        with self._alone():
            now = self._now()
            waits = max(window.free_in(self._memory, now, self._most(window, interactive=interactive)) for window in self.windows)
            if not waits:
                for window in self.windows:
                    window.take(self._memory, now)
            return waits

    def figures(self) -> list[QuotaFigures]:
        """Return how much of each window is used now."""
        if not self.windows:
            return []
        with self._alone():
            now = self._now()
            return [QuotaFigures(window.seconds, window.allowed, window.used(self._memory, now)) for window in self.windows]

    def close(self) -> None:
        """Let go of the file; what was counted stays in it."""
        if self.windows:
            self._memory.close()
            os.close(self._file)
            self.windows = []

    def _most(self, window: Window, *, interactive: bool) -> int:
        return window.allowed if interactive else int(window.allowed * (1.0 - self._kept))

    def _now(self) -> float:
        self._latest = max(self._latest, self._wall())
        return self._latest

    def _alone(self) -> "_Lock":
        return _Lock(self._file)


class _Lock:
    """Keeps other workers off the file for some microseconds."""

    __slots__ = ("_file",)

    def __init__(self, file: int) -> None:
        self._file = file

    def __enter__(self) -> Self:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)
