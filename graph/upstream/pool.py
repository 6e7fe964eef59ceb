"""The pool of connections to one agency: requests wait for a free one, take turns on it, and end within their limits."""

import asyncio
import math
import ssl
from collections import deque
from dataclasses import dataclass

from graph.upstream.exchange import (
    Answer,
    BrokenOff,
    ConnectFailed,
    ConnectTimedOut,
    Headers,
    LineClosed,
    PoolTimedOut,
    ReadTimedOut,
    RequestHead,
)
from graph.upstream.http1 import Connection

KEEP_SECONDS = 15.0
LOOK_SECONDS, SWEEP_SECONDS = 0.05, 1.0


@dataclass(frozen=True)
class Origin:
    """Where an agency is reached; `trust` holds whom its certificate must come from, None for a line without TLS."""

    host: str
    port: int
    trust: ssl.SSLContext | None = None

    @property
    def authority(self) -> str:
        """The host as it stands in a request, with the port where that is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (80 if self.trust is None else 443) else f"{host}:{self.port}"


@dataclass(frozen=True)
class Bounds:
    """Seconds to connect, between bytes, for a free connection, and over all; connections at once; bytes of an answer."""

    connect: float
    read: float
    pool: float
    total: float
    connections: int
    answer_bytes: int


class Pool:
    """The connections to one origin, opened when needed, kept for some seconds, and never more at once than allowed.

    One timer looks at all of them, so that a request costs none of its own: a limit may be passed by a twentieth of a second.
    """

    def __init__(self, origin: Origin, bounds: Bounds) -> None:
        """Open nothing yet."""
        self.origin = origin
        self.bounds = bounds
        self._head = RequestHead(origin.authority)
        self._idle: deque[Connection] = deque()
        self._busy: set[Connection] = set()
        self._opening = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._watching = False
        self._closed = False

    async def exchange(self, method: bytes, target: bytes, headers: Headers, body: bytes, ends_at: float = math.inf) -> Answer:
        """Send a request and return the whole answer; ExchangeFailed where there is none, RequestRefused where it cannot be sent.

        A kept connection that turns out to be closed before a byte of the answer came is replaced once: all requests are reads.
        """
        request = self._head.written(method, target, headers, body)
        loop = asyncio.get_running_loop()
        ends_at = min(ends_at, loop.time() + self.bounds.total)
        connection = await self._connection(loop, ends_at)
        if connection.served:
            try:
                return await self._asked(connection, request, ends_at)
            except BrokenOff as broken:
                if broken.heard:
                    raise
            # What closed one of them may have closed all, and a request that makes an agency close them must not get through them all.
            self._drop_idle()
            connection = await self._connection(loop, ends_at)
        return await self._asked(connection, request, ends_at)

    async def close(self) -> None:
        """End all connections; who waits for an answer is told so."""
        self._closed = True
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(LineClosed())
        for connection in [*self._busy, *self._idle]:
            connection.fail(LineClosed())
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.sleep(0)  # the loop closes the sockets in its next turn

    async def _asked(self, connection: Connection, request: bytes, ends_at: float) -> Answer:
        self._busy.add(connection)
        answer = connection.ask(request, ends_at)
        if not self._watching:
            self._watch(LOOK_SECONDS)
        try:
            return await answer
        except asyncio.CancelledError:
            connection.abort()  # what is still to come on it belongs to nobody
            raise
        finally:
            self._busy.discard(connection)
            if connection.usable:
                self._idle.append(connection)
            self._next()

    async def _connection(self, loop: asyncio.AbstractEventLoop, ends_at: float) -> Connection:
        """Take a kept connection, the youngest first, or open one; wait where there are as many as allowed."""
        if self._closed:
            raise LineClosed
        until = min(ends_at, loop.time() + self.bounds.pool)
        while True:
            while self._idle:
                connection = self._idle.pop()
                if connection.usable:
                    return connection
            if len(self._busy) + self._opening < self.bounds.connections:
                return await self._opened(loop, ends_at)
            await self._free(loop, until)

    async def _free(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        """Wait until a connection may be had; PoolTimedOut where that takes too long. Who leaves passes on what it was told."""
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout_at(until):
                await waiter
        except (TimeoutError, asyncio.CancelledError) as left:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            elif waiter.done() and not waiter.cancelled():
                self._next()
            if isinstance(left, TimeoutError):
                raise PoolTimedOut from None
            raise

    def _next(self) -> None:
        """Tell the one who waits for longest that a connection may be had."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def _opened(self, loop: asyncio.AbstractEventLoop, ends_at: float) -> Connection:
        connection: Connection | None = None
        self._opening += 1
        try:
            async with asyncio.timeout_at(min(ends_at, loop.time() + self.bounds.connect)):
                _, connection = await loop.create_connection(
                    lambda: Connection(loop, self.bounds.answer_bytes, _nothing, self._gone),
                    self.origin.host,
                    self.origin.port,
                    ssl=self.origin.trust,
                )
        except TimeoutError:
            raise ConnectTimedOut from None
        except (OSError, ssl.SSLError):
            raise ConnectFailed from None
        finally:
            self._opening -= 1
            if connection is None:
                self._next()
        if self._closed:
            connection.abort()
            raise LineClosed
        return connection

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().abort()

    def _gone(self, connection: Connection) -> None:
        """Forget a connection that ended."""
        if connection in self._idle:
            self._idle.remove(connection)

    def _look(self) -> None:
        """End what is past its limits, and close what nobody has used for a while."""
        now = asyncio.get_running_loop().time()
        for connection in [one for one in self._busy if one.busy]:
            if now >= connection.ends_at or now - connection.heard_at >= self.bounds.read:
                connection.fail(ReadTimedOut())
        while self._idle and now - self._idle[0].heard_at >= KEEP_SECONDS:
            self._idle.popleft().abort()
        self._watching = False
        if not self._closed and (self._busy or self._idle):
            self._watch(LOOK_SECONDS if self._busy else SWEEP_SECONDS)

    def _watch(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._watching = seconds == LOOK_SECONDS
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)


def _nothing(_connection: Connection) -> None:
    """Do nothing when a connection stands: who opened it goes on by itself."""
