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

from graph.errors import SettingsWrong
from graph.route_settings import PlatformSettings, RouteName, XRoadSettings, check_platform, check_tables, check_xroad
from graph.trust import Certificates, checked

DEFAULT_FILE = Path("motcua.toml")
SANDBOX = "sandbox:"

Engine = Literal["fast", "reference"]
T = TypeVar("T", bound=msgspec.Struct)
Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
Bytes = Annotated[int, msgspec.Meta(ge=1_024, le=268_435_456)]


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
    trust_caller_headers: bool = False
    default_priority: Literal["citizen", "caseworker", "service", "batch"] = "citizen"
    classes: dict[Literal["citizen", "caseworker", "service", "batch"], ClassSettings] = {}
    max_requests: Count = 2_000
    longest_timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=600)] = 60.0
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    state: str = ".motcua"

    def of_class(self, priority: str) -> ClassSettings:
        """Return what holds for a class: as set, and else as usual."""
        return next((found for name, found in self.classes.items() if name == priority), CLASSES[priority])


class SandboxSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[sandbox]`: where an address `sandbox:/...` leads, and the application that `motcua sandbox` runs."""

    url: str = "http://127.0.0.1:9000"
    app: str = "sandbox.app:agencies"


Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Span = Annotated[float, msgspec.Meta(ge=0, le=31_536_000)]


class CalendarSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[systems.<name>.calendar]`: when the system is open, and when it is being maintained."""

    timezone: str = "Asia/Ho_Chi_Minh"
    hours: tuple[str, ...] = ()
    maintenance: tuple[str, ...] = ()


class QuotaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[systems.<name>.quota]`: the calls that the contract allows this machine, and the share of them kept for people who wait."""

    per_minute: Count | None = None
    per_day: Count | None = None
    kept_for_interactive: Share = 0.2


class BreakerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[systems.<name>.breaker]`: when an operation of the system is left alone, and for how long."""

    window_seconds: Seconds = 30.0
    calls: Count = 20
    failing: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    slow: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.8
    slow_seconds: Seconds = 4.0
    open_seconds: Seconds = 5.0
    longest_open_seconds: Seconds = 20.0
    probe_seconds: Seconds = 1.0


class RetrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[systems.<name>.retries]`: how often a failed call is tried again, and what all calls beyond need may come to."""

    times: Annotated[int, msgspec.Meta(ge=0, le=5)] = 1
    times_for_batch: Annotated[int, msgspec.Meta(ge=0, le=5)] = 2
    shortest_pause_seconds: Span = 0.05
    longest_pause_seconds: Span = 0.5
    share: Share = 0.1
    at_first: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 20


class ConcurrencySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[systems.<name>.concurrency]`: how many calls at once the gateway begins with and never falls below, and what waits beyond them."""

    adaptive: bool = True
    initial: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 8
    smallest: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 2
    max_waiting: Count = 10_000


class SystemSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[systems.<name>]`: where a connected system is, how we prove who we are, and how long we wait for it."""

    url: str
    token: str
    health_path: str | None = None
    connect_seconds: Seconds = 1.0
    read_seconds: Seconds = 5.0
    pool_seconds: Seconds = 2.0
    total_seconds: Seconds = 8.0
    max_connections: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 16
    max_answer_bytes: Bytes = 4_194_304
    client: Literal["pool", "httpx"] = "pool"
    route: RouteName = "direct"
    xroad: XRoadSettings | None = None
    platform: PlatformSettings | None = None
    ca_file: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    concurrency: ConcurrencySettings = ConcurrencySettings()
    quota: QuotaSettings = QuotaSettings()
    calendar: CalendarSettings = CalendarSettings()
    breaker: BreakerSettings = BreakerSettings()
    retries: RetrySettings = RetrySettings()
    options: dict[str, Any] = {}

    @property
    def tells(self) -> bool:
        """Whether each message tells the official, the case and the body represented."""
        return self.route == "xroad"

    @property
    def certificates(self) -> Certificates:
        """Whom the line trusts, and what it proves itself with."""
        return Certificates(self.ca_file, self.client_certificate, self.client_key)


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
    if raw:
        raise SettingsWrong(
            f"{file}: {next(iter(raw))}: no such section; expected engine, gateway, sandbox, systems, batches, shared, admin or telemetry"
        )
    given = os.environ if environment is None else environment
    systems = {name: _resolved(file, name, system, sandbox, given if secrets else None) for name, system in systems.items()}
    return Settings(
        file=file, gateway=gateway, engine=engine, sandbox=sandbox, systems=systems, batches=batches, shared=shared, admin=admin,
        telemetry=telemetry,
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
