"""What the tests of the sandbox stand on: one world, and the application without a network in between."""

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.app import agencies
from sandbox.world import World


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, as the sandbox runs."""
    return "asyncio"


@pytest.fixture(scope="session")
def world() -> World:
    """Make the world of the default seed."""
    return World(2026)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Ask a fresh sandbox directly."""
    transport = httpx.ASGITransport(app=agencies())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client
