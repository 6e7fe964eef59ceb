"""Sends the gateway what no honest client would: bytes instead of questions, straight to its application, with the time that it took."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.consumers import KEY
from tests.stack import Stack

ACCEPT = (b"accept", b"application/graphql-response+json")
JSON = (b"content-type", b"application/json")
KNOWN = (b"x-api-key", KEY.encode())
Header = tuple[bytes, bytes]


class Sent(NamedTuple):
    """What came back, and how much processor time this thread took for it; `taken` counts the messages that were read of the body."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    processor_seconds: float
    taken: int

    @property
    def answer(self) -> dict[str, Any]:
        """The answer as JSON."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def codes(self) -> set[str]:
        """The codes of all errors."""
        return {error["extensions"]["code"] for error in self.answer.get("errors", ())}

    @property
    def messages(self) -> str:
        """All messages of errors together."""
        return "\n".join(error["message"] for error in self.answer.get("errors", ()))


@dataclass(frozen=True)
class Attack:
    """A request to `/graphql`: its body comes in these pieces, and after them `endless` goes on and on."""

    body: tuple[bytes, ...] = ()
    endless: bytes = b""
    method: str = "POST"
    headers: tuple[Header, ...] = (JSON,)
    query_string: bytes = b""
    statuses: frozenset[int] = field(default_factory=lambda: frozenset({400}))


def document(query: str, **variables: Any) -> Attack:
    """Ask a query as every client does."""
    return posted(json.dumps({"query": query, "variables": variables}).encode())


def posted(body: bytes, *headers: Header, status: int = 400) -> Attack:
    """Post bytes as JSON."""
    return Attack((body,), headers=(JSON, *headers), statuses=frozenset({status}))


def got(status: int, **parts: str) -> Attack:
    """Ask by GET."""
    return Attack(method="GET", headers=(), query_string=urlencode(parts).encode(), statuses=frozenset({status}))


async def sent(stack: Stack, attack: Attack) -> Sent:
    """Send a request to the application as the server would hand it over, and hear the answer."""
    pieces, messages, taken = list(attack.body), [], 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        if not pieces and taken > 1 and not attack.endless:
            await asyncio.sleep(3_600)
        body = pieces.pop(0) if pieces else attack.endless
        return {"type": "http.request", "body": body, "more_body": bool(pieces or attack.endless)}

    async def send(message: Any) -> None:
        messages.append(message)

    scope: Mapping[str, Any] = {
        "type": "http", "method": attack.method, "path": "/graphql", "headers": [ACCEPT, KNOWN, *attack.headers],
        "query_string": attack.query_string,
    }  # fmt: skip
    began = time.thread_time()
    await stack.app(dict(scope), receive, send)
    took = time.thread_time() - began
    return Sent(messages[0]["status"], dict(messages[0]["headers"]), messages[1]["body"], took, taken)
