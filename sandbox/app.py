"""The sandbox as one web application: six agencies, each under its path, and the controls that tests use."""

import asyncio
import signal
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import FrameType
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.agencies.business import Registry
from sandbox.agencies.civil_status import CivilStatus
from sandbox.agencies.code_lists import CodeLists
from sandbox.agencies.insurance import Insurance
from sandbox.agencies.population import Population
from sandbox.agencies.tax import Tax
from sandbox.agency import Agency
from sandbox.capacity import Pace
from sandbox.changes import Changes
from sandbox.controls import Endpoint, State, controls
from sandbox.counters import Counters
from sandbox.latency import Latency, Sleep
from sandbox.platforms import platforms
from sandbox.standing import Clock, Faults
from sandbox.tls import Fronts
from sandbox.window import Window
from sandbox.world import World

SYSTEMS: Final = ("population", "business", "insurance", "civil_status", "tax", "code_lists")


def default_token(system: str) -> str:
    """Return the token a system accepts unless told otherwise; for tax it is the password."""
    return f"sandbox-{system}"


def agencies(
    *,
    seed: int = 2026,
    latency: str = "none",
    tokens: Mapping[str, str] | None = None,
    sleep: Sleep = asyncio.sleep,
    clock: Clock = time.monotonic,
    tls: Fronts | None = None,
) -> Starlette:
    """Build the application; the same seed always gives the same people, businesses, waiting times and draws of faults."""
    known = {system: default_token(system) for system in SYSTEMS} | dict(tokens or {})
    if unknown := sorted(known.keys() - set(SYSTEMS)):
        message = f"there is no system {', '.join(unknown)}"
        raise ValueError(message)
    closing = asyncio.Event()
    world, changes = World(seed), Changes()
    lists = CodeLists(world, changes, known["code_lists"])
    faults = Faults(seed, clock)
    pace = Pace(Latency(latency, seed, sleep), sleep, faults.share_of_capacity)
    state = State(SYSTEMS, world, lists, Counters(SYSTEMS), faults, pace, changes, tls)
    routes: list[BaseRoute] = []
    for agency in (*_registers(world, changes, known), lists):
        window = Window(agency, state.counters, state.pace, state.faults, closing, sleep)
        routes.append(Route(f"{agency.path}/health", _up))
        routes += [Route(one.path, _endpoint(window, one.operation), methods=[one.method]) for one in agency.counters]
    routes += [*platforms(routes, known, clock), *controls(state)]
    return Starlette(routes=routes, lifespan=lambda _: _living(closing, faults, tls))


def _registers(world: World, changes: Changes, tokens: Mapping[str, str]) -> tuple[Agency, ...]:
    return (
        Population(world, changes, tokens["population"]),
        Registry(world, tokens["business"]),
        Insurance(world, tokens["insurance"]),
        CivilStatus(world, tokens["civil_status"]),
        Tax(world, tokens["tax"]),
    )


def _endpoint(window: Window, operation: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await window.answer(request, operation)

    return endpoint


async def _up(_: Request) -> Response:
    return JSONResponse({"status": "UP"})


@asynccontextmanager
async def _living(closing: asyncio.Event, faults: Faults, tls: Fronts | None) -> AsyncIterator[None]:
    async with _until_closing(closing):
        if tls is None:
            yield
        else:
            async with tls.serving(faults.expires):
                yield


@asynccontextmanager
async def _until_closing(closing: asyncio.Event) -> AsyncIterator[None]:
    """Let hanging calls go as soon as the process is told to stop.

    A server waits for open calls before it ends the lifespan, so calls that hang would keep it alive for ever; hence the signals.
    """
    loop = asyncio.get_running_loop()
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(closing.set)
        handler = previous[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread:
        for number, handler in previous.items():
            if callable(handler):
                signal.signal(number, stop)
    try:
        yield
    finally:
        closing.set()
        if in_main_thread:
            for number, handler in previous.items():
                signal.signal(number, handler)
