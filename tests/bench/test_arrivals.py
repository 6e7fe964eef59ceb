"""Questions that come by chance do not wait for one another, and what is not answered is counted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bench.arrivals import arrive
from bench.exchange import Job, request

GOOD = b'HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"data":{}}'
BAD = b'HTTP/1.1 200 OK\r\ncontent-length: 25\r\n\r\n{"data":{},"errors":[{}]}'

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    connections: list[asyncio.Task[None]] = []

    async def until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer)
        writer.close()
        await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.create_task(until_closed(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*connections)


def job(port: int, questions: int) -> Job:
    return Job(port, ["{}"] * questions, 0, 60, per_second=1_000)


async def test_questions_come_though_none_before_them_is_answered() -> None:
    together = asyncio.Barrier(5)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        await together.wait()
        writer.write(GOOD)
        await writer.drain()
        await reader.read()

    async with listening(serve) as port:
        outcome = await arrive(job(port, 5), iter([request(port, b"{}")] * 5))

    assert (len(outcome.latencies_ms), outcome.failures) == (5, 0)


async def test_bad_answers_and_broken_connections_are_failures() -> None:
    answers = iter([BAD, b"", GOOD])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1_000):
            if not (answer := next(answers)):
                return
            writer.write(answer)

    async with listening(serve) as port:
        outcome = await arrive(job(port, 3), iter([request(port, b"{}")] * 3))

    assert (len(outcome.latencies_ms), outcome.failures) == (2, 2)
    assert "errors" in outcome.failure or "closed" in outcome.failure
