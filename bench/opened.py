"""An open door: the gateway without anything of access, as the yardstick of what access costs."""

from collections.abc import Mapping
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
NOTHING: Final[Any] = None


class Open:
    """Stands in the place of all that knows, checks and counts, and does nothing of it."""

    @property
    def meter(self) -> "Open":
        """Count nothing."""
        return self

    @property
    def fees(self) -> "Open":
        """Charge nothing."""
        return self

    @property
    def figures(self) -> "Open":
        """Keep no figures."""
        return self

    def known(self, _scope: Mapping[str, Any], _headers: Mapping[bytes, bytes]) -> Asker:
        """Take everybody for the same."""
        return ANYBODY

    def of(self, _asker: Asker, query: str, *_: object) -> Text:
        """Take the text as it was sent."""
        return Text(query, trusted=False)

    def checked(self, *_: object, **__: object) -> Admitted:
        """Let everything through."""
        return UNCOUNTED

    def account(self, _consumer: object) -> "Open":
        """Keep no account."""
        return self

    def begin(self) -> None:
        """Let it begin."""

    def end(self) -> None:
        """Let it end."""

    def ended(self, _budget: object) -> None:
        """Count nothing."""

    def note(self, _outcome: str, _codes: object) -> None:
        """Count nothing."""

    def counted(self, *_: object) -> int:
        """Charge nothing."""
        return 0


DOOR: Final[Any] = Open()
UNCOUNTED: Final = Admitted(DOOR, NOTHING, 0, NOTHING)


def opened(endpoint: GraphQLEndpoint) -> GraphQLEndpoint:
    """Open the door of an endpoint: the same gateway, and nobody there."""
    gateway = Gateway(endpoint.gateway.schema, endpoint.gateway.sources, DOOR, DOOR)
    twin = GraphQLEndpoint.__new__(GraphQLEndpoint)
    twin.__dict__.update({**endpoint.__dict__, "gateway": gateway, "entrance": DOOR})
    return twin
