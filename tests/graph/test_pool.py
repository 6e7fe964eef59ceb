"""The pool: real bytes over loopback, kept connections, and every limit and every broken answer."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
import trustme

from graph.upstream import exchange
from graph.upstream.exchange import Answer, ExchangeFailed, RequestRefused
from graph.upstream.pool import Bounds, Origin, Pool

BOUNDS = Bounds(connect=1.0, read=1.0, pool=1.0, total=5.0, connections=4, answer_bytes=100_000)
GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Agency:
    """A server that does as it is told with each connection, and counts."""

    def __init__(self, serve: Serve) -> None:
        self.serve = serve
        self.connections = 0
        self.heads: list[bytes] = []
        self.port = 0
        self.tasks: list[asyncio.Task[None] | None] = []

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.tasks.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await self.serve(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    async def head(self, reader: asyncio.StreamReader) -> bytes:
        """Read the head of a request."""
        read = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(read)
        return read


@contextlib.asynccontextmanager
async def agency(serve: Callable[[Agency], Serve], bounds: Bounds = BOUNDS, tls: ssl.SSLContext | None = None,
                 trust: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Agency, Pool]]:  # fmt: skip
    made = Agency(lambda _reader, _writer: asyncio.sleep(0))
    made.serve = serve(made)
    server = await asyncio.start_server(made.take, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    pool = Pool(Origin("127.0.0.1", made.port, trust), bounds)
    try:
        yield made, pool
    finally:
        await pool.close()
        server.close()
        await asyncio.wait_for(asyncio.gather(*(task for task in made.tasks if task is not None)), 5)


def always(*answers: bytes) -> Callable[[Agency], Serve]:
    """Answer each request of a connection with the next of these, and then close it."""

    def made(of: Agency) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for answer in answers:
                await of.head(reader)
                writer.write(answer)
                await writer.drain()

        return serve

    return made


async def get(pool: Pool, target: bytes = b"/") -> Answer:
    return await pool.exchange(b"GET", target, [(b"authorization", b"Bearer t")], b"")


async def test_a_request_is_written_as_it_should_be_and_its_answer_read() -> None:
    async with agency(always(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: "x"\r\nVary: a\r\nvary: b\r\n\r\nok')) as (made, pool):
        answer = await pool.exchange(b"POST", b"/rows?a=1", [(b"content-type", b"application/json")], b"{}")

        assert (answer.status, answer.body) == (200, b"ok")
        assert answer.headers == {b"content-length": b"2", b"etag": b'"x"', b"vary": b"a, b"}
        lines = made.heads[0].split(b"\r\n")
        assert lines[0] == b"POST /rows?a=1 HTTP/1.1"
        assert {b"host: 127.0.0.1:%d" % made.port, b"accept-encoding: identity", b"content-length: 2"} <= set(lines)


async def test_a_connection_is_kept_and_used_again() -> None:
    async with agency(always(*[GOOD] * 50)) as (made, pool):
        for _ in range(50):
            assert (await get(pool)).body == b"ok"
        assert made.connections == 1


async def test_requests_at_once_use_no_more_connections_than_allowed() -> None:
    async with agency(always(*[GOOD] * 50)) as (made, pool):
        answers = await asyncio.gather(*(get(pool) for _ in range(40)))
        assert [answer.body for answer in answers] == [b"ok"] * 40
        assert made.connections <= 4


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced() -> None:
    async with agency(always(GOOD)) as (made, pool):
        assert (await get(pool)).body == b"ok"
        assert (await get(pool)).body == b"ok"
        assert made.connections == 2


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD, b"ok"),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", b"ok"),
        (b'HTTP/1.1 304 Not Modified\r\netag: "x"\r\n\r\n', b""),
    ],
    ids=["chunked", "until close", "provisional", "HTTP/1.0", "not modified"],
)
async def test_every_way_to_end_an_answer_is_understood(answer: bytes, body: bytes) -> None:
    async with agency(always(answer)) as (_made, pool):
        assert (await get(pool)).body == body


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", exchange.BrokenOff),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", exchange.BrokenOff),
        (b"", exchange.BrokenOff),
        (b"SSH-2.0-OpenSSH\r\n\r\n", exchange.NotHttp),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", exchange.NotHttp),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n", exchange.TooLarge),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000, exchange.TooLarge),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000, exchange.NotHttp),
        (GOOD + GOOD, exchange.NotHttp),
    ],
    ids=["cut", "cut chunks", "nothing", "not HTTP", "two lengths", "announced too large", "too large", "endless head", "two answers"],
)
async def test_every_broken_answer_is_an_error_and_its_connection_is_not_used_again(answer: bytes, failure: type[ExchangeFailed]) -> None:
    async with agency(always(answer)) as (made, pool):
        with pytest.raises(failure):
            await get(pool)
        with pytest.raises(failure):
            await get(pool)
        assert made.connections == 2


def hanging(after: bytes = b"", every: float = 3_600.0) -> Callable[[Agency], Serve]:
    """Send the beginning of an answer, and then a byte from time to time, or nothing."""

    def made(of: Agency) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await of.head(reader)
            writer.write(after)
            ended = asyncio.ensure_future(reader.read())
            while not (await asyncio.wait({ended}, timeout=every))[0]:
                writer.write(b"x")

        return serve

    return made


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx"])
async def test_a_system_that_goes_silent_is_left_after_the_read_limit(begun: bytes) -> None:
    async with agency(hanging(begun), replace(BOUNDS, read=0.1)) as (_made, pool):
        began = asyncio.get_running_loop().time()
        with pytest.raises(exchange.ReadTimedOut):
            await get(pool)
        assert asyncio.get_running_loop().time() - began < 1.0


async def test_a_system_that_drips_is_left_after_the_total_limit() -> None:
    drip = hanging(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", 0.02)
    async with agency(drip, replace(BOUNDS, read=0.5, total=0.3)) as (_made, pool):
        with pytest.raises(exchange.ReadTimedOut):
            await get(pool)


async def test_who_waits_too_long_for_a_connection_is_told_so() -> None:
    async with agency(hanging(), replace(BOUNDS, connections=1, pool=0.05, read=0.5)) as (_made, pool):
        first, second = await asyncio.gather(get(pool), get(pool), return_exceptions=True)
        assert isinstance(first, exchange.ReadTimedOut)
        assert isinstance(second, exchange.PoolTimedOut)


async def test_who_stops_waiting_frees_the_connection_for_others_and_its_answer_reaches_nobody() -> None:
    go_on = asyncio.Event()

    def slow(of: Agency) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await of.head(reader)
            if b"/slow" in head:
                await go_on.wait()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong")
            else:
                writer.write(GOOD)
            await reader.read(1)

        return serve

    async with agency(slow, replace(BOUNDS, connections=1)) as (made, pool):
        leaving = asyncio.create_task(get(pool, b"/slow"))
        while not made.heads:  # noqa: ASYNC110 - the server is another task
            await asyncio.sleep(0.001)
        waiting = asyncio.create_task(get(pool, b"/quick"))
        await asyncio.sleep(0)
        leaving.cancel()
        go_on.set()
        assert (await waiting).body == b"ok"
        with pytest.raises(asyncio.CancelledError):
            await leaving


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        (b"/a b", []),
        (b"/\r\nx: y", []),
        (b"/", [(b"a", b"b\r\nc: d")]),
        (b"/", [(b"a", b"b\0")]),
        (b"/", [(b"a:b", b"c")]),
        (b"/", [(b"Host", b"elsewhere")]),
        (b"/", [(b"Content-Length", b"3")]),
    ],
)
async def test_a_request_that_would_be_read_as_another_is_not_sent(target: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    async with agency(always(GOOD)) as (made, pool):
        with pytest.raises(RequestRefused):
            await pool.exchange(b"GET", target, headers, b"")
        assert made.connections == 0


async def test_a_connection_that_does_not_stand_makes_room_for_who_waits() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            # The queue is full now, so that nobody is let in and nobody refused.
            pool = Pool(Origin("127.0.0.1", port), replace(BOUNDS, connections=1, connect=0.1, pool=0.5))
            first, second = await asyncio.gather(get(pool), get(pool), return_exceptions=True)
            await pool.close()

    assert isinstance(first, exchange.ConnectTimedOut)
    assert isinstance(second, exchange.ConnectTimedOut)


async def test_a_request_that_ends_every_connection_is_sent_twice_and_no_more() -> None:
    def touchy(of: Agency) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while b"/bad" not in await of.head(reader):
                writer.write(GOOD)
                await writer.drain()

        return serve

    async with agency(touchy) as (made, pool):
        await asyncio.gather(*(get(pool) for _ in range(4)))
        assert made.connections == 4
        with pytest.raises(exchange.BrokenOff):
            await get(pool, b"/bad")

    assert sum(b"/bad" in head for head in made.heads) == 2


async def test_closing_tells_those_who_wait() -> None:
    async with agency(hanging()) as (made, pool):
        asking = asyncio.create_task(get(pool))
        while not made.heads:  # noqa: ASYNC110 - the server is another task
            await asyncio.sleep(0.001)
        await pool.close()
        with pytest.raises(exchange.LineClosed):
            await asking
        with pytest.raises(exchange.LineClosed):
            await get(pool)


async def test_where_nobody_listens_nobody_is_reached() -> None:
    async with agency(always(GOOD)) as (made, _pool):
        port = made.port
    with pytest.raises(exchange.ConnectFailed):
        await get(Pool(Origin("127.0.0.1", port), BOUNDS))


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_certificate_counts_only_where_somebody_trusted_vouches_for_it(*, trusted: bool) -> None:
    authority, server = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    trust = ssl.create_default_context()
    if trusted:
        authority.configure_trust(trust)
    async with agency(always(GOOD), tls=server, trust=trust) as (made, pool):
        if trusted:
            assert (await get(pool)).body == b"ok"
        else:
            with pytest.raises(exchange.ConnectFailed):
                await get(pool)
            assert made.heads == []
