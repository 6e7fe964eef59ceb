"""A gateway whose door is open: who asks may read everything, send what it likes, and is only counted."""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graph.access.allowances import Meter
from graph.access.asker import OURSELVES, Asker
from graph.access.checks import Checks
from graph.access.ledger import Ledger
from graph.access.marks import marks_of
from graph.access.texts import Texts
from graph.access.trusted import AutomaticDocuments, TrustedDocuments
from graph.access.usage import Usage
from graph.access_settings import AccessSettings
from graph.execution.schema import FastSchema
from graph.gateway import Gateway
from graph.loading.loaders import Sources


class OpenDoor:
    """An entrance that takes everybody for one and the same asker."""

    def __init__(self, asker: Asker = OURSELVES) -> None:
        self.asks = asker

    def known(self, _scope: Mapping[str, Any], _headers: Mapping[bytes, bytes], /) -> Asker:
        """Say who asks."""
        return self.asks

    async def asker(self, _scope: Mapping[str, Any], _headers: Mapping[bytes, bytes], /) -> Asker:
        """Say who asks."""
        return self.asks


def open_gateway(schema: FastSchema, sources: Sources) -> Gateway:
    """Make a gateway without a file of consumers."""
    marks = marks_of(schema.documents.schema)
    with tempfile.TemporaryDirectory() as folder:
        meter = Meter(AccessSettings(cost="measure"), Ledger(Path(folder) / "ledger", time.time), Usage())
        texts = Texts(TrustedDocuments(Path(folder) / "documents.json"), AutomaticDocuments(), free=True)
    return Gateway(schema, sources, texts, Checks(marks, meter))
