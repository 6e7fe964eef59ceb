"""An open door: the gateway without anything of access, as the yardstick of what access costs."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final

from bench.consumers import NAME, PURPOSE
from graph.access.asker import OURSELVES, Asker
from graph.access.checks import Admitted
from graph.access.texts import Text
from graph.gateway import Gateway
from graph.http import GraphQLEndpoint
from graph.loading.sharing import Caller

# Records are shared with the benches' consumer, so that both find the same ones in the caches.
ANYBODY: Final = OURSELVES._replace(caller=Caller(NAME, PURPOSE), explorer=False)
NOTHING: Any = None
UNCOUNTED: Final = Admitted(NOTHING, 0, NOTHING)


class Open:
    """Stands in the place of all that knows, checks and counts, and does nothing of it."""

    def known(self, _scope: Mapping[str, Any], _headers: Mapping[bytes, bytes]) -> Asker:
        """Take everybody for the same."""
        return ANYBODY

    def of(self, _asker: Asker, query: str, *_: object) -> Text:
        """Take the text as it was sent."""
        return Text(query, trusted=False)

    def checked(self, *_: object, **__: object) -> Admitted:
        """Let everything through."""
        return UNCOUNTED

    def nothing(self, *_: object) -> None:
        """Count nothing."""

    def free(self, *_: object) -> int:
        """Charge nothing."""
        return 0


def opened(endpoint: GraphQLEndpoint) -> GraphQLEndpoint:
    """Open the door of an endpoint: the same gateway, and nobody there."""
    door: Any = Open()
    checks: Any = SimpleNamespace(
        checked=door.checked,
        meter=SimpleNamespace(begin=door.nothing, end=door.nothing, ended=door.nothing),
        usage=SimpleNamespace(note=door.nothing),
        fees=SimpleNamespace(counted=door.free),
    )
    gateway = Gateway(endpoint.gateway.schema, endpoint.gateway.sources, door, checks)
    twin = GraphQLEndpoint.__new__(GraphQLEndpoint)
    twin.__dict__.update({**endpoint.__dict__, "gateway": gateway, "entrance": door})
    return twin
