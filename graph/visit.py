"""A client's visit: as long as it has to wait it is watched, so that nothing goes on for one that has left."""

import asyncio
from typing import Any

from starlette.types import Receive


class Visit:
    """One request of a client over HTTP; `receive` is how its messages are heard."""

    __slots__ = ("_left", "_task", "_watch", "receive")

    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self._left = False
        self._task: asyncio.Task[Any] | None = None
        self._watch: asyncio.Task[None] | None = None

    def watch(self) -> None:
        """Begin to watch; what is being done for the client ends when it leaves."""
        self._task = asyncio.current_task()
        self._watch = asyncio.get_running_loop().create_task(self._until_left())

    def is_over(self) -> bool:
        """Tell whether the client has left, and take back that its task was told to end for that."""
        if self._left and self._task is not None:
            self._task.uncancel()
        return self._left

    def end(self) -> None:
        """Watch no more."""
        if self._watch is not None:
            self._watch.cancel()

    async def _until_left(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self._left = True
        if self._task is not None:
            self._task.cancel()
