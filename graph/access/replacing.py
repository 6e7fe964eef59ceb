"""Replaces a file that a running gateway follows: one command at a time, and at once, so that nobody ever reads half of it."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from graph.errors import SettingsWrong

USUAL_MODE: Final = 0o644


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keep other commands away from a file; the lock is on its folder, because the file itself is replaced by another."""
    try:
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise SettingsWrong(f"{file}: cannot be changed: {error.strerror}") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def replace(file: Path, content: bytes) -> None:
    """Put a new content in the place of the old one, with the same owner and mode; SettingsWrong where that cannot be."""
    try:
        descriptor, made = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        try:
            with os.fdopen(descriptor, "wb") as writing:
                _dress(descriptor, file.stat() if file.exists() else None)
                writing.write(content)
                writing.flush()
                os.fsync(descriptor)
            Path(made).replace(file)
        except BaseException:
            Path(made).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SettingsWrong(f"{file}: cannot be written: {error.strerror}") from None


def _dress(descriptor: int, as_it_was: os.stat_result | None) -> None:
    """Give a new file the owner and mode of the one before: the gateway, which may run as somebody else, has to read it as it did."""
    if as_it_was is not None and (as_it_was.st_uid, as_it_was.st_gid) != (os.geteuid(), os.getegid()):
        os.fchown(descriptor, as_it_was.st_uid, as_it_was.st_gid)
    os.fchmod(descriptor, USUAL_MODE if as_it_was is None else as_it_was.st_mode & 0o777)
