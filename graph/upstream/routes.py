"""The route of messages to a system: straight to it, or through a platform that wants them dressed in a way of its own.

The direct route has no object at all, so that it costs nothing; resolvers never see which one there is.
"""

from typing import Final, NamedTuple, Protocol

from lxml import etree

from graph.upstream.errand import Errand
from graph.upstream.exchange import Answer, Headers, Line
from graph.upstream.system import System

UNAUTHORIZED: Final = 401
TOO_MANY: Final = 429
SERVER_ERROR: Final = 500


class Message(NamedTuple):
    """A request as it would go straight to the system."""

    method: bytes
    target: bytes
    headers: Headers
    body: bytes


class Call(Protocol):
    """The view of a line for one call, as far as a route has to do with it.

    `carried_id` is the id of the last message that went with one: no two messages have the same. `request_hash` is what the platform
    says that it was asked, for the record of disclosures.
    """

    system: System
    errand: Errand
    message_id: str | None
    carried_id: str | None
    request_hash: str | None

    def new_message_id(self) -> str:
        """Make the id of the message that is about to be sent."""


class Route(Protocol):
    """A way to one system; `rest` and `soap` are where on the line its two kinds of addresses begin."""

    rest: bytes
    soap: bytes

    async def carry(self, call: Call, line: Line, message: Message) -> Answer:
        """Send a message this way and return its answer; Theirs where the platform itself failed."""

    def soap_header(self, call: Call, operation: str) -> str:
        """Write what the platform wants in a SOAP header, besides the system's own block."""

    def read_soap(self, call: Call, sent_id: str | None, sent: bytes, envelope: etree._Element) -> None:
        """Look at the envelope that came back for `sent` before it is read; Theirs where the platform failed or it is not ours."""

    async def close(self) -> None:
        """End what the route keeps open besides the line."""


def message_id(call: Call) -> str:
    """Return the id under which the next message goes: the one that was made for it, or else a new one."""
    known = call.message_id
    if known is None or known == call.carried_id:
        known = call.new_message_id()
    call.carried_id = known
    return known
