"""What operators tell a gateway about its caches, and what it answers, as both sides of the operators' interface read it."""

from typing import Any, Literal

import msgspec

from graph.loading.figures import CacheFigures
from graph.loading.whatif import Curves, Prediction
from graph.operating.knobs import Origin
from graph.settings import BatchSettings

SharedOutcome = Literal["absent", "deleted", "unconfirmed"]


class Knob(msgspec.Struct, frozen=True):
    """A knob's value, and where it comes from."""

    value: Any
    origin: Origin


class CacheState(msgspec.Struct, frozen=True):
    """The cache of one batch function: its figures in all workers together, and its knobs."""

    figures: CacheFigures
    knobs: dict[str, Knob]


class CacheStates(msgspec.Struct, frozen=True):
    """All caches; `silent` workers, by process id, are not counted in the figures."""

    caches: list[CacheState]
    workers: int
    silent: list[int]


class Turn(msgspec.Struct, frozen=True):
    """What one knob was, and what it becomes."""

    before: Any
    after: Any


class Tuned(msgspec.Struct, frozen=True):
    """A change of knobs: what it is expected to do, where that was asked, and whether it was made.

    `silent` workers, by process id, have not said that they made it; they do when they wake or are begun again.
    """

    name: str
    turns: dict[str, Turn]
    applied: bool
    silent: list[int]
    prediction: Prediction | None = None


class TuneOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which knobs are to be changed; a dry run only says what that would do. `predicted` asks for that also where they are changed."""

    changes: dict[str, Any]
    dry_run: bool = False
    predicted: bool = True


class PurgeOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be forgotten: exactly one of a person, a batch function (all of it or one key), a system, or a tag."""

    person: str | None = None
    batch: str | None = None
    key: str | None = None
    system: str | None = None
    tag: str | None = None


class PurgeReport(msgspec.Struct, frozen=True):
    """What was forgotten; never whom it was about. `confirmed` says that nothing of it is served anywhere one second later."""

    by: str
    entries: dict[str, int]
    workers_asked: int
    workers_confirmed: int
    silent: list[int]
    shared: SharedOutcome
    shared_entries: int
    confirmed: bool


class WhatIf(msgspec.Struct, frozen=True):
    """The curves of one batch function over all workers, where it stands on them, and the time to live that they recommend."""

    name: str
    knobs: BatchSettings
    curves: Curves
    recommended_ttl_seconds: float | None
