"""The settings: `motcua.toml` and the secrets it points to, as frozen and checked values.

Everything wrong is found here, before a port is opened, and named with the file, the key and what was expected.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from graph.access_settings import AccessSettings, TlsSettings
from graph.errors import SettingsWrong
from graph.route_settings import PlatformSettings, check_platform, check_tables, check_xroad
from graph.system_settings import Bytes, Count, Seconds, Share, Span, SystemSettings
from graph.trust import checked

DEFAULT_FILE = Path("motcua.toml")
SANDBOX = "sandbox:"
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::\d{1,5})?")

Engine = Literal["fast", "reference"]
T = TypeVar("T", bound=msgspec.Struct)


class ClassSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[gateway.classes.<priority>]`: how long a request of a class has, and how many of them are answered at once in one process."""

    seconds: Annotated[float, msgspec.Meta(gt=0, le=600)]
    max_requests: Count


CLASSES: dict[str, ClassSettings] = {
    "citizen": ClassSettings(seconds=10.0, max_requests=2_000),
    "caseworker": ClassSettings(seconds=15.0, max_requests=1_600),
    "service": ClassSettings(seconds=30.0, max_requests=1_000),
    "batch": ClassSettings(seconds=60.0, max_requests=500),
}


class GatewaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[gateway]`: the schema that is served, and the bounds of one request."""

    schema: str = "schema:schema"
    examples: str = "examples"
    max_body_bytes: Bytes = 65_536
    max_query_tokens: Count = 2_000
    max_query_depth: Count = 20
    max_query_aliases: Count = 50
    max_query_directives: Count = 50
    documents_kept: Count = 512
    plans_kept: Count = 1_024
    shutdown_seconds: Seconds = 20.0
    classes: dict[Literal["citizen", "caseworker", "service", "batch"], ClassSettings] = {}
    max_requests: Count = 2_000
    longest_timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=600)] = 60.0
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    state: str = ".motcua"
    tls: TlsSettings | None = None

    def of_class(self, priority: str) -> ClassSettings:
        """Return what holds for a class: as set, and else as usual."""
        return next((found for name, found in self.classes.items() if name == priority), CLASSES[priority])


class SandboxSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[sandbox]`: where an address `sandbox:/...` leads, and the application that `motcua sandbox` runs."""

    url: str = "http://127.0.0.1:9000"
    app: str = "sandbox.app:agencies"


StaleOutcome = Literal["timeout", "unavailable", "throttled"]


class BatchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[batches.<name>]`: the knobs of one batch function, of its resolver cache and of its collector; docs/operating.md explains each."""

    ttl_seconds: Span = 60.0
    negative_ttl_seconds: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 10.0
    longest_ttl_seconds: Span = 31_536_000.0
    jitter: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.1
    stale_while_revalidate_seconds: Span = 0.0
    stale_if_error_seconds: Span = 0.0
    stale_if_error_on: tuple[StaleOutcome, ...] = ("timeout", "unavailable", "throttled")
    early_refresh: Annotated[float, msgspec.Meta(ge=0, le=10)] = 1.0
    max_bytes: Annotated[int, msgspec.Meta(ge=65_536, le=68_719_476_736)] = 16_777_216
    max_entry_bytes: Bytes = 262_144
    eviction: Literal["s3fifo", "lru", "lfu"] = "s3fifo"
    sharing: Literal["shared", "purpose", "caller", "none"] | None = None
    max_keys: Count | None = None
    patience: Annotated[float, msgspec.Meta(ge=0, le=5)] = 1.0
    quarantine_seconds: Annotated[float, msgspec.Meta(ge=0, le=3_600)] = 60.0
    client_cache: Literal["never", "private", "public"] | None = None
    stale_share: Annotated[float, msgspec.Meta(gt=0, le=0.5)] = 0.01


class SharedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[shared]`: the tier of the resolver caches in Redis or Valkey that several processes use; without the section there is none.

    `keys` are pointers to secrets of at least 32 bytes: the first seals, all of them open, so that a key can be changed without a stop.
    """

    url: str
    keys: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=4)]
    connect_seconds: Seconds = 0.02
    operation_seconds: Seconds = 0.01
    feed_seconds: Seconds = 0.5


class AdminSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[admin]`: the operators' interface; a token's file that does not exist is made at the first start, readable by its owner alone."""

    token: str = "file:.motcua/admin.token"  # noqa: S105 - where the secret is, not the secret


class TelemetrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[telemetry]`: who may read the figures, where spans go, and how the log is written; docs/observing.md says what is in each."""

    metrics: Literal["loopback", "token", "open", "off"] = "loopback"
    traces: str | None = None
    sample: Share = 1.0
    service_name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "motcua"
    logs: Literal["auto", "json", "text"] = "auto"
    access_log: bool = False


class Settings(msgspec.Struct, frozen=True):
    """All settings of one gateway; `file` is where they came from."""

    file: Path
    gateway: GatewaySettings
    engine: Engine
    sandbox: SandboxSettings
    systems: Mapping[str, SystemSettings]
    batches: Mapping[str, BatchSettings]
    shared: SharedSettings | None = None
    admin: AdminSettings = AdminSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    access: AccessSettings = AccessSettings()
    # The systems whose address leads to the sandbox.
    simulated: frozenset[str] = frozenset()

    @property
    def is_sandboxed(self) -> bool:
        """Whether every system is a simulated one, so that nobody who exists can be found here."""
        return self.simulated >= self.systems.keys()

    def beside(self, path: str) -> Path:
        """Find a file that the settings name, from where they stand themselves."""
        return self.file.parent / path

    def wrong(self, key: str, expected: str) -> SettingsWrong:
        """Make the error that names a key of this file."""
        return SettingsWrong(f"{self.file}: {key}: {expected}")


def load_settings(
    file: Path, *, environment: Mapping[str, str] | None = None, sandbox_url: str | None = None, secrets: bool = True
) -> Settings:
    """Read and check a settings file; `sandbox_url` takes the place of the one in the file, `secrets=False` leaves secrets unread.

    Raises SettingsWrong for a file that is missing or is not TOML, an unknown or missing key, a value of the wrong kind, an address that
    is not one, and a secret that its environment variable or file does not hold.
    """
    raw = _read(file)
    sandbox = _section(file, "sandbox", raw.pop("sandbox", {}), SandboxSettings)
    if sandbox_url is not None:
        sandbox = msgspec.structs.replace(sandbox, url=sandbox_url)
    gateway = _section(file, "gateway", raw.pop("gateway", {}), GatewaySettings)
    engine = raw.pop("engine", "fast")
    if engine not in ("fast", "reference"):
        raise SettingsWrong(f'{file}: engine: expected "fast" or "reference"')
    systems = _table(file, "systems", raw.pop("systems", {}), SystemSettings)
    batches = _table(file, "batches", raw.pop("batches", {}), BatchSettings)
    shared = _section(file, "shared", raw.pop("shared"), SharedSettings) if "shared" in raw else None
    admin = _section(file, "admin", raw.pop("admin", {}), AdminSettings)
    telemetry = _telemetry(file, raw.pop("telemetry", {}))
    access = _access(file, raw.pop("access", {}))
    if raw:
        expected = "engine, gateway, sandbox, systems, batches, shared, admin, telemetry or access"
        raise SettingsWrong(f"{file}: {next(iter(raw))}: no such section; expected {expected}")
    simulated = frozenset(name for name, system in systems.items() if system.url.startswith(SANDBOX))
    given = os.environ if environment is None else environment
    systems = {name: _resolved(file, name, system, sandbox, given if secrets else None) for name, system in systems.items()}
    return Settings(
        file=file, gateway=gateway, engine=engine, sandbox=sandbox, systems=systems, batches=batches, shared=shared, admin=admin,
        telemetry=telemetry, access=access, simulated=simulated,
    )  # fmt: skip


def sandbox_secrets(file: Path, token_of: Callable[[str], str]) -> dict[str, str]:
    """List the environment variables that simulated systems want their token in, each with the sandbox's own token."""
    systems = _read(file).get("systems", {})
    return {
        section["token"].removeprefix("env:"): token_of(name)
        for name, section in systems.items()
        if isinstance(section, dict) and str(section.get("url")).startswith(SANDBOX) and str(section.get("token")).startswith("env:")
    }


def convert(section: object, into: type[T], where: str) -> T:
    """Convert one section; `where` is the file and the section, for the message."""
    try:
        return msgspec.convert(section, into)
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `$")
        key = path.rstrip("`").lstrip(".")
        message = f"{where}{'.' + key if key else ''}: {said[0].lower()}{said[1:]}"
        raise SettingsWrong(message) from None


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        message = f"{file}: no such file; expected the settings (see motcua.toml in the project, or name another with --settings)"
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file}: cannot be read: {error}"
    except tomllib.TOMLDecodeError as error:
        message = f"{file}: is not TOML: {error}"
    raise SettingsWrong(message)


def _section(file: Path, name: str, section: object, into: type[T]) -> T:
    return convert(section, into, f"{file}: {name}")


def _table(file: Path, name: str, table: object, into: type[T]) -> dict[str, T]:
    if not isinstance(table, dict):
        raise SettingsWrong(f"{file}: {name}: expected a table of sections, as in [{name}.<name>]")
    return {key: _section(file, f"{name}.{key}", section, into) for key, section in table.items()}


def _telemetry(file: Path, section: object) -> TelemetrySettings:
    found = _section(file, "telemetry", section, TelemetrySettings)
    if found.traces is not None and not _is_address(found.traces):
        raise SettingsWrong(f'{file}: telemetry.traces: expected an address such as "http://127.0.0.1:4318/v1/traces"')
    return found


def _access(file: Path, section: object) -> AccessSettings:
    found = _section(file, "access", section, AccessSettings)
    for name, issuer in found.issuers.items():
        if not _is_address(issuer.issuer):
            raise SettingsWrong(f'{file}: access.issuers.{name}.issuer: expected an address such as "https://id.example.vn"')
    if not all(map(ORIGIN.fullmatch, found.cors_origins)):
        raise SettingsWrong(f'{file}: access.cors_origins: expected origins such as "https://dichvucong.example.vn", each by itself')
    return found


def _resolved(file: Path, name: str, system: SystemSettings, sandbox: SandboxSettings, secrets: Mapping[str, str] | None) -> SystemSettings:
    """Replace the address of a simulated system by a real one, and the pointer to a secret by the secret."""
    where = f"{file}: systems.{name}"
    url = _led(system.url, sandbox)
    if not _is_address(url):
        raise SettingsWrong(f'{where}.url: expected an address such as "https://host/path" or "{SANDBOX}/path"')
    check_tables(where, system.route, system.xroad, system.platform)
    if system.xroad is not None:
        check_xroad(f"{where}.xroad", system.xroad, pooled=system.client == "pool")
    platform = None if system.platform is None else _platform(f"{where}.platform", system.platform, sandbox, secrets)
    system = msgspec.structs.replace(system, url=url, platform=platform)
    if secrets is None:
        return msgspec.structs.replace(system, token="")
    encrypted = any(address.startswith("https:") for address in (url, "" if platform is None else platform.token_url))
    trusted = checked(where, file.parent, system.certificates, encrypted=encrypted)
    return msgspec.structs.replace(
        system, token=secret(f"{where}.token", system.token, secrets), ca_file=trusted.authorities,
        client_certificate=trusted.own, client_key=trusted.key,
    )  # fmt: skip


def _platform(where: str, platform: PlatformSettings, sandbox: SandboxSettings, secrets: Mapping[str, str] | None) -> PlatformSettings:
    found = msgspec.structs.replace(platform, token_url=_led(platform.token_url, sandbox))
    check_platform(where, found, _is_address)
    told = "" if secrets is None else secret(f"{where}.client_secret", platform.client_secret, secrets)
    return msgspec.structs.replace(found, client_secret=told)


def _led(url: str, sandbox: SandboxSettings) -> str:
    """Lead an address of the sandbox to where that is."""
    return sandbox.url.rstrip("/") + url.removeprefix(SANDBOX) if url.startswith(SANDBOX) else url


def _is_address(url: str) -> bool:
    parts = urlsplit(url)
    try:
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or too large
        return False


def secret(where: str, pointer: str, secrets: Mapping[str, str]) -> str:
    """Fetch what `env:NAME` or `file:PATH` points to; a secret never stands in the settings themselves. `where` is the file and the key."""
    kind, _, name = pointer.partition(":")
    if kind == "env" and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        if value := secrets.get(name, "").strip():
            return value
        raise SettingsWrong(f"{where}: the environment variable {name} is not set; expected the secret in it")
    if kind == "file" and name:
        try:
            value = Path(name).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsWrong(f"{where}: the secret's file cannot be read: {error}") from None
        if value:
            return value
        raise SettingsWrong(f"{where}: the file {name} is empty; expected the secret in it")
    raise SettingsWrong(f'{where}: expected "env:NAME" or "file:PATH", never the secret itself')
