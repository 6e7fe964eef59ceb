"""Arrivals: questions that come by chance, so many a second, whether those before them are answered or not.

Time is counted from the moment at which a question was due, so that a load that is held up hides nothing.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator
from typing import cast

from bench.exchange import GRACE_SECONDS, UNANSWERED, Answer, Fate, Job, Outcome

SEED = 2026


class Visitor(asyncio.Protocol):
    """One connection, which asks one question at a time and then stands by for another."""

    def __init__(self, arrivals: "Arrivals") -> None:
        self._arrivals = arrivals
        self._answer: Answer | None = None
        self._due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, question: bytes, due: float) -> None:
        """Ask, and count from when the question was due."""
        self._answer, self._due = Answer(), due
        self._transport.write(question)

    def data_received(self, data: bytes) -> None:
        """Wait for the whole answer and stand by."""
        if self._answer is not None and self._answer.is_whole(data):
            milliseconds = (time.perf_counter() - self._due) * 1_000
            self._answer.note(self._arrivals.outcome, milliseconds, keep=False)
            if self._arrivals.fates:
                self._arrivals.outcome.fates.append(Fate(self._due, milliseconds, self._answer.became()))
            self._answer = None
            self._arrivals.answered(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a question that will not be answered any more, and stand by no longer."""
        del exc
        if self._answer is None:
            self._arrivals.left(self)
        else:
            self._give_up("the connection was closed")
            self._arrivals.answered(None)

    def close(self) -> None:
        """Hang up, answered or not."""
        if self._answer is not None:
            self._give_up("there was no answer in time")
        self._transport.close()

    def _give_up(self, why: str) -> None:
        self._arrivals.outcome.fail(why)
        if self._arrivals.fates:
            milliseconds = (time.perf_counter() - self._due) * 1_000
            self._arrivals.outcome.fates.append(Fate(self._due, milliseconds, UNANSWERED))
        self._answer = None


class Arrivals:
    """The questions under way and the connections that stand by; a connection is opened whenever none does."""

    def __init__(self, port: int, *, fates: bool = False) -> None:
        self.outcome = Outcome()
        self.fates = fates
        self.under_way = 0
        self.none_left = asyncio.Event()
        self.none_left.set()
        self._port = port
        self._idle: list[Visitor] = []
        self._all: list[Visitor] = []

    async def ask(self, question: bytes, due: float) -> None:
        """Ask over any free connection."""
        self.under_way += 1
        self.none_left.clear()
        if not self._idle:
            _, visitor = await asyncio.get_running_loop().create_connection(lambda: Visitor(self), "127.0.0.1", self._port)
            self._all.append(visitor)
            self._idle.append(visitor)
        self._idle.pop().ask(question, due)

    def answered(self, visitor: Visitor | None) -> None:
        """Take a connection back, or None where it is lost."""
        self.under_way -= 1
        if visitor is not None:
            self._idle.append(visitor)
        if not self.under_way:
            self.none_left.set()

    def left(self, visitor: Visitor) -> None:
        """Forget a connection that the other side has closed while it stood by."""
        if visitor in self._idle:
            self._idle.remove(visitor)

    async def end(self, seconds: float) -> None:
        """Wait so long for what is under way; the rest counts as failed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.none_left.wait()
        for visitor in self._all:
            visitor.close()


async def arrive(job: Job, questions: Iterator[bytes]) -> Outcome:
    """Ask at moments drawn by chance, always the same ones for the same job, and once at least."""
    arrivals, draws = Arrivals(job.port, fates=job.fates), random.Random(SEED)
    began = due = time.perf_counter()
    for question in questions:
        await asyncio.sleep(due - time.perf_counter())
        await arrivals.ask(question, due)
        due += draws.expovariate(job.per_second)
        if due >= began + job.seconds:
            break
    await arrivals.end(job.seconds + GRACE_SECONDS)
    return arrivals.outcome
