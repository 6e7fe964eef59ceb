"""The line to Redis or Valkey: commands there, replies back, each within its time, and none at all while the other side is in trouble."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Protocol, TypeAlias, cast

from redis.asyncio.connection import ConnectionPool
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimedOut

from graph.errors import SettingsWrong
from graph.settings import SharedSettings

CONNECTIONS: Final = 16
FAILURES: Final = 5
SHORTEST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 30.0
# How often the event loop turns between the arrival of bytes and the return of a reply that was made of them, with some to spare.
TURNS: Final = 5

Command: TypeAlias = tuple[bytes | str | int | float, ...]


class _Line(Protocol):
    """What is used of a connection of redis-py."""

    def pack_commands(self, commands: Sequence[Command]) -> list[bytes]: ...

    async def send_packed_command(self, command: list[bytes], *, check_health: bool) -> None: ...

    async def read_response(self, *, disable_decoding: bool) -> Any: ...

    async def disconnect(self, *, nowait: bool) -> None: ...


class Breaker:
    """Tells when not to try: after five failures in a row not for about half a second, doubling to half a minute; then one try decides."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, draw: Callable[[], float] = random.random) -> None:
        self.open = False
        self._clock = clock
        self._draw = draw
        self._failures = 0
        self._wait = SHORTEST_WAIT
        self._until = 0.0
        self._probing = False

    def allows(self) -> bool:
        """Tell whether to try; who is told so says afterwards what came of it."""
        if not self.open:
            return True
        if self._probing or self._clock() < self._until:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """Take note of a success: everybody may try again."""
        self.open = self._probing = False
        self._failures, self._wait = 0, SHORTEST_WAIT

    def failed(self) -> None:
        """Take note of a failure; those of tries that began before the breaker opened count no more."""
        if not self.open:
            self._failures += 1
            if self._failures >= FAILURES:
                self._refuse()
        elif self._probing:
            self._wait = min(2 * self._wait, LONGEST_WAIT)
            self._refuse()

    def given_up(self) -> None:
        """Take note that nobody waited for what came of a try."""
        self._probing = False

    def _refuse(self) -> None:
        # Half of the wait is drawn, so that many processes do not come back at once.
        self.open, self._probing = True, False
        self._until = self._clock() + self._wait * (0.5 + 0.5 * self._draw())


class Within:
    """A time limit for what is done under it; raises TimeoutError.

    When it is over the event loop turns a few times more before the limit strikes: what arrived while the process was busy came in time.
    """

    __slots__ = ("_limit", "_loop", "_seconds", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._limit = asyncio.timeout(None)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle | None = None

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()
        self._timer = self._loop.call_later(self._seconds, self._over, TURNS)

    def _over(self, turns: int) -> None:
        if turns:
            self._timer = self._loop.call_soon(self._over, turns - 1)
        else:
            self._limit.reschedule(self._loop.time())

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._limit.__aexit__(kind, error, trace)


class Store:
    """A pool of connections to one Redis or Valkey; it connects when it is first asked, and again after each loss."""

    def __init__(self, settings: SharedSettings, breaker: Breaker | None = None) -> None:
        """Connect to nothing yet; SettingsWrong where the address is none."""
        self.settings = settings
        self.breaker = breaker if breaker is not None else Breaker()
        self.errors = 0
        self.timeouts = 0
        self._slots = asyncio.Semaphore(CONNECTIONS)
        try:
            # Our own limits hold, so the library gets none; it neither tries again nor tells the server who it is.
            self._pool = ConnectionPool.from_url(
                settings.url, protocol=2, client_name="motcua", driver_info=None, socket_timeout=None, socket_connect_timeout=None
            )
        except ValueError:
            raise SettingsWrong(
                "shared.url: expected an address such as redis://host:6379/0, rediss://host:6379/0 or unix:///path"
            ) from None

    async def ask(self, commands: Sequence[Command], seconds: float | None = None) -> list[Any] | None:
        """Send commands and return their replies; None where that failed or was not tried, which is counted and never raised."""
        async with self._slots:
            if not self.breaker.allows():
                return None
            try:
                replies = await self.exchange(commands, seconds)
            except asyncio.CancelledError:
                self.breaker.given_up()
                raise
            except (TimeoutError, RedisTimedOut):
                self.timeouts += 1
            except Exception:  # noqa: BLE001 - whatever the library or the other side does wrong: this tier is never worth a failed query
                self.errors += 1
            else:
                self.breaker.succeeded()
                return replies
            self.breaker.failed()
            return None

    async def exchange(self, commands: Sequence[Command], seconds: float | None = None, connect_seconds: float | None = None) -> list[Any]:
        """Send commands in one go and return their replies; a refused command's is a ResponseError. Trouble on the line is raised.

        Each reply may take `seconds` after the one before it.
        """
        seconds = self.settings.operation_seconds if seconds is None else seconds
        async with Within(self.settings.connect_seconds if connect_seconds is None else connect_seconds):
            line: _Line = await self._pool.get_connection()  # type: ignore[no-untyped-call]  # the library leaves it so
        try:
            async with Within(seconds):
                await line.send_packed_command(line.pack_commands(commands), check_health=False)
            return [await _reply(line, seconds) for _ in commands]
        except BaseException:
            # What is still to come on this connection would be taken for the reply to another command.
            await line.disconnect(nowait=True)
            raise
        finally:
            await self._pool.release(cast("Any", line))

    async def close(self) -> None:
        """Close all connections."""
        with contextlib.suppress(Exception):
            await self._pool.aclose()


async def _reply(line: _Line, seconds: float) -> Any:
    async with Within(seconds):
        try:
            return await line.read_response(disable_decoding=True)
        except ResponseError as refused:
            return refused
