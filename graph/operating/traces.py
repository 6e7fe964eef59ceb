"""Spans for OpenTelemetry: one for a request and one for each call that it needed, made when it has ended, of what is known then.

While a request runs nothing is done for them. They say what `graph.telemetry.ALLOWED` lists, and nothing else.
"""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import requests
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags, set_span_in_context

from graph.loading.calls import OK, CallRecord
from graph.operating.operations import told
from graph.operating.watch import Asked
from graph.telemetry import allowed

# https://www.w3.org/TR/trace-context/#traceparent-header
TRACEPARENT: Final = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
SEND_SECONDS: Final = 2.0
CLOSE_SECONDS: Final = 3.0
UNDER_WAY: Final = "UNDER_WAY"
NANOSECONDS: Final = 1_000_000_000


class Traces:
    """Sends spans to a collector at `url`, of a `sample` share of the requests; a client that has decided for its trace is followed."""

    def __init__(self, url: str, *, sample: float = 1.0, service_name: str = "motcua") -> None:
        """Begin a thread that sends what comes together; nothing is looked up, of this machine or anywhere."""
        session = requests.Session()
        session.trust_env = False
        # Made by hand: what OpenTelemetry finds out about a process by itself is on no list of ours.
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(sample)), resource=Resource({"service.name": service_name}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url, session=session, timeout=SEND_SECONDS)))
        self._tracer = self._provider.get_tracer("motcua")

    def note(self, asked: Asked) -> None:
        """Make the spans of a request that has ended."""
        since = time.time_ns() - int(time.perf_counter() * NANOSECONDS)
        name = "request" if asked.operation is None else f"{asked.operation.operation.value} {told(asked.name)}"
        parent = parent_of(asked.traceparent)
        span = self._tracer.start_span(name, parent, SpanKind.SERVER, _about(asked), start_time=since + int(asked.began * NANOSECONDS))
        if span.is_recording():
            inside = set_span_in_context(span, Context())
            for call in () if asked.loaders is None else asked.loaders.calls:
                self._call(asked, call, inside, since)
            _fail(span, failed=asked.outcome == "failed")
        span.end(since + int(asked.ended * NANOSECONDS))

    def _call(self, asked: Asked, call: CallRecord, inside: Context, since: int) -> None:
        batch, ended = call.batch, call.ended or asked.ended
        span = self._tracer.start_span(
            f"{batch.system.name} {batch.name}", inside, SpanKind.CLIENT, _about_call(asked, call),
            start_time=since + int(call.began * NANOSECONDS),
        )  # fmt: skip
        _fail(span, failed=bool(call.ended) and call.outcome != OK)
        span.end(since + int(ended * NANOSECONDS))

    async def close(self) -> None:
        """Send what has not been sent yet, and wait a moment for that."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def end() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # nobody waits any longer
                loop.call_soon_threadsafe(done.set)

        # A thread of its own, since it may take longer than anybody waits for it, and the loop waits for its own threads.
        threading.Thread(target=end, daemon=True).start()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), CLOSE_SECONDS)


def parent_of(traceparent: bytes) -> Context:
    """Return the context that a client said its request belongs to; an empty one where it said nothing that can be read."""
    found = TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return Context()
    trace, span, flags = (int(part, 16) for part in found.groups())
    return set_span_in_context(NonRecordingSpan(SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(flags))), Context())


def _about(asked: Asked) -> Mapping[str, Any]:
    loads = [] if asked.loaders is None else list(asked.loaders.loads.values())
    return allowed(
        {
            "graphql.operation.name": told(asked.name),
            "graphql.operation.type": None if asked.operation is None else asked.operation.operation.value,
            "motcua.outcome": asked.outcome,
            "motcua.priority": asked.urgency,
            "motcua.request_id": asked.request_id,
            "motcua.calls": sum(load.calls for load in loads),
            "motcua.keys": sum(load.keys for load in loads),
            "motcua.cached": sum(load.hits for load in loads),
            "error.type": next(iter(sorted(asked.codes)), None),
        }
    )


def _about_call(asked: Asked, call: CallRecord) -> Mapping[str, Any]:
    batch = call.batch
    own = 0 if asked.loaders is None else asked.loaders.of(batch).keys
    return allowed(
        {
            "motcua.system": batch.system.name,
            "motcua.batch": batch.name,
            "motcua.keys": call.keys,
            "motcua.outcome": call.outcome if call.ended else UNDER_WAY,
            "motcua.call.id": f"{batch.name}-{int(call.began * NANOSECONDS):x}",
            "motcua.call.shared": call.began < asked.began or call.keys > own,
            "error.type": call.outcome if call.ended and call.outcome != OK else None,
        }
    )


def _fail(span: Span, *, failed: bool) -> None:
    if failed:
        span.set_status(Status(StatusCode.ERROR))
