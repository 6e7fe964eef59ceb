"""Where consents are kept: a file for one machine, or a database for several."""

import os
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from graph.access.consent import Consents
from graph.access.consent_sqlite import SqliteConsents
from graph.access.sealing import sealing
from graph.errors import SettingsWrong

EXPECTED = 'access.consents: expected "sqlite:PATH", "postgresql://..." or "env:NAME" with one of them in it'


def open_consents(
    url: str, folder: Path, *, clock: Callable[[], float] = time.time, environment: Mapping[str, str] = os.environ
) -> Consents:
    """Make the store that an address names; a path begins at `folder`, where also the key of a database lies.

    Beside the file, or at `.motcua/consents.key`, is the key that people's ids are sealed with. SettingsWrong where anything does not fit.
    """
    if url.startswith("env:"):
        url = environment.get(url.removeprefix("env:"), "")
    kind, _, rest = url.partition(":")
    if kind == "sqlite" and rest:
        file = folder / rest
        return SqliteConsents(file, sealing(file.with_suffix(".key")), clock)
    if kind == "postgresql" and rest.startswith("//"):
        if find_spec("asyncpg") is None:
            raise SettingsWrong("access.consents: PostgreSQL needs the package asyncpg: pip install 'motcua[postgresql]'")
        from graph.access.consent_postgresql import PostgresqlConsents  # noqa: PLC0415 - an optional dependency

        return PostgresqlConsents(url, sealing(folder / ".motcua" / "consents.key"), clock)
    raise SettingsWrong(EXPECTED)
