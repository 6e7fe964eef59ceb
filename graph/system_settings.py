"""`[systems.<name>]` in the settings: where a connected system is, how it may be called, and what was agreed with its agency."""

from typing import Annotated, Any, Literal

import msgspec

from graph.route_settings import PlatformSettings, RouteName, XRoadSettings
from graph.trust import Certificates

Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
Bytes = Annotated[int, msgspec.Meta(ge=1_024, le=268_435_456)]
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
