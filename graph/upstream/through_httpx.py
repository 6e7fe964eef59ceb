"""A line through httpx, for a system that needs what our own pool does not do, and for tests, whose agencies are functions."""

import asyncio
import math
import ssl

import httpx

from graph.upstream.exchange import (
    Answer,
    BrokenOff,
    ConnectFailed,
    ConnectTimedOut,
    Headers,
    PoolTimedOut,
    ReadTimedOut,
    TooLarge,
)
from graph.upstream.pool import Bounds

CONSTANT = {"accept-encoding": "identity", "user-agent": "motcua"}


class ThroughHttpx:
    """The same bounds as a pool's, over any transport of httpx; redirects are not followed, and the environment is ignored."""

    def __init__(
        self, base: str, bounds: Bounds, transport: httpx.AsyncBaseTransport | None = None, trust: ssl.SSLContext | None = None
    ) -> None:
        """Carry requests to `base`, which is a scheme and a host; without a transport over httpx's own, which trusts whom `trust` does."""
        self.bounds = bounds
        self._base = base
        self._slots = asyncio.Semaphore(bounds.connections)
        self.client = httpx.AsyncClient(
            transport=transport,
            verify=True if trust is None else trust,
            timeout=httpx.Timeout(bounds.read, connect=bounds.connect, pool=bounds.pool),
            headers=CONSTANT,
            follow_redirects=False,
            trust_env=False,
        )

    async def exchange(self, method: bytes, target: bytes, headers: Headers, body: bytes, ends_at: float = math.inf) -> Answer:
        """Send a request and return the whole answer; ExchangeFailed where there is none within every limit."""
        request = self.client.build_request(method.decode(), self._base + target.decode("ascii"), headers=headers, content=body or None)
        try:
            async with asyncio.timeout_at(min(ends_at, asyncio.get_running_loop().time() + self.bounds.total)):
                return await self._within_slot(request)
        except TimeoutError:
            raise ReadTimedOut from None
        except httpx.ConnectTimeout:
            raise ConnectTimedOut from None
        except httpx.ConnectError:
            raise ConnectFailed from None
        except httpx.TimeoutException:
            raise ReadTimedOut from None
        except httpx.HTTPError:
            raise BrokenOff(heard=True) from None

    async def close(self) -> None:
        """Close all connections."""
        await self.client.aclose()

    async def _within_slot(self, request: httpx.Request) -> Answer:
        try:
            async with asyncio.timeout(self.bounds.pool):
                await self._slots.acquire()
        except TimeoutError:
            raise PoolTimedOut from None
        try:
            response = await self.client.send(request, stream=True)
            try:
                names = {name.lower(): value for name, value in response.headers.raw}
                return Answer(response.status_code, names, await self._read(response))
            finally:
                await response.aclose()
        finally:
            self._slots.release()

    async def _read(self, response: httpx.Response) -> bytes:
        """Collect the body and stop as soon as it is larger than allowed."""
        collected = bytearray()
        async for chunk in response.aiter_bytes():
            collected += chunk
            if len(collected) > self.bounds.answer_bytes:
                raise TooLarge
        return bytes(collected)
