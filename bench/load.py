"""Load: a process of its own that asks the gateway over a few connections, each asking again as soon as it is answered.

Reads a Job a line from standard input and writes an Outcome a line to standard output. It parses no more of an answer than it must, so
that it takes as little as possible of the processors that it shares with what it measures.
"""

import asyncio
import itertools
import signal
import sys
import time
from collections.abc import Iterator
from typing import cast

import msgspec
import uvloop

GRACE_SECONDS = 20.0


class Job(msgspec.Struct, frozen=True):
    """What to ask: each body once, or over and over, until there are none left or the time is up (then no new one is begun)."""

    port: int
    bodies: list[str]
    concurrency: int
    seconds: float
    repeat: bool = False


class Outcome(msgspec.Struct):
    """What came back; `failure` is the first one, shortened; `seconds` run from the first request to the last answer."""

    latencies_ms: list[float] = []
    failures: int = 0
    failure: str = ""
    answer_bytes: int = 0
    seconds: float = 0.0


class Client(asyncio.Protocol):
    """One connection; asks at least once."""

    def __init__(self, requests: Iterator[bytes], until: float, outcome: Outcome) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._until = until
        self._outcome = outcome
        self._received = bytearray()
        self._length = 0
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask the first time."""
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Wait for the whole answer, note it, and ask again."""
        self._received += data
        if not self._length:
            self._length = _length(self._received)
        if self._length and len(self._received) >= self._length:
            self._outcome.latencies_ms.append((time.perf_counter() - self._asked_at) * 1_000)
            self._outcome.answer_bytes += self._length
            if not _good(self._received):
                self._fail(self._received.decode("utf-8", "replace"))
            self._received.clear()
            self._length = 0
            if time.perf_counter() < self._until:
                self._ask()
            else:
                self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a question that will not be answered any more."""
        del exc
        if not self.done.done():
            self._fail("the gateway closed the connection")
            self.done.set_result(None)

    def _fail(self, why: str) -> None:
        self._outcome.failures += 1
        self._outcome.failure = self._outcome.failure or f"{why[:200]} … {why[-400:]}"

    def _ask(self) -> None:
        if (request := next(self._requests, None)) is None:
            self._stop()
        else:
            self._asked_at = time.perf_counter()
            self._transport.write(request)

    def _stop(self) -> None:
        self.done.set_result(None)
        self._transport.close()


async def run(job: Job) -> Outcome:
    """Do a job; what is not answered some time after the job's end counts as failed."""
    loop, outcome = asyncio.get_running_loop(), Outcome()
    made = [_request(job.port, body.encode()) for body in job.bodies]
    requests = itertools.cycle(made) if job.repeat else iter(made)
    began = time.perf_counter()
    opened = (
        loop.create_connection(lambda: Client(requests, began + job.seconds, outcome), "127.0.0.1", job.port)
        for _ in range(job.concurrency)
    )
    clients = [client for _, client in await asyncio.gather(*opened)]
    _, unanswered = await asyncio.wait([client.done for client in clients], timeout=job.seconds + GRACE_SECONDS)
    outcome.failures += len(unanswered)
    outcome.seconds = time.perf_counter() - began
    return outcome


def _request(port: int, body: bytes) -> bytes:
    lines = (
        "POST /graphql HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Content-Type: application/json",
        "Accept: application/graphql-response+json",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _length(received: bytearray) -> int:
    """Return how long the whole answer will be; 0 while its head is not complete."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return 0
    _, _, rest = bytes(received[:end]).lower().partition(b"content-length:")
    return end + 4 + int(rest.partition(b"\r\n")[0])


def _good(received: bytearray) -> bool:
    return received.startswith(b"HTTP/1.1 200 ") and b'\r\n\r\n{"data":{' in received and b'"errors":' not in received


def main() -> None:
    """Work until standard input ends; who started this process also ends it, so an interrupt is left to them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        outcome = uvloop.run(run(msgspec.json.decode(line, type=Job)))
        sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
