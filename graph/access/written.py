"""The registry as people write it: the tables and keys of its file, and what may stand in each."""

import re
import tomllib
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec

from graph.access.registry import LegalBasis, PriorityName, Protected, Required
from graph.errors import SettingsWrong
from graph.settings import convert

NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,63}")
VIETNAM: Final = timezone(timedelta(hours=7))
UNLIMITED: Final = "unlimited"
SECTIONS: Final = ("version", "groups", "open", "purposes", "consumers")

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Scope = Annotated[str, msgspec.Meta(pattern=r"^[!#-\[\]-~]{1,128}$")]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Hash = Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")]


class WrittenOpen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[open]`: what everybody may read."""

    fields: tuple[str, ...] = ()


class WrittenPurpose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[purposes.<name>]`; a moment is checked where the file and the key can be named."""

    title: Text
    legal_basis: LegalBasis
    ground: Text
    fields: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    requires: frozenset[Required] = frozenset()
    consent: bool = False
    protected: Protected = "mask"
    min_age: Annotated[int, msgspec.Meta(ge=0, le=150)] = 0
    expires: Any = None


class WrittenAllowances(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[consumers.<name>.allowances]`."""

    concurrent: Quantity | None = None
    cost_per_minute: Quantity | None = None
    cost: Quantity | None = None
    persons: Quantity | None = None
    keys: Quantity | None = None
    keys_per_system: Quantity | None = None
    calls: Quantity | None = None


class WrittenKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[consumers.<name>.keys.<id>]`."""

    hash: Hash
    made: Any
    expires: Any = None


class WrittenToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[consumers.<name>.tokens]]`."""

    issuer: Text
    client_id: Text
    certificate_bound: bool = False


class WrittenConsumer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[consumers.<name>]`."""

    organisation: Text
    kind: Literal["state", "private"]
    purposes: tuple[str, ...] | dict[str, Any]
    default_purpose: str | None = None
    priority: PriorityName = "citizen"
    scopes: frozenset[Scope] = frozenset()
    policies: frozenset[Text] = frozenset()
    explorer: bool = False
    demo: bool = False
    certificates: tuple[str, ...] = ()
    allowances: WrittenAllowances = WrittenAllowances()
    tokens: tuple[WrittenToken, ...] = ()
    keys: dict[str, Any] = {}


class Written(NamedTuple):
    """The whole file; `file` is what messages name."""

    file: Path
    version: int
    groups: dict[str, tuple[str, ...]]
    open: WrittenOpen
    purposes: dict[str, WrittenPurpose]
    consumers: dict[str, WrittenConsumer]


def text_of(file: Path) -> str:
    """Read the file; SettingsWrong where that cannot be."""
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        raise SettingsWrong(f"{file}: no such file; expected the consumers and purposes (see consumers.toml in the project)") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsWrong(f"{file}: cannot be read: {type(error).__name__}") from None


def written(text: str, file: Path) -> Written:
    """Take a text apart; SettingsWrong names the file, the key and what was expected."""
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:  # the latter for thousands of brackets
        raise SettingsWrong(f"{file}: is not TOML: {error}") from None
    for section in raw.keys() - set(SECTIONS):
        raise SettingsWrong(f"{file}: {section}: no such section; expected {', '.join(SECTIONS[:-1])} or {SECTIONS[-1]}")
    version = raw.get("version")
    if type(version) is not int or version < 1:
        raise SettingsWrong(f"{file}: version: expected a whole number from 1 on, raised with every change")
    return Written(
        file,
        version,
        _table(file, "groups", raw, tuple[str, ...]),
        convert(raw.get("open", {}), WrittenOpen, f"{file}: open"),
        _table(file, "purposes", raw, WrittenPurpose),
        _table(file, "consumers", raw, WrittenConsumer),
    )


def moment(where: str, value: object) -> datetime | None:
    """Read a moment; a date alone is its first moment in Viet Nam. Without an offset it would be another one on another machine."""
    if value is None:
        return None
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            return value.astimezone(UTC)
    elif isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=VIETNAM).astimezone(UTC)
    raise SettingsWrong(f"{where}: expected a date such as 2027-01-01, or a moment with its offset such as 2027-01-01T00:00:00+07:00")


def _table(file: Path, section: str, raw: dict[str, Any], into: Any) -> dict[str, Any]:
    table = raw.get(section, {})
    if not isinstance(table, dict):
        raise SettingsWrong(f"{file}: {section}: expected a table of names")
    for name in table:
        if not NAME.fullmatch(name):
            raise SettingsWrong(f"{file}: {section}.{name}: expected a name of 2 to 64 small letters, digits and hyphens, a letter first")
    return {name: convert(value, into, f"{file}: {section}.{name}") for name, value in table.items()}
