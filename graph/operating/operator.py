"""What operators can do with the caches of a running gateway: look, try out, change and purge, in all its workers at once."""

import asyncio
import functools
import secrets
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec

from graph.errors import BadInput
from graph.loading.figures import CacheFigures, Purge, Purged
from graph.loading.whatif import Curves, Prediction, predict, recommended_ttl
from graph.operating.answers import (
    CacheState,
    CacheStates,
    Knob,
    PurgeOrder,
    PurgeReport,
    Tuned,
    TuneOrder,
    Turn,
    WhatIf,
)
from graph.operating.knobs import NAMES, Knobs
from graph.operating.siblings import Handler, Siblings, Worker
from graph.settings import BatchSettings, Settings

ANSWER_SECONDS = 3.0
LONGEST_PERSON, LONGEST_WORD = 64, 1_000


class NoSuchBatch(BadInput):
    """A batch function that the gateway does not have."""


class Caches(Protocol):
    """The caches of one process."""

    def figures(self) -> list[CacheFigures]:
        """Return the figures of each batch function."""

    def retune(self, name: str, settings: BatchSettings) -> None:
        """Change the knobs of a batch function, with effect on entries that are there."""

    def curves(self, name: str) -> Curves:
        """Return what the simulations of a batch function have found so far."""

    async def forget(self, purge: Purge) -> Purged:
        """Forget what a purge is about, and refuse what is on its way."""


class SharedTier(Protocol):
    """The tier of the caches that several machines share, and the processes that use it."""

    async def forget(self, purge: Purge) -> int | None:
        """Forget it there and in all processes that use the tier; return how many entries went, None where not all may have heard."""


class Operator:
    """An operator's hands, in one worker: whatever is done here is done in all. To be entered before the gateway answers."""

    def __init__(
        self, settings: Settings, worker: Worker, knobs: Knobs, caches: Caches, shared: SharedTier | None = None,
        more: Mapping[str, Handler] | None = None,
    ) -> None:  # fmt: skip
        """Take this worker's caches, which must stand as `knobs` says; SettingsWrong where workers have no place to meet.

        `more` is what else workers may ask one another, each with what answers it.
        """
        self.knobs = knobs
        self._caches = caches
        self._shared = shared
        self._applied = knobs.all()
        handlers = {"figures": self._figures, "reload": self._reload, "curves": self._curves, "forget": self._forget, **(more or {})}
        self.siblings = Siblings(settings, worker, handlers)

    async def __aenter__(self) -> Self:
        """Begin to hear the other workers, and take over what they changed while this one was starting."""
        await self.siblings.__aenter__()
        await self._reload(None)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Hear them no longer."""
        await self.siblings.__aexit__(kind, error, trace)

    async def caches(self) -> CacheStates:
        """Return all caches, by name."""
        replies, silent = await self.siblings.ask_all("figures", None, ANSWER_SECONDS, dict[str, CacheFigures])
        total: dict[str, CacheFigures] = {}
        for figures in replies.values():
            for name, found in figures.items():
                total[name] = total[name].add(found) if name in total else found
        return CacheStates([self._state(total[name]) for name in sorted(total)], len(replies), silent)

    async def cache(self, name: str) -> CacheState:
        """Return one cache; NoSuchBatch where there is none of that name."""
        self._known(name)
        return next(state for state in (await self.caches()).caches if state.figures.name == name)

    async def tune(self, name: str, order: TuneOrder) -> Tuned:
        """Change knobs in all workers, with effect on entries that are there and over a restart, and say what that is expected to do.

        A dry run changes nothing. KnobWrong names a knob that cannot be so, and then nothing is changed either.
        """
        self._known(name)
        before, after = self.knobs.of(name), self.knobs.proposed(name, order.changes)
        prediction = await self._predicted(name, before, after) if order.predicted else None
        if order.dry_run:
            return Tuned(name, _turns(before, after), applied=False, silent=[], prediction=prediction)
        self.knobs.set(name, order.changes)
        return await self._changed(name, before, prediction)

    async def reset(self, name: str, *knobs: str) -> Tuned:
        """Go back to the settings file, for these knobs or for all; KnobWrong where that cannot be."""
        self._known(name)
        before = self.knobs.of(name)
        self.knobs.unset(name, *knobs)
        return await self._changed(name, before)

    async def purge(self, order: PurgeOrder) -> PurgeReport:
        """Forget in all workers and in the shared tier; BadInput where it is not said what. Nothing is lost by doing it again."""
        by = self._checked(order)
        purge = Purge(id=secrets.token_hex(8), at=time.time(), **msgspec.structs.asdict(order))
        (replies, silent), shared = await asyncio.gather(
            self.siblings.ask_all("forget", purge, ANSWER_SECONDS, Purged), self._forgotten_beyond(purge)
        )  # fmt: skip
        entries: dict[str, int] = {}
        for purged in replies.values():
            for name, count in purged.entries.items():
                entries[name] = entries.get(name, 0) + count
        return PurgeReport(
            by=by,
            entries=dict(sorted(entries.items())),
            workers_asked=len(replies) + len(silent),
            workers_confirmed=len(replies),
            silent=silent,
            shared="absent" if self._shared is None else "unconfirmed" if shared is None else "deleted",
            shared_entries=shared or 0,
            confirmed=not silent and (self._shared is None or shared is not None),
        )

    async def whatif(self, name: str) -> WhatIf:
        """Return the curves of one batch function; NoSuchBatch where there is none of that name."""
        self._known(name)
        curves, knobs = await self._all_curves(name), self.knobs.of(name)
        return WhatIf(name, knobs, curves, recommended_ttl(curves, knobs.stale_share, knobs.longest_ttl_seconds))

    async def _changed(self, name: str, before: BatchSettings, prediction: Prediction | None = None) -> Tuned:
        """Let every worker read what was written."""
        _, silent = await self.siblings.ask_all("reload", None, ANSWER_SECONDS)
        return Tuned(name, _turns(before, self.knobs.of(name)), applied=True, silent=silent, prediction=prediction)

    async def _predicted(self, name: str, before: BatchSettings, after: BatchSettings) -> Prediction:
        curves, state = await asyncio.gather(self._all_curves(name), self.cache(name))
        figures = state.figures
        return predict(curves, before, after, keys_a_call=figures.call_keys / figures.calls if figures.calls else 1.0)

    async def _all_curves(self, name: str) -> Curves:
        replies, _ = await self.siblings.ask_all("curves", name, ANSWER_SECONDS, Curves)
        return functools.reduce(Curves.add, replies.values()) if replies else self._caches.curves(name)

    async def _forgotten_beyond(self, purge: Purge) -> int | None:
        return None if self._shared is None else await self._shared.forget(purge)

    def _state(self, figures: CacheFigures) -> CacheState:
        settings, origins = self.knobs.of(figures.name), self.knobs.origins(figures.name)
        return CacheState(figures, {knob: Knob(getattr(settings, knob), origins[knob]) for knob in NAMES})

    def _known(self, name: str) -> None:
        if name not in self.knobs.declared:
            raise NoSuchBatch(f"no such batch function; expected one of {', '.join(sorted(self.knobs.declared))}")

    def _checked(self, order: PurgeOrder) -> str:
        """Return by what is forgotten; BadInput, without the value, where that is not clear."""
        given = {by: value for by, value in msgspec.structs.asdict(order).items() if value is not None}
        by = "key" if given.keys() == {"batch", "key"} else next(iter(given)) if len(given) == 1 else ""
        if by not in {"person", "batch", "key", "system", "tag"} or given.keys() == {"key"}:
            raise BadInput("expected exactly one of person, batch (with or without key), system, tag")
        longest = LONGEST_PERSON if by == "person" else LONGEST_WORD
        if not all(value.isprintable() and 0 < len(value) <= longest for value in given.values()):
            raise BadInput(f"{by}: expected 1 to {longest} printable characters")
        if order.batch is not None:
            self._known(order.batch)
        if order.system is not None and order.system not in (systems := {found.system for found in self._caches.figures()}):
            raise BadInput(f"system: no such system; expected one of {', '.join(sorted(systems))}")
        return by

    async def _figures(self, _body: Any) -> dict[str, CacheFigures]:
        return {figures.name: figures for figures in self._caches.figures()}

    async def _curves(self, body: Any) -> Curves:
        return self._caches.curves(body)

    async def _forget(self, body: Any) -> Purged:
        return await self._caches.forget(msgspec.convert(body, Purge))

    async def _reload(self, _body: Any) -> None:
        """Bring the caches to what the knobs now say."""
        self.knobs.reload()
        for name, settings in self.knobs.all().items():
            if settings != self._applied[name]:
                self._caches.retune(name, settings)
                self._applied[name] = settings


def _turns(before: BatchSettings, after: BatchSettings) -> dict[str, Turn]:
    return {knob: Turn(old, new) for knob in NAMES if (old := getattr(before, knob)) != (new := getattr(after, knob))}
