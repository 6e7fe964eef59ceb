"""The token of the operators' interface: where it is, and how it comes to be."""

import contextlib
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from graph.errors import SettingsWrong
from graph.settings import Settings

MADE_BYTES = 32
TOKEN = re.compile(r"[!-~]{16,512}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def admin_token(settings: Settings, *, make: bool = False, environment: Mapping[str, str] = os.environ) -> str:
    """Fetch the token that `[admin] token` points to; with `make`, a file that does not exist is made, readable by its owner alone.

    A relative path begins at the settings file. SettingsWrong says what is missing; nothing says what the token is.
    """
    kind, _, name = settings.admin.token.partition(":")
    if kind == "env" and VARIABLE.fullmatch(name):
        token = environment.get(name, "").strip()
        if not token:
            raise settings.wrong("admin.token", f"the environment variable {name} is not set; expected the token in it")
    elif kind == "file" and name:
        token = _from_file(settings, settings.file.parent / name, make=make)
    else:
        raise settings.wrong("admin.token", 'expected "env:NAME" or "file:PATH", never the token itself')
    if not TOKEN.fullmatch(token):
        raise settings.wrong("admin.token", "expected 16 to 512 printable ASCII characters without spaces in it")
    return token


def _from_file(settings: Settings, file: Path, *, make: bool) -> str:
    try:
        with contextlib.suppress(FileNotFoundError):
            return file.read_text("utf-8").strip()
        if make:
            _make(file)
            return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise settings.wrong("admin.token", f"{file}: {error}") from None
    raise SettingsWrong(f"{file}: no such file; the gateway makes it at its first start (settings {settings.file}, admin.token)")


def _make(file: Path) -> None:
    """Make a token; of several workers that do so at once the first one's stays, and none reads half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    made = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as writing:
            writing.write(secrets.token_urlsafe(MADE_BYTES) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(made, file)
    finally:
        made.unlink()
