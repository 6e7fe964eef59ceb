"""Sealing: how people's ids are written where somebody might read them who should not."""

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from graph.errors import SettingsWrong

KEY_BYTES: Final = 32


class Sealing:
    """Writes people's ids so that nobody can read them off a disk: as HMAC-SHA-256 with a key that lies apart, for its owner alone."""

    def __init__(self, key: bytes) -> None:
        """Take the key."""
        self._key = key

    def sealed(self, person: str) -> bytes:
        """Return what stands in a store for a person."""
        return hmac.digest(self._key, person.encode(), hashlib.sha256)

    @property
    def proof(self) -> bytes:
        """What tells two keys apart and neither of them."""
        return hmac.digest(self._key, b"which key this is", hashlib.sha256)


def sealing(file: Path) -> Sealing:
    """Read the key from a file, or make it; of several workers that do so at once the first one's stays."""
    try:
        with contextlib.suppress(FileExistsError):
            _make(file)
        if file.stat().st_mode & 0o077:
            raise SettingsWrong(f"{file}: others may read it; expected a key that its owner alone can read (chmod 600)")
        key = file.read_bytes()
    except OSError as error:
        raise SettingsWrong(f"{file}: expected the key that people's ids are sealed with: {error.strerror}") from None
    if len(key) != KEY_BYTES:
        raise SettingsWrong(f"{file}: expected a key of {KEY_BYTES} bytes")
    return Sealing(key)


def _make(file: Path) -> None:
    if file.exists():
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as writing:
            writing.write(secrets.token_bytes(KEY_BYTES))
        os.link(made, file)
    finally:
        made.unlink()
