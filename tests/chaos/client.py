"""A client over a bare socket: it asks once, hears the whole answer, or hangs up in the midst."""

import asyncio
import contextlib
import json
from collections.abc import Mapping

from tests.chaos.questions import Question
from tests.consumers import KEY
from tests.stack import Heard

LONGEST_SECONDS = 30.0


async def ask(port: int, question: Question) -> Heard:
    """Send a question and hear the answer; one that hangs up hears nothing, and gets status 0, as one that is hung up on does."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_request(question))
        async with asyncio.timeout(LONGEST_SECONDS if question.leaves_after is None else question.leaves_after):
            answer = await reader.read()
    except (TimeoutError, ConnectionError):
        return Heard(0, {}, {}, loop.time() - began)
    finally:
        writer.transport.abort() if question.leaves_after is not None else writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return _heard(answer, loop.time() - began)


def _request(question: Question) -> bytes:
    body = json.dumps({"query": question.query, "variables": question.variables}).encode()
    headers: Mapping[str, str] = {
        "host": "gateway.test",
        "accept": "application/graphql-response+json",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
        "x-api-key": KEY,
        **question.headers,
    }
    lines = ["POST /graphql HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def _heard(answer: bytes, seconds: float) -> Heard:
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head:
        return Heard(0, {}, {}, seconds)
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in rest)
    return Heard(int(first.split()[1]), headers, json.loads(body), seconds)
