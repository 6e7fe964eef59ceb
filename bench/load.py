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

from bench.arrivals import arrive
from bench.exchange import GRACE_SECONDS, Answer, Job, Outcome, request


class Client(asyncio.Protocol):
    """One connection; asks at least once."""

    def __init__(self, requests: Iterator[bytes], until: float, outcome: Outcome, *, keep: bool) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._until = until
        self._outcome = outcome
        self._keep = keep
        self._answer = Answer()
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask the first time."""
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Wait for the whole answer, note it, and ask again."""
        if self._answer.is_whole(data):
            now = time.perf_counter()
            self._answer.note(self._outcome, (now - self._asked_at) * 1_000, keep=self._keep)
            if now < self._until:
                self._ask()
            else:
                self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a question that will not be answered any more."""
        del exc
        if not self.done.done():
            self._outcome.fail("the connection was closed")
            self.done.set_result(None)

    def _ask(self) -> None:
        if (question := next(self._requests, None)) is None:
            self._stop()
        else:
            self._answer = Answer()
            self._asked_at = time.perf_counter()
            self._transport.write(question)

    def _stop(self) -> None:
        self.done.set_result(None)
        self._transport.close()


async def run(job: Job) -> Outcome:
    """Do a job; what is not answered some time after the job's end counts as failed."""
    made = [request(job.port, body.encode(), job.headers) for body in job.bodies]
    requests = itertools.cycle(made) if job.repeat else iter(made)
    began = time.perf_counter()
    outcome = await (arrive(job, requests) if job.per_second else _take_turns(job, requests, began))
    outcome.seconds = time.perf_counter() - began
    return outcome


async def _take_turns(job: Job, requests: Iterator[bytes], began: float) -> Outcome:
    loop, outcome = asyncio.get_running_loop(), Outcome()
    opened = (
        loop.create_connection(lambda: Client(requests, began + job.seconds, outcome, keep=job.answers), "127.0.0.1", job.port)
        for _ in range(job.concurrency)
    )
    clients = [client for _, client in await asyncio.gather(*opened)]
    _, unanswered = await asyncio.wait([client.done for client in clients], timeout=job.seconds + GRACE_SECONDS)
    for _ in unanswered:
        outcome.fail("there was no answer in time")
    return outcome


def main() -> None:
    """Work until standard input ends; who started this process also ends it, so an interrupt is left to them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Where Python was told not to buffer, its own standard output may take only a part of what is longer than a pipe holds.
    with open(sys.stdout.fileno(), "wb", closefd=False) as told:
        for line in sys.stdin.buffer:
            outcome = uvloop.run(run(msgspec.json.decode(line, type=Job)))
            told.write(msgspec.json.encode(outcome) + b"\n")
            told.flush()


if __name__ == "__main__":
    main()
