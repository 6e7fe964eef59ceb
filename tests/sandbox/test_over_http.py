"""What only a real server shows: bodies that break off, calls that hang, and an end that does not wait for them."""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from sandbox import personas
from sandbox.app import agencies
from tests.sandbox.served import bound, free_port, until
from tests.sandbox.served import served as serving
from tests.sandbox.wire import get_businesses

PROGRAM = """
import sys, uvicorn
from sandbox.app import agencies
uvicorn.run(agencies(), host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="critical")
"""


@pytest.fixture
async def served() -> AsyncIterator[httpx.AsyncClient]:
    """Put the sandbox behind a real server."""
    with bound() as listener:
        async with serving(agencies(), listener) as client:
            yield client


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


async def read_by_hand(client: httpx.AsyncClient) -> bytes:
    """Ask for a business without a library in between, and return what comes before the connection is reset."""
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    path = f"/business/v1/enterprises?code={personas.AN_PHAT}"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sandbox-business\r\n\r\n".encode())
    came = b""
    with contextlib.closing(writer):
        try:
            while piece := await reader.read(65_536):
                came += piece
        except ConnectionResetError:
            return came
    raise AssertionError("the connection ended without being reset")


async def test_a_connection_is_reset_before_any_byte(served: httpx.AsyncClient) -> None:
    await served.put("/_sandbox/faults/business", json={"kind": "reset", "times": 1})

    assert await read_by_hand(served) == b""
    assert (await get_businesses(served, [personas.AN_PHAT])).status_code == 200


async def test_a_connection_is_reset_after_some_bytes_of_the_body(served: httpx.AsyncClient) -> None:
    honest = await get_businesses(served, [personas.AN_PHAT])
    await served.put("/_sandbox/faults/business", json={"kind": "reset", "after": 20})
    head, _, body = (await read_by_hand(served)).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"content-length: {len(honest.content)}".encode() in head
    assert body == honest.content[:20]


async def test_a_flapping_agency_can_reset_connections_while_it_is_down() -> None:
    each_look_a_second_later = itertools.count()
    with bound() as listener:
        async with serving(agencies(clock=lambda: next(each_look_a_second_later)), listener) as client:
            await client.put("/_sandbox/faults/business", json={"kind": "flapping", "up_seconds": 0.5, "down_seconds": 3600, "by": "reset"})

            assert await read_by_hand(client) == b""


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
