"""One connection to an agency: a request goes out, and the answer is read strictly and within its limits."""

import asyncio
from collections.abc import Callable
from typing import cast

from httptools import HttpParserError, HttpResponseParser

from graph.upstream.exchange import Answer, BrokenOff, ExchangeFailed, NotHttp, TooLarge

MAX_HEAD_BYTES = 65_536
FIRST_FINAL, SWITCHING = 200, 101
BODILESS = frozenset({204, 304})


class Connection(asyncio.Protocol):
    """A connection that carries one request at a time.

    `usable` tells whether it may carry another. `heard_at` and `ends_at` are on the loop's clock: when a byte last came (or the request was
    sent, or the answer was complete), and when the exchange must be over. Names beginning with `on_` are what the parser calls.
    """

    __slots__ = (
        "_chunks", "_clock", "_complete", "_dry", "_gone", "_headers", "_keeps", "_loop", "_max", "_opened", "_parser", "_size",
        "_status", "_transport", "_trouble", "_until_close", "_waiter", "ends_at", "heard_at", "served", "usable",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        max_answer_bytes: int,
        opened: Callable[["Connection"], None],
        gone: Callable[["Connection"], None],
    ) -> None:
        self._loop = loop
        self._clock = loop.time
        self._max = max_answer_bytes
        self._opened = opened
        self._gone = gone
        self._parser = HttpResponseParser(self)
        self._waiter: asyncio.Future[Answer] | None = None
        self.usable = False
        self.served = 0
        self.heard_at = self.ends_at = 0.0

    @property
    def busy(self) -> bool:
        """Whether somebody waits for an answer on it."""
        return self._waiter is not None

    def ask(self, request: bytes, ends_at: float) -> "asyncio.Future[Answer]":
        """Send a request; the future gets its answer, or ExchangeFailed."""
        self._waiter = waiter = self._loop.create_future()
        self._headers: dict[bytes, bytes] = {}
        self._chunks: list[bytes] = []
        self._size = self._dry = self._status = 0
        self._complete = self._until_close = self._keeps = False
        self._trouble: ExchangeFailed | None = None
        self.ends_at = ends_at
        self.heard_at = self._clock()
        if self.usable:
            self.usable = False
            self._transport.write(request)
        else:
            self.fail(BrokenOff(heard=False))
        return waiter

    def fail(self, why: ExchangeFailed) -> None:
        """End the connection at once; who waits for an answer on it is told why there is none."""
        waiter, self._waiter = self._waiter, None
        self.usable = False
        self._transport.abort()
        if waiter is not None and not waiter.done():
            waiter.set_exception(why)

    def abort(self) -> None:
        """End the connection at once; nobody waits for it any more."""
        self._waiter = None
        self.usable = False
        self._transport.abort()

    # ── what the event loop calls ────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready for the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self.usable = True
        self._opened(self)

    def data_received(self, data: bytes) -> None:
        """Read on; bytes that nobody asked for end the connection."""
        if self._waiter is None:
            self.abort()
            return
        self.heard_at = self._clock()
        self._dry += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError:
            self.fail(self._trouble or NotHttp())
            return
        if self._complete:
            self._deliver()
        elif self._dry > MAX_HEAD_BYTES:
            self.fail(NotHttp())

    def eof_received(self) -> None:
        """Take no more requests; the loop closes the connection next."""
        self.usable = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits: the end of the connection may be the end of the answer, where nothing else marks it."""
        self._keeps = self.usable = False
        if self._waiter is not None:
            if exc is None and self._until_close:
                self._deliver()
            else:
                self.fail(BrokenOff(heard=bool(self._dry or self._status)))
        self._gone(self)

    def _deliver(self) -> None:
        waiter, self._waiter = self._waiter, None
        chunks = self._chunks
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self.served += 1
        # An answer that came before all of the request was sent leaves the rest of it on the way.
        self.usable = self._keeps and not self._transport.is_closing() and not self._transport.get_write_buffer_size()
        if waiter is not None and not waiter.done():
            waiter.set_result(Answer(self._status, self._headers, body))

    # ── what the parser calls ────────────────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        """Refuse a second answer to one request."""
        if self._complete:
            raise self._refused(NotHttp())

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what follows the body is no header."""
        if self._status:
            return
        name = name.lower()
        headers = self._headers
        headers[name] = headers[name] + b", " + value if name in headers else value

    def on_headers_complete(self) -> None:
        """Find out where the answer ends, and whether it is too large before any of it is read."""
        status = self._parser.get_status_code()
        if status < FIRST_FINAL:
            if status < 100 or status == SWITCHING:  # noqa: PLR2004 - the first status that there is
                raise self._refused(NotHttp())
            return
        self._status = status
        self._keeps = self._parser.should_keep_alive()
        coding, length = self._headers.get(b"transfer-encoding"), self._headers.get(b"content-length")
        if coding is not None and coding.lower() != b"chunked":
            raise self._refused(NotHttp())
        if status in BODILESS:
            return
        self._until_close = coding is None and length is None
        if length is not None and int(length) > self._max:
            raise self._refused(TooLarge())

    def on_body(self, data: bytes) -> None:
        """Collect a piece of the body, as long as it is not larger than allowed."""
        self._size += len(data)
        if self._size > self._max:
            raise self._refused(TooLarge())
        self._dry = 0
        self._chunks.append(data)

    def on_message_complete(self) -> None:
        """Note the end; a provisional answer (1xx) is not one."""
        if self._status:
            self._complete = True
        else:
            self._headers = {}

    def _refused(self, why: ExchangeFailed) -> ExchangeFailed:
        """Keep why the answer is not read on: the parser reports only that a callback raised something."""
        self._trouble = why
        return why
