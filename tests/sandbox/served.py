"""Puts the sandbox behind a real server on a free port of this machine."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import httpx
import uvicorn
from starlette.types import ASGIApp

from sandbox.app import SYSTEMS, agencies
from sandbox.tls import Fronts


class Served(NamedTuple):
    """A sandbox that speaks TLS too, a client of its plain port, and where its TLS ports and certificates are."""

    client: httpx.AsyncClient
    ports: dict[str, int]
    folder: Path


def free_port() -> int:
    """Find a port that nobody listens at."""
    with bound() as probe:
        return int(probe.getsockname()[1])


def bound() -> socket.socket:
    """Take a free port."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that nobody announces, two seconds at most."""
    async with asyncio.timeout(2):
        while not condition():  # noqa: ASYNC110 - the server sets no event
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def served(app: ASGIApp, listener: socket.socket) -> AsyncIterator[httpx.AsyncClient]:
    """Serve an application at a socket that is bound, and make a client of it."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", http="httptools", lifespan="on"))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
        yield client
    server.should_exit = True
    await running


@contextlib.asynccontextmanager
async def served_over_tls(folder: Path, *, require_client_certificate: bool = False) -> AsyncIterator[Served]:
    """Serve the agencies, with a TLS front for each."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(bound())
        listeners = {system: stack.enter_context(bound()) for system in SYSTEMS}
        fronts = Fronts(folder, listeners, listener.getsockname(), require_client_certificate=require_client_certificate)
        async with served(agencies(tls=fronts), listener) as client:
            report = (await client.get("/_sandbox/tls")).json()
            yield Served(client, report["ports"], folder)
