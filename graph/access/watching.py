"""A file that says who may do what, looked at again and again; what it last said rightly holds until it says something else rightly."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Generic, NamedTuple, Self, TypeVar

from graph.errors import SettingsWrong

EVERY_SECONDS: Final = 0.25

T = TypeVar("T")


class Stamp(NamedTuple):
    """What changes about a file when it is written; all None where there is none."""

    inode: int | None = None
    size: int | None = None
    modified: int | None = None
    changed: int | None = None


class Found(NamedTuple, Generic[T]):
    """What a look at the file brought: a value, or what is wrong with it."""

    stamp: Stamp
    said: T | SettingsWrong


class Watched(Generic[T]):
    """The value of a file; as an async context it looks at it every quarter of a second.

    `read` reads the file and raises SettingsWrong where it is wrong; it is given the value that holds (at first None) too, so that it can
    refuse to go back. `changed` is told the value before and the new one, `refused` what is wrong; each once.
    """

    def __init__(
        self,
        file: Path,
        read: Callable[[Path, T | None], T],
        *,
        changed: Callable[[T, T], None],
        refused: Callable[[SettingsWrong], None],
    ) -> None:
        """Read it for the first time; SettingsWrong where that cannot be."""
        self.file = file
        self._read = read
        self._changed = changed
        self._refused = refused
        self._seen = self._last = stamp_of(file)
        self.current: T = read(file, None)
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to watch."""
        self._watching = asyncio.create_task(self._watch(), name=f"watching {self.file.name}")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop watching."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching

    def look(self) -> bool:
        """Look at the file at once, whole as it is known to be, and tell whether another value holds now."""
        stamp = stamp_of(self.file)
        return stamp != self._seen and self._take(self._found(stamp))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            # In a thread, so that no request waits while a long file is read; the value is changed here, between two requests.
            if (found := await asyncio.to_thread(self._glance)) is not None:
                self._take(found)

    def _glance(self) -> Found[T] | None:
        """Read the file if it has changed and looks the same at two looks in a row: half a list of rights may be a valid list of rights."""
        stamp = stamp_of(self.file)
        is_settled, self._last = stamp == self._last, stamp
        return self._found(stamp) if is_settled and stamp != self._seen else None

    def _found(self, stamp: Stamp) -> Found[T]:
        """Read the file under the stamp from before: what is written meanwhile is seen at the next look."""
        try:
            return Found(stamp, self._read(self.file, self.current))
        except SettingsWrong as wrong:
            return Found(stamp, wrong)
        except Exception as error:  # noqa: BLE001 - whatever a file makes of us, it must not end the watching
            return Found(stamp, SettingsWrong(f"{self.file}: cannot be read: {type(error).__name__}"))

    def _take(self, found: Found[T]) -> bool:
        self._seen = found.stamp
        if isinstance(found.said, SettingsWrong):
            self._refused(found.said)
            return False
        before, self.current = self.current, found.said
        if before == self.current:
            return False
        self._changed(before, self.current)
        return True


def stamp_of(file: Path) -> Stamp:
    """Look at a file without reading it."""
    try:
        found = file.stat()
    except OSError:
        return Stamp()
    return Stamp(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
