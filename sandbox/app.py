"""The sandbox as one web application: six agencies, each under its path, and the controls that tests use."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import FrameType
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

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
from sandbox.faults import Faults
from sandbox.latency import Latency, Sleep
from sandbox.window import Window
from sandbox.world import World

SYSTEMS: Final = ("population", "business", "insurance", "civil_status", "tax", "code_lists")


def default_token(system: str) -> str:
    """Return the token a system accepts unless told otherwise; for tax it is the password."""
    return f"sandbox-{system}"


def agencies(
    *, seed: int = 2026, latency: str = "none", tokens: Mapping[str, str] | None = None, sleep: Sleep = asyncio.sleep
) -> Starlette:
    """Build the application; the same seed always gives the same people, businesses and waiting times."""
    known = {system: default_token(system) for system in SYSTEMS} | dict(tokens or {})
    if unknown := sorted(known.keys() - set(SYSTEMS)):
        message = f"there is no system {', '.join(unknown)}"
        raise ValueError(message)
    closing = asyncio.Event()
    world, changes = World(seed), Changes()
    lists = CodeLists(world, changes, known["code_lists"])
    state = State(SYSTEMS, world, lists, Counters(SYSTEMS), Faults(), Pace(Latency(latency, seed, sleep), sleep), changes)
    routes = controls(state)
    for agency in (*_registers(world, changes, known), lists):
        window = Window(agency, state.counters, state.pace, state.faults, closing, sleep)
        routes.append(Route(f"{agency.path}/health", _up))
        routes += [Route(one.path, _endpoint(window, one.operation), methods=[one.method]) for one in agency.counters]
    return Starlette(routes=routes, lifespan=lambda _: _until_closing(closing))


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
