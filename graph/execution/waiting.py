"""Waiting: what one execution has to wait for, and how it goes on with whatever arrives together."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from graph.errors import OutOfTime
from graph.execution.columns import close, outcome
from graph.loading.loaders import Loaders


class NeedsLoop(Exception):
    """Something has to be waited for, and there is no event loop to wait in."""


class Waiting:
    """The awaitables of one execution, which end with the time of the request, where its loaders know of one."""

    def __init__(self, loaders: Any = None) -> None:
        self.pending = 0
        self._loaders = loaders if isinstance(loaders, Loaders) else None
        self._is_late = False
        self._settled: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._tasks: set[asyncio.Future[Any]] = set()

    async def settle(self) -> None:
        """Wait until nothing is pending; what was started for this execution alone ends with it."""
        try:
            if self.pending and self._error is None:
                self._settled = asyncio.get_running_loop().create_future()
                await self._settled
            if self._error is not None:
                raise self._error
        finally:
            for task in self._tasks:
                task.cancel()

    def wait(self, awaitables: list[Any], then: Callable[[list[int], list[Any]], None]) -> None:
        """Call `then` with the numbers and outcomes of what arrived together; a failure is its own outcome."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            close(awaitables)
            raise NeedsLoop from None
        futures = [self._future(awaitable) for awaitable in awaitables]
        self.pending += len(futures)
        arrived: list[int] = []

        def flush() -> None:
            numbers = arrived.copy()
            arrived.clear()
            try:
                then(numbers, [self._outcome(futures[number]) for number in numbers])
            except BaseException as error:  # noqa: BLE001 - a fault of the engine's own, or the end of the process: the waiting caller gets it
                self._error = error
            self.pending -= len(numbers)
            if (not self.pending or self._error) and self._settled is not None and not self._settled.done():
                self._settled.set_result(None)

        def done(number: int) -> Callable[[Any], None]:
            def note(_future: Any) -> None:
                arrived.append(number)
                if len(arrived) == 1:
                    loop.call_soon(flush)

            return note

        for number, future in enumerate(futures):
            future.add_done_callback(done(number))

    def _future(self, awaitable: Awaitable[Any]) -> "asyncio.Future[Any]":
        """Make a task of a coroutine, which is this execution's own; a future may be shared with others and is only listened to."""
        if isinstance(awaitable, asyncio.Future):
            return awaitable
        task = asyncio.ensure_future(awaitable)
        if not self._tasks and self._loaders is not None:
            self._loaders.at_end(self._end)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _end(self) -> None:
        """End what is this execution's own, because the time of the request is over."""
        self._is_late = True
        for task in self._tasks:
            task.cancel()

    def _outcome(self, future: "asyncio.Future[Any]") -> Any:
        return OutOfTime() if self._is_late and future.cancelled() else outcome(future)


def in_loop() -> bool:
    """Tell whether an event loop is running."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
