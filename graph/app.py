"""Puts everything together: settings and schema in, an ASGI application out. The one place where parts learn of one another."""

import asyncio
import contextlib
import importlib
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.errors import SettingsWrong, Theirs
from graph.execution.documents import Limits
from graph.execution.schema import FastSchema
from graph.gateway import Gateway
from graph.guard import Guard
from graph.http import GraphQLEndpoint
from graph.loading.caches import Caches
from graph.loading.calls import Line
from graph.loading.loaders import Sources
from graph.operating.consents import consent_routes
from graph.operating.http import metrics_route, routes
from graph.operating.knobs import Knobs
from graph.operating.metrics import QUESTION, Counts, Metrics
from graph.operating.operations import Requests
from graph.operating.operator import Operator
from graph.operating.siblings import Worker, state_folder
from graph.operating.systems import Systems
from graph.operating.token import admin_token
from graph.operating.watch import Watch, tracing
from graph.overload import Overload
from graph.pages import load_examples, pages
from graph.settings import Settings
from graph.shared.caches import SharedCaches
from graph.telemetry import event
from graph.upstream.admission import Admission
from graph.upstream.connection import Upstream
from graph.upstream.platform import Platforms
from graph.upstream.quota import Quota
from graph.wiring import Wiring, wire_up

READY_FOR_SECONDS = 2.0
# What a page of another origin may send, where there is one that may ask.
ASKING = (
    "Authorization", "Content-Type", "X-API-Key", "X-Purpose", "X-Road-UserId", "X-Road-Issue", "X-Road-Represented-Party", "X-Priority",
    "X-Request-Id", "X-Request-Timeout",
)  # fmt: skip
ALONE = Worker()


class Health(msgspec.Struct, frozen=True):
    """Whether a system can be reached; `problem` says in words why not."""

    reachable: bool
    protocol: str
    milliseconds: float
    problem: str | None = None


def load_schema(settings: Settings) -> FastSchema:
    """Import the schema that the settings name as `module:attribute`; SettingsWrong where there is none."""
    module, _, attribute = settings.gateway.schema.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), attribute or "schema", None)
    except ModuleNotFoundError as error:
        raise settings.wrong("gateway.schema", f'expected "module:attribute"; there is no module {error.name}') from error
    finally:
        sys.path.pop(0)
    if not isinstance(found, FastSchema):
        raise settings.wrong("gateway.schema", f"expected {settings.gateway.schema} to be a FastSchema")
    gateway = settings.gateway
    limits = Limits(
        bytes=settings.access.max_query_bytes,
        root_fields=settings.access.max_root_fields,
        tokens=gateway.max_query_tokens,
        depth=gateway.max_query_depth,
        aliases=gateway.max_query_aliases,
        directives=gateway.max_query_directives,
        documents=gateway.documents_kept,
        plans=gateway.plans_kept,
    )
    found.configure(engine=settings.engine, limits=limits)
    return found


def open_upstreams(wiring: Wiring, settings: Settings, network: httpx.AsyncBaseTransport | None = None) -> dict[str, Upstream]:
    """Prepare the line to each system; nothing is sent yet. `network` takes the place of the real one in tests."""
    platforms = Platforms()
    return {
        name: Upstream(system, settings.systems[name], options=wiring.options[name], platforms=platforms, transport=network)
        for name, system in wiring.systems.items()
    }  # fmt: skip


def open_admissions(settings: Settings, folder: Path, worker: Worker = ALONE) -> dict[str, Admission]:
    """Make the admission of each system, which counts its quota in a file in `folder`; SettingsWrong names what cannot be so."""
    made = {}
    for name, system in settings.systems.items():
        limits = system.quota
        try:
            quota = Quota(folder / f"{name}.quota", limits.per_minute, limits.per_day, limits.kept_for_interactive, time.time)
            made[name] = Admission(name, system, quota, tell=event, workers=worker.of)
        except ValueError as error:
            raise settings.wrong(f"systems.{name}.calendar", str(error)) from None
        except OSError as error:
            raise settings.wrong("gateway.state", f"expected a folder that can be written: {error}") from None
    return made


def create_app(
    settings: Settings, worker: Worker = ALONE, network: httpx.AsyncBaseTransport | None = None, demo: Mapping[str, str] | None = None
) -> "Door":
    """Build the gateway, as one of its workers; SettingsWrong where anything does not fit.

    `network` leads to the systems in tests. `demo` has API keys of this process alone, by the demo consumer that each is made for; the
    first is the one that GraphiQL asks with.
    """
    schema = load_schema(settings)
    wiring = wire_up(schema, settings)
    guard = Guard(settings, schema, wiring, worker, demo or {})
    examples = load_examples(settings.file.parent / settings.gateway.examples)
    upstreams = open_upstreams(wiring, settings, network)
    knobs = Knobs(settings, {name: (batch.max_keys, batch.sharing) for name, batch in wiring.batches.items()})
    caches = Caches(wiring.batches, knobs.all())
    shared = None if settings.shared is None else SharedCaches(settings.shared, os.environ, caches, str(settings.file))
    admitted = open_admissions(settings, state_folder(settings), worker)
    lines = {name: Line(upstream, admitted[name]) for name, upstream in upstreams.items()}
    sources = Sources(lines, caches, shared)
    requests, traces = Requests(), tracing(settings)
    counts = Counts(caches.figures, sources.systems, requests, guard.usage)
    systems = Systems(settings, admitted)
    operator = Operator(settings, worker, knobs, caches, shared, {QUESTION: counts.counted, **systems.handlers})
    systems.siblings = operator.siblings
    gateway = Gateway(schema, sources, guard.texts, guard.checks)
    overload = Overload(settings.gateway, event)
    readiness = Readiness(upstreams)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            if traces is not None:
                stack.push_async_callback(traces.close)
            for name, upstream in upstreams.items():
                stack.callback(admitted[name].quota.close)
                await stack.enter_async_context(upstream)
            if shared is not None:
                await stack.enter_async_context(shared)
            await stack.enter_async_context(guard)
            await stack.enter_async_context(operator)
            stack.callback(sources.close)
            overload.watch()
            stack.callback(overload.close)
            yield

    async def alive(_request: Request) -> Response:
        return _json({"status": "alive"})

    async def ready(_request: Request) -> Response:
        found = await readiness.systems()
        any_reachable = any(system.reachable for system in found.values())
        status = "ready" if all(system.reachable for system in found.values()) else "degraded" if any_reachable else "unready"
        return _json({"status": status, "systems": found}, 200 if any_reachable else 503)

    token = admin_token(settings, make=True)
    shown = {"X-API-Key": next(iter(demo.values()))} if demo else {}
    served = [*pages(examples, headers=shown), Route("/healthz", alive), Route("/readyz", ready)]
    served += [*consent_routes(guard.desk, token), *routes(operator, token, systems)]  # the latter hears all else under /admin/
    if settings.telemetry.metrics != "off":
        served.append(metrics_route(Metrics(operator.siblings), token, settings.telemetry.metrics))
    app = Door(routes=served, lifespan=lifespan)
    endpoint = GraphQLEndpoint(
        gateway, guard.entrance, settings.gateway, overload, Watch(requests, traces, access_log=settings.telemetry.access_log)
    )  # fmt: skip
    app.endpoint = _open_to(settings.access.cors_origins, endpoint)
    app.state.gateway, app.state.guard = gateway, guard
    return app


class Door(Starlette):
    """Starlette for everything but `/graphql`, which goes straight to its endpoint.

    The way through routes and middleware would cost about as much as the engine takes for a cached query.
    """

    endpoint: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] == "/graphql":
            await self.endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _open_to(origins: Sequence[str], endpoint: ASGIApp) -> ASGIApp:
    """Let pages of these origins ask from a browser; without any the endpoint says nothing of origins, and so no page of another's may."""
    if not origins:
        return endpoint
    return CORSMiddleware(endpoint, allow_origins=origins, allow_methods=("GET", "POST"), allow_headers=ASKING, max_age=600)


class Readiness:
    """Knows which systems can be reached, asking them at most every two seconds however often it is asked itself."""

    def __init__(self, upstreams: dict[str, Upstream]) -> None:
        """Watch these lines."""
        self.upstreams = upstreams
        self._known: dict[str, Health] = {}
        self._asked_at = 0.0
        self._lock = asyncio.Lock()

    async def systems(self) -> dict[str, Health]:
        """Return the state of each system by its name; one that is down is said to be so and fails nothing."""
        async with self._lock:
            if not self._known or time.monotonic() - self._asked_at > READY_FOR_SECONDS:
                found = await asyncio.gather(*(probe(upstream) for upstream in self.upstreams.values()))
                self._known = dict(zip(self.upstreams, found, strict=True))
                self._asked_at = time.monotonic()
            return self._known


async def probe(upstream: Upstream) -> Health:
    """Ask one system whether it is there."""
    began = time.perf_counter()
    problem = None
    try:
        await upstream.reachable()
    except Theirs as trouble:
        problem = trouble.message
    elapsed = round((time.perf_counter() - began) * 1_000, 1)
    return Health(reachable=problem is None, protocol=upstream.system.protocol, milliseconds=elapsed, problem=problem)


def _json(value: object, status: int = 200) -> Response:
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(msgspec.json.encode(value), status, headers, "application/json")


__all__ = ["SettingsWrong", "create_app", "load_schema", "open_upstreams", "probe"]
