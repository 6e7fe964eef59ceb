"""What is told of each request when it has ended: it is counted, and where the settings say so it becomes a line of the log and spans."""

from collections.abc import Collection
from typing import NamedTuple, Protocol

from graphql import OperationDefinitionNode

from graph.loading.loaders import Loaders
from graph.operating.operations import ANONYMOUS, Outcome, Requests, told
from graph.settings import Settings
from graph.telemetry import event
from graph.upstream.priority import Priority


class Asked(NamedTuple):
    """A request that has ended: when it began and ended (seconds of `time.perf_counter`) and how, with the codes of its errors.

    `operation` is what was executed; `traceparent` is what the client said of the trace that the request belongs to.
    """

    request_id: str
    began: float
    ended: float
    outcome: Outcome
    codes: Collection[str] = ()
    operation: OperationDefinitionNode | None = None
    priority: Priority = Priority.CITIZEN
    loaders: Loaders | None = None
    traceparent: bytes = b""

    @property
    def name(self) -> str:
        """The name of the operation, as its client chose it."""
        ran = self.operation
        return ANONYMOUS if ran is None or ran.name is None else ran.name.value

    @property
    def urgency(self) -> str:
        """The class that the request was in."""
        return self.priority.name.lower()


class Tracing(Protocol):
    """Sends spans somewhere."""

    def note(self, asked: Asked) -> None:
        """Make the spans of a request that has ended."""

    async def close(self) -> None:
        """Send what has not been sent yet."""


class Watch:
    """Takes note of requests; made once in a process, and shared by all that answer."""

    def __init__(self, requests: Requests | None = None, traces: Tracing | None = None, *, access_log: bool = False) -> None:
        """Count in `requests`."""
        self.requests = Requests() if requests is None else requests
        self._traces = traces
        self._access_log = access_log

    def ended(self, asked: Asked) -> None:
        """Take note of a request that has ended."""
        self.requests.note(asked.name, asked.outcome, asked.ended - asked.began, asked.codes)
        if self._access_log:
            _log(asked)
        if self._traces is not None:
            self._traces.note(asked)


def tracing(settings: Settings) -> Tracing | None:
    """Prepare to send spans where the settings say so; SettingsWrong where a package for that is not installed."""
    telemetry = settings.telemetry
    if telemetry.traces is None:
        return None
    try:
        from graph.operating.traces import Traces  # noqa: PLC0415 - only who wants spans needs the packages for them
    except ModuleNotFoundError as error:
        raise settings.wrong("telemetry.traces", f"needs OpenTelemetry (pip install 'motcua[otel]'): no module {error.name}") from None
    return Traces(telemetry.traces, sample=telemetry.sample, service_name=telemetry.service_name)


def _log(asked: Asked) -> None:
    loads = () if asked.loaders is None else asked.loaders.loads.values()
    event(
        "request", request_id=asked.request_id, operation=told(asked.name), outcome=asked.outcome,
        milliseconds=round((asked.ended - asked.began) * 1_000, 2), calls=sum(load.calls for load in loads),
        cached=sum(load.hits for load in loads), priority=asked.urgency,
    )  # fmt: skip
