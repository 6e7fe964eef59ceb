"""The figures of a gateway as Prometheus reads them: of all its workers together, under names that are bounded and tell of nobody."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from prometheus_client import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from graph.access.usage import ConsumerFigures, Usage
from graph.loading.figures import CacheFigures
from graph.operating.operations import OperationFigures, Requests
from graph.operating.siblings import Siblings
from graph.upstream.figures import BOUNDS, WORST, Durations, SystemFigures

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
WITHIN_SECONDS: Final = 2.0
QUESTION: Final = "counted"
WINDOWS: Final = {60: "minute", 86_400: "day"}

T = TypeVar("T")
Samples = Iterable[tuple[Sequence[str], float]]
Place = tuple[str, ...]


class Counted(msgspec.Struct):
    """All that one worker has counted."""

    caches: list[CacheFigures]
    systems: list[SystemFigures]
    requests: Requests
    usage: Usage = msgspec.field(default_factory=Usage)


class Total(NamedTuple):
    """What all workers have counted, how many they are, and how many more did not answer in time."""

    caches: dict[str, CacheFigures]
    systems: dict[str, SystemFigures]
    requests: Requests
    workers: int
    silent: int
    usage: Usage = Usage()  # of nobody; it is never added to


class Counts:
    """What one worker counts, for itself and for the others that ask for it."""

    def __init__(
        self, caches: Callable[[], list[CacheFigures]], systems: Callable[[], list[SystemFigures]], requests: Requests,
        usage: Usage | None = None,
    ) -> None:  # fmt: skip
        """Take where the figures stand."""
        self._usage = Usage() if usage is None else usage
        self._caches = caches
        self._systems = systems
        self._requests = requests

    async def counted(self, _body: Any) -> Counted:
        """Answer a worker that asks."""
        return Counted(self._caches(), self._systems(), self._requests, self._usage)


class Family(NamedTuple):
    """One metric of a thing: its name, how it is counted, what it says, and where it stands."""

    name: str
    kind: type[CounterMetricFamily] | type[GaugeMetricFamily]
    says: str
    labels: Place
    samples: Callable[[Any], Samples]


def _one(field: str) -> Callable[[Any], Samples]:
    """Take one field of the figures, which needs no label of its own."""
    return lambda figures: [((), getattr(figures, field))]


def _each(field: str) -> Callable[[Any], Samples]:
    """Take a field that has a value under each of several labels."""
    return lambda figures: [((label,), value) for label, value in sorted(getattr(figures, field).items())]


def _breakers(figures: SystemFigures) -> Samples:
    return [((operation,), WORST.index(state)) for operation, state in sorted(figures.breakers.items())]


def _closed(figures: SystemFigures) -> Samples:
    return [((), figures.closed_until is not None)]


def _quotas(value: Callable[[Any], int]) -> Callable[[SystemFigures], Samples]:
    return lambda figures: [((WINDOWS.get(quota.seconds, f"{quota.seconds}s"),), value(quota)) for quota in figures.quotas]


_C, _G = CounterMetricFamily, GaugeMetricFamily
SYSTEM: Final = (
    Family("motcua_system_calls", _C, "Calls that came to an end, by outcome.", ("outcome",), _each("outcomes")),
    Family("motcua_system_operation_calls", _C, "Calls that came to an end, by operation.", ("operation",), _each("by_operation")),
    Family("motcua_system_keys", _C, "Keys in these calls.", (), _one("keys")),
    Family("motcua_system_retries", _C, "Calls that were made again after a failure.", (), _one("retries")),
    Family("motcua_system_extra_calls", _C, "Calls that were made to find a bad key.", (), _one("extra_calls")),
    Family("motcua_system_retries_left", _G, "Calls beyond need that may still be made.", (), _one("retries_left")),
    Family("motcua_system_refused_keys", _C, "Keys that were not asked for, by why.", ("reason",), _each("refused")),
    Family("motcua_system_waiting_keys", _G, "Keys that wait for a call.", (), _one("waiting")),
    Family("motcua_system_under_way_calls", _G, "Calls under way.", (), _one("under_way")),
    Family("motcua_system_concurrency_limit_calls", _G, "Calls at once that the workers allow themselves together.", (), _one("limit")),
    Family("motcua_system_breaker_state", _G, "State of the breaker: 0 closed, 1 half open, 2 open.", ("operation",), _breakers),
    Family("motcua_system_breaker_opened", _C, "How often a breaker opened.", (), _one("opened")),
    Family("motcua_system_quota_allowed_calls", _G, "Calls allowed in a window.", ("window",), _quotas(lambda quota: quota.allowed)),
    Family("motcua_system_quota_used_calls", _G, "Calls made in the window that ends now.", ("window",), _quotas(lambda quota: quota.used)),
    Family(
        "motcua_system_quota_left_calls", _G, "Calls left in the window that ends now.", ("window",),
        _quotas(lambda quota: max(0, quota.allowed - quota.used)),
    ),
    Family("motcua_system_drained", _G, "1 while an operator has taken it out of service.", (), _one("drained")),
    Family("motcua_system_closed", _G, "1 while it is closed by its calendar.", (), _closed),
)  # fmt: skip
BATCH: Final = (
    Family("motcua_cache_hits", _C, "Keys that were answered from the cache, fresh or stale.", (), _one("hits")),
    Family("motcua_cache_misses", _C, "Keys that the cache had no answer for.", (), _one("misses")),
    Family("motcua_cache_stale_hits", _C, "Hits that were older than their time to live.", (), _one("stale_hits")),
    Family("motcua_cache_negative_hits", _C, "Hits that said there is none.", (), _one("negative_hits")),
    Family("motcua_cache_shared_hits", _C, "Misses that the shared tier answered.", (), _one("shared_hits")),
    Family("motcua_cache_joined_keys", _C, "Misses that joined a call under way.", (), _one("joined")),
    Family("motcua_cache_fetched_keys", _C, "Misses that had to be fetched.", (), _one("fetched")),
    Family("motcua_cache_stale_on_error", _C, "Stale answers that were given because a fetch failed.", (), _one("stale_on_error")),
    Family("motcua_cache_refreshes", _C, "Entries that were fetched anew beside the way.", (), _one("refreshes")),
    Family("motcua_cache_not_modified", _C, "Answers that the system confirmed without sending them again.", (), _one("not_modified")),
    Family("motcua_cache_quarantined_keys", _C, "Keys that were set aside because they spoil a call.", (), _one("quarantined")),
    Family("motcua_cache_evictions", _C, "Entries that left for want of room.", (), _one("evictions")),
    Family("motcua_cache_too_large", _C, "Answers that were too large to be kept.", (), _one("too_large")),
    Family("motcua_cache_purged", _C, "Entries that were purged.", (), _one("purged")),
    Family("motcua_cache_entries", _G, "Entries in the caches of all workers.", (), _one("entries")),
    Family("motcua_cache_bytes", _G, "What these entries weigh, in bytes.", (), _one("bytes")),
    Family("motcua_batch_calls", _C, "Calls that the batch function made.", (), _one("calls")),
    Family("motcua_batch_call_keys", _C, "Keys in these calls.", (), _one("call_keys")),
    Family("motcua_batch_failed_calls", _C, "Calls of it that failed.", (), _one("failed_calls")),
    Family("motcua_batch_extra_calls", _C, "Calls of it that were made to find a bad key.", (), _one("extra_calls")),
)
OPERATION: Final = (
    Family("motcua_requests", _C, "Requests that were answered, by outcome.", ("outcome",), _each("outcomes")),
    Family("motcua_request_errors", _C, "Requests with at least one error of a code.", ("code",), _each("errors")),
)
CONSUMER: Final = (
    Family("motcua_consumer_requests", _C, "Requests of a consumer, by outcome.", ("outcome",), _each("outcomes")),
    Family("motcua_consumer_cost", _C, "Estimated cost of the queries that were run for it.", (), _one("cost")),
    Family("motcua_consumer_refused", _C, "Requests of it in which something was refused, by code.", ("code",), _each("refused")),
    Family("motcua_consumer_beyond_limit", _C, "How often it wanted more than a limit allows.", ("limit",), _each("beyond")),
    Family("motcua_fees_vnd", _C, "Fees for what it was given, in VND.", ("system",), _each("fees")),
)


class Exposition(Collector):
    """Turns figures into what Prometheus reads."""

    def __init__(self, total: Total) -> None:
        """Take the figures."""
        self.total = total

    def collect(self) -> Iterator[Metric]:
        """Yield each metric with all its values."""
        total = self.total
        operations: dict[Place, OperationFigures] = {(name,): figures for name, figures in sorted(total.requests.operations.items())}
        systems: dict[Place, SystemFigures] = {(name,): figures for name, figures in sorted(total.systems.items())}
        batches: dict[Place, CacheFigures] = {(name, figures.system): figures for name, figures in sorted(total.caches.items())}
        yield GaugeMetricFamily("motcua_workers", "Workers whose figures are added up here.", total.workers)
        yield GaugeMetricFamily("motcua_workers_silent", "Workers that did not tell their figures in time.", total.silent)
        yield from _families(OPERATION, ("operation",), operations)
        yield _histogram("motcua_request_seconds", "How long requests took.", "operation", operations, lambda found: found.took)
        yield from _families(SYSTEM, ("system",), systems)
        yield _histogram("motcua_system_call_seconds", "How long calls took.", "system", systems, lambda found: found.latency)
        yield _histogram("motcua_system_wait_seconds", "How long keys waited for their call.", "system", systems, lambda found: found.waits)
        yield from _families(BATCH, ("batch", "system"), batches)
        consumers: dict[Place, ConsumerFigures] = {(name,): figures for name, figures in sorted(total.usage.consumers.items())}
        yield from _families(CONSUMER, ("consumer",), consumers)


class Metrics:
    """The figures of a gateway, from whichever of its workers one asks."""

    def __init__(self, siblings: Siblings) -> None:
        """Take the workers, each of which answers to QUESTION with its counts."""
        self._siblings = siblings

    async def exposed(self, within: float = WITHIN_SECONDS) -> bytes:
        """Return the figures of all workers as text; who takes longer than `within` seconds is told to be silent."""
        return generate_latest(Exposition(await self._total(within)))

    async def _total(self, within: float) -> Total:
        replies, silent = await self._siblings.ask_all(QUESTION, None, within, Counted)
        caches: dict[str, CacheFigures] = {}
        systems: dict[str, SystemFigures] = {}
        requests, usage = Requests(), Usage()
        for counted in replies.values():
            for found in counted.caches:
                caches[found.name] = caches[found.name].add(found) if found.name in caches else found
            for system in counted.systems:
                if systems.setdefault(system.name, system) is not system:
                    systems[system.name].add(system)
            requests.add(counted.requests)
            usage.add(counted.usage)
        return Total(caches, systems, requests.bounded(), len(replies), len(silent), usage)


def _families(families: Iterable[Family], labels: Place, things: Mapping[Place, Any]) -> Iterator[Metric]:
    for family in families:
        metric = family.kind(family.name, family.says, labels=[*labels, *family.labels])
        for place, figures in things.items():
            for more, value in family.samples(figures):
                metric.add_metric([*place, *more], value)
        yield metric


def _histogram(name: str, says: str, label: str, things: Mapping[Place, T], durations: Callable[[T], Durations]) -> Metric:
    metric = HistogramMetricFamily(name, says, labels=[label])
    for place, figures in things.items():
        found = durations(figures)
        up_to = list(zip([*map(str, BOUNDS), "+Inf"], map(float, accumulate(found.counts)), strict=True))
        metric.add_metric(list(place), up_to, sum_value=found.total)
    return metric
