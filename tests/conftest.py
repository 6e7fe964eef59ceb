"""What many tests stand on: one sandbox and one gateway, both real processes on free ports of this machine."""

import signal
from collections.abc import Iterator

import pytest

from tests.servers import Gateway, Sandbox, gateway_running, sandbox_running


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the chaos last longer, or be another one (tests/chaos)."""
    parser.addoption("--chaos-seconds", type=float, default=None, help="how long the chaos lasts (MOTCUA_CHAOS_SECONDS, or 60)")
    parser.addoption("--chaos-seed", type=int, default=2026, help="which chaos it is (2026)")


def pytest_configure() -> None:
    """Let what tests start hear an interrupt, also where a shell began these tests in the background and so without one."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, as the gateway does."""
    return "asyncio"


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Run the simulated agencies, without delay."""
    with sandbox_running() as running:
        yield running


@pytest.fixture(scope="session")
def gateway(sandbox: Sandbox) -> Iterator[Gateway]:
    """Run the gateway with the project's own settings."""
    with gateway_running(sandbox) as running:
        yield running


@pytest.fixture(scope="session")
def gateway_url(gateway: Gateway) -> str:
    """Name the gateway's address."""
    return gateway.url


@pytest.fixture(scope="session")
def impatient(sandbox: Sandbox) -> Iterator[Gateway]:
    """Run a gateway that keeps nothing in its caches and waits for no system longer than half a second."""
    with gateway_running(sandbox, keep_nothing=True, read_seconds=0.4, total_seconds=0.5) as running:
        yield running
