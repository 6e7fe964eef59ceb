"""What operators see of the connected systems, and how they take one out of service and back, in all workers at once.

A system that was taken out stays out over a restart: `<state>/drained/<system>` is there as long as it is.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from graph.errors import BadInput
from graph.operating.siblings import Handler, Siblings, state_folder
from graph.settings import Settings
from graph.upstream.admission import Admission
from graph.upstream.figures import SystemFigures

ANSWER_SECONDS = 3.0


class NoSuchSystem(BadInput):
    """A system that the gateway is not connected to."""


class SystemStates(msgspec.Struct, frozen=True):
    """All systems, in figures of all workers together; `silent` workers, by process id, are not counted."""

    systems: list[SystemFigures]
    workers: int
    silent: list[int]


class Service(msgspec.Struct, frozen=True):
    """Whether a system is in service, and which workers, by process id, have not said that they know."""

    name: str
    drained: bool
    silent: list[int]


class Systems:
    """The systems of one worker; `siblings` are all workers, of whom each answers what `handlers` says."""

    def __init__(self, settings: Settings, admissions: Mapping[str, Admission]) -> None:
        """Take the admissions, and take out of service what was out before."""
        self.siblings: Siblings | None = None
        self._settings = settings
        self._admissions = admissions
        self._folder = state_folder(settings) / "drained"
        for name, admission in admissions.items():
            if self._mark(name).exists():
                admission.drain()

    @property
    def handlers(self) -> dict[str, Handler]:
        """What this worker answers the others."""
        return {"systems": self._figures, "drain": self._drain, "resume": self._resume}

    async def states(self) -> SystemStates:
        """Return the figures of all systems, by name."""
        replies, silent = await self._all().ask_all("systems", None, ANSWER_SECONDS, dict[str, SystemFigures])
        total: dict[str, SystemFigures] = {}
        for figures in replies.values():
            for name, found in figures.items():
                if name in total:
                    total[name].add(found)
                else:
                    total[name] = found
        return SystemStates([total[name] for name in sorted(total)], len(replies), silent)

    async def drain(self, name: str) -> Service:
        """Take a system out of service: no call is begun any more, those under way come to their end."""
        mark = self._mark(self._known(name))
        try:
            mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            mark.touch(mode=0o600)
        except OSError as error:
            raise self._settings.wrong("gateway.state", f"expected a folder that can be written: {error}") from None
        _, silent = await self._all().ask_all("drain", name, ANSWER_SECONDS)
        return Service(name, drained=True, silent=silent)

    async def resume(self, name: str) -> Service:
        """Put a system into service, as if nothing had been wrong: breakers closed, no pause."""
        self._mark(self._known(name)).unlink(missing_ok=True)
        _, silent = await self._all().ask_all("resume", name, ANSWER_SECONDS)
        return Service(name, drained=False, silent=silent)

    def _all(self) -> Siblings:
        if self.siblings is None:
            raise RuntimeError("the workers have not met yet")
        return self.siblings

    def _known(self, name: str) -> str:
        if name not in self._admissions:
            raise NoSuchSystem(f"no such system; expected one of {', '.join(sorted(self._admissions))}")
        return name

    def _mark(self, name: str) -> Path:
        return self._folder / name

    async def _figures(self, _body: Any) -> dict[str, SystemFigures]:
        return {name: admission.report() for name, admission in self._admissions.items()}

    async def _drain(self, body: Any) -> None:
        self._admissions[self._known(body)].drain()

    async def _resume(self, body: Any) -> None:
        self._admissions[self._known(body)].resume()
