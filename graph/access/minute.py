"""The cost that consumers may draw in a minute, counted in a Redis that machines share; where it is not there, each counts alone."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio.connection import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from graph.errors import SettingsWrong
from graph.telemetry import event

PREFIX: Final = "motcua-allowances"
ANSWER_SECONDS: Final = 0.1
LEFT_ALONE_SECONDS: Final = 1.0


class Unreachable(Exception):
    """The shared counter does not answer; who asked counts by itself."""


class SharedMinute:
    """The minutes of all consumers, by the clock of Redis. Two counters a consumer: what is kept of a minute does not grow with its cost.

    `limits`' moving window would keep one entry for each unit of cost; its sliding window weighs the minute before by what is left of it.
    """

    def __init__(
        self, url: str, *, seconds: float = ANSWER_SECONDS, clock: Callable[[], float] = time.monotonic, tell: Callable[..., None] = event
    ) -> None:
        """Prepare; nothing is sent yet. An answer is waited for so many seconds. SettingsWrong where the address cannot be one."""
        self._seconds = seconds
        try:
            self._pool = ConnectionPool.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds, retry=Retry(NoBackoff(), 0))
            given: dict[str, Any] = {"connection_pool": self._pool}
            self._storage = RedisStorage(f"async+{url}", implementation="redispy", key_prefix=PREFIX, **given)
        except ValueError as error:
            raise SettingsWrong("access.limits_url: expected an address such as redis://host:6379/0") from error
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        self._clock = clock
        self._tell = tell
        self._alone_until = 0.0
        self._lost = False

    async def __aenter__(self) -> Self:
        """Begin; who is not there yet is asked when something is drawn."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the connections."""
        await self._pool.aclose()

    @property
    def answers(self) -> bool:
        """Tell whether it is worth asking now."""
        return not self._lost or self._clock() >= self._alone_until

    async def draw(self, consumer: str, cost: int, most: int) -> float:
        """Draw a cost, or return in how many seconds to come again; Unreachable where nobody answers in time."""
        allowed = RateLimitItemPerMinute(most)
        try:
            async with asyncio.timeout(self._seconds):
                drawn = await self._limiter.hit(allowed, consumer, cost=cost)
                waits = 0.0 if drawn else (await self._limiter.get_window_stats(allowed, consumer)).reset_time - time.time()
        except Exception as error:  # whatever it is: what consumers may use is never a reason not to answer them
            self._missing()
            raise Unreachable from error
        if self._lost:
            self._lost = False
            self._tell("allowances_shared", before="alone", after="shared")
        return 0.0 if drawn else max(waits, 1.0)

    def _missing(self) -> None:
        self._alone_until = self._clock() + LEFT_ALONE_SECONDS
        if not self._lost:
            self._lost = True
            self._tell("allowances_alone", before="shared", after="alone", reason="the shared counter does not answer")
