"""What every simulated platform does between a caller and an agency: read the message, hand it on, and look at what comes back."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

RawHeaders = list[tuple[bytes, bytes]]
BODY_LIMIT: Final = 1 << 20


class Sent(NamedTuple):
    """A message as it arrived at a platform; `path` is what follows the platform's own address."""

    method: str
    target: bytes
    path: str
    headers: RawHeaders
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header, or None where it is missing."""
        return next((value.decode("latin-1") for known, value in self.headers if known == name.encode()), None)


class Replayed:
    """The body once more, and then what the connection says; `transport` is found here as in the original (see broken.py)."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive
        self.transport = getattr(getattr(receive, "__self__", None), "transport", None)

    async def receive(self) -> Message:
        """Give the whole body first."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def read(scope: Scope, receive: Receive) -> Sent:
    """Read a message, but no more of it than one piece past the limit: the agency refuses what is too large."""
    body, more = bytearray(), True
    while more and len(body) <= BODY_LIMIT:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    path = scope["path"].removeprefix(scope["root_path"])
    return Sent(scope["method"], scope["raw_path"].partition(b"?")[0] + query, path, list(scope["headers"]), bytes(body))


def onward(scope: Scope, path: str, headers: RawHeaders) -> dict[str, Any]:
    """Address a message to an agency."""
    return {**scope, "path": path, "raw_path": path.encode(), "root_path": "", "path_params": {}, "headers": headers}


def with_headers(send: Send, added: Mapping[str, str]) -> Send:
    """Add headers to whatever comes back."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *((name.lower().encode(), value.encode()) for name, value in added.items())]
        await send(message)

    return sending


async def collected(
    agency: ASGIApp, scope: Scope, receive: Receive, send: Send, change: Callable[[int, bytes], bytes | None], most: int = 1 << 22
) -> None:
    """Pass an answer on, changed where it is whole and `change` has a word to say; what is broken or huge goes as it comes."""
    held: list[Message] = []
    size = 0

    async def holding(message: Message) -> None:
        nonlocal size
        size += len(message.get("body", b""))
        held.append(message)
        if size > most:
            await release(send, held)

    await agency(scope, receive, holding)
    if size <= most and held and not held[-1].get("more_body", False):
        body = b"".join(message.get("body", b"") for message in held)
        changed = change(held[0]["status"], body)
        if changed is not None:
            kept = [header for header in held[0]["headers"] if header[0].lower() != b"content-length"]
            start = {**held[0], "headers": [*kept, (b"content-length", str(len(changed)).encode())]}
            held = [start, {"type": "http.response.body", "body": changed}]
    await release(send, held)


async def release(send: Send, held: list[Message]) -> None:
    """Send what was held back."""
    while held:
        await send(held.pop(0))


def without(headers: Iterable[tuple[bytes, bytes]], *names: bytes) -> RawHeaders:
    """Leave headers out."""
    return [header for header in headers if header[0] not in names]
