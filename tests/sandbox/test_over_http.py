"""What only a real server shows: bodies that break off, calls that hang, and an end that does not wait for them."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
import uvicorn

from sandbox import personas
from sandbox.app import agencies
from tests.sandbox.wire import get_businesses

PROGRAM = """
import sys, uvicorn
from sandbox.app import agencies
uvicorn.run(agencies(), host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="critical")
"""


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that nobody announces, two seconds at most."""
    async with asyncio.timeout(2):
        while not condition():  # noqa: ASYNC110 - the server sets no event
            await asyncio.sleep(0.01)


@pytest.fixture
async def served() -> AsyncIterator[httpx.AsyncClient]:
    """Put the sandbox behind a real server."""
    port = free_port()
    config = uvicorn.Config(agencies(), host="127.0.0.1", port=port, log_level="critical", http="httptools")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield client
    server.should_exit = True
    await running


@contextlib.contextmanager
def process(port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the sandbox in a process of its own, as users do."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(port)], env=dict(os.environ)) as running:
        try:
            until = time.monotonic() + 20
            while time.monotonic() < until:
                with contextlib.suppress(httpx.HTTPError):
                    httpx.get(f"http://127.0.0.1:{port}/_sandbox/health")
                    break
                time.sleep(0.05)
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_cut_body_is_less_than_was_promised(served: httpx.AsyncClient, chunked: bool) -> None:  # noqa: FBT001 - a case of the test
    await served.put("/_sandbox/faults/business", json={"kind": "cut_body", "chunked": chunked})

    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without sending complete"):
        await get_businesses(served, [personas.AN_PHAT])


async def test_a_huge_body_comes_whole(served: httpx.AsyncClient) -> None:
    await served.put("/_sandbox/faults/business", json={"kind": "huge_body", "bytes": 5_000_000})

    assert len((await get_businesses(served, [personas.AN_PHAT])).content) == 5_000_000


async def test_a_call_hangs_until_the_client_leaves(served: httpx.AsyncClient) -> None:
    await served.put("/_sandbox/faults/business", json={"kind": "hang", "times": 1})
    before = asyncio.all_tasks()

    with pytest.raises(httpx.ReadTimeout):
        await served.get("/business/v1/enterprises", headers={"Authorization": "Bearer sandbox-business"}, timeout=0.2)
    await until(lambda: not asyncio.all_tasks() - before)

    assert (await get_businesses(served, [personas.AN_PHAT])).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_hanging_call_does_not_keep_the_sandbox_alive(number: signal.Signals) -> None:
    port = free_port()
    with process(port) as running, socket.create_connection(("127.0.0.1", port)) as hanging:
        httpx.put(f"http://127.0.0.1:{port}/_sandbox/faults/business", json={"kind": "hang"})
        hanging.sendall(b"GET /business/v1/enterprises HTTP/1.1\r\nHost: a\r\n\r\n")
        until = time.monotonic() + 10
        while not httpx.get(f"http://127.0.0.1:{port}/_sandbox/calls").json()["business"]["calls"]:
            assert time.monotonic() < until, "the call never arrived"
        running.send_signal(number)

        running.wait(3)

    assert running.returncode in {0, -number}
