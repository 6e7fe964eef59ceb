"""Puts together what stands between a request and its answer: who asks, what for, which document, how much; one of it in each worker."""

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

from graph.access.allowances import Meter
from graph.access.checks import Checks
from graph.access.consent import Consents
from graph.access.consent_stores import open_consents
from graph.access.consumers import Consumers
from graph.access.entrance import Entrance
from graph.access.identity import Identities, Presenting
from graph.access.keys import stored
from graph.access.ledger import Ledger
from graph.access.marks import marks_of
from graph.access.minute import SharedMinute
from graph.access.policy import Policy
from graph.access.registry import Registry
from graph.access.screens import Screening
from graph.access.texts import Texts
from graph.access.trusted import AutomaticDocuments, TrustedDocuments
from graph.access.usage import Usage
from graph.execution.schema import FastSchema
from graph.operating.consents import ConsentDesk
from graph.operating.siblings import Worker, state_folder
from graph.settings import Settings
from graph.wiring import Wiring


class Guard:
    """What guards a gateway; an async context, in which its files are followed and its stores are open."""

    def __init__(self, settings: Settings, schema: FastSchema, wiring: Wiring, worker: Worker, demo: Mapping[str, str]) -> None:
        """Read all that access stands on; SettingsWrong names what does not fit. `demo` has keys of this process, by consumer."""
        access, core = settings.access, schema.documents.schema
        marks = marks_of(core)
        self.consumers = Consumers(
            settings.beside(access.consumers), core, more_keys={name: stored(key) for name, key in demo.items()}, demo=settings.is_sandboxed
        )  # fmt: skip
        self.consents: Consents = open_consents(access.consents, settings.file.parent)
        self.desk = ConsentDesk(self.consents, self._registry, _person(wiring))
        batches = list(wiring.batches.values())
        self.policy = Policy(core, batches, self._registry, Screening(marks, core, batches, self.consents))
        self.identities = Identities(access, self._registry, file=settings.file)
        self.entrance = Entrance(Presenting(access.proxy, file=settings.file), self.identities, self.policy, self._registry)
        self.trusted = TrustedDocuments(settings.beside(access.documents_file))
        self.texts = Texts(self.trusted, AutomaticDocuments(), free=access.documents == "free")
        self.usage = Usage()
        self._ledger = _ledger(settings, worker)
        self._shared = None if access.limits_url is None else SharedMinute(access.limits_url)
        self.checks = Checks(marks, Meter(access, self._ledger, self.usage, self._shared))
        self._open = contextlib.AsyncExitStack()
        schema.documents.trusted = self.trusted

    def _registry(self) -> Registry:
        return self.consumers.current

    async def __aenter__(self) -> Self:
        """Follow the files, and open the stores."""
        self._open.callback(self._ledger.close)
        for each in (self.consumers, self.trusted, self.consents, self.identities, self._shared):
            if each is not None:
                await self._open.enter_async_context(each)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them."""
        await self._open.aclose()


def _person(wiring: Wiring) -> Callable[[str], Any]:
    """Find what checks the number of a person: the type of key of the batch function that tells of people."""
    telling = next((batch for batch in wiring.batches.values() if batch.facts is not None), None)
    return str if telling is None else telling.key_type.parse


def _ledger(settings: Settings, worker: Worker) -> Ledger:
    try:
        return Ledger(state_folder(settings) / "consumers.ledger", time.time, worker=worker.number - 1, workers=worker.of)
    except OSError as error:
        raise settings.wrong("gateway.state", f"expected a folder that can be written: {error}") from None
