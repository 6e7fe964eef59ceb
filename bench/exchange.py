"""What a bench and its load tell each other, and one HTTP exchange as the load sees it: as few looks at an answer as possible."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from bench.consumers import KEY

GRACE_SECONDS = 20.0
BEGINNINGS = (b'\r\n\r\n{"data":{', b'\r\n\r\n{"data": {')
CODE: Final = re.compile(rb'"code": ?"([A-Z_]+)"')
# What can become of a question, beside the code of the first error in its answer.
FULL, REFUSED, BAD, UNANSWERED = "full", "refused", "bad", "unanswered"


class Job(msgspec.Struct, frozen=True):
    """What to ask: each body once, or over and over, until there are none left or the time is up (then no new one is begun).

    With `per_second` the questions come by chance so many times a second, whether others are answered or not; without it each of so many
    (`concurrency`) connections asks as soon as it is answered. `answers` brings the bodies of the answers back, and `fates` what became of
    each question that came by chance. `headers` are sent with every question.
    """

    port: int
    bodies: list[str]
    concurrency: int
    seconds: float
    repeat: bool = False
    per_second: float = 0.0
    answers: bool = False
    fates: bool = False
    headers: dict[str, str] = {}


class Fate(msgspec.Struct, frozen=True, array_like=True):
    """What became of one question: FULL, REFUSED (HTTP 503), UNANSWERED, BAD, or the code of its first error.

    `due` is when it had to be asked, in seconds of the clock that all processes of a machine share.
    """

    due: float
    milliseconds: float
    became: str


class Outcome(msgspec.Struct):
    """What came back; `failure` is the first one, shortened; `seconds` run from the first request to the last answer."""

    latencies_ms: list[float] = []
    failures: int = 0
    failure: str = ""
    answer_bytes: int = 0
    seconds: float = 0.0
    answers: list[str] = []
    fates: list[Fate] = []

    def fail(self, why: str) -> None:
        """Count a question that was not answered well."""
        self.failures += 1
        self.failure = self.failure or f"{why[:200]} … {why[-400:]}"


def request(port: int, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """Write a whole GraphQL request, with the key of the benches' consumer and some headers of its own."""
    lines = (
        "POST /graphql HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Content-Type: application/json",
        "Accept: application/graphql-response+json",
        f"X-API-Key: {KEY}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Answer:
    """One answer as it arrives, piece by piece."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.length = 0

    def is_whole(self, data: bytes) -> bool:
        """Take a piece, and tell whether it was the last."""
        self.received += data
        if not self.length:
            self.length = _length(self.received)
        return 0 < self.length <= len(self.received)

    def note(self, outcome: Outcome, milliseconds: float, *, keep: bool) -> None:
        """Write down how long it took and whether it is good."""
        outcome.latencies_ms.append(milliseconds)
        outcome.answer_bytes += self.length
        if not self._is_good():
            outcome.fail(self.received.decode("utf-8", "replace"))
        if keep:
            outcome.answers.append(self.received.partition(b"\r\n\r\n")[2].decode())

    def became(self) -> str:
        """Say in a word what became of the question."""
        if self._is_good():
            return FULL
        if self.received.startswith(b"HTTP/1.1 503 "):
            return REFUSED
        code = CODE.search(self.received.partition(b'"errors":')[2])
        return code[1].decode() if code else BAD

    def _is_good(self) -> bool:
        return self.received.startswith(b"HTTP/1.1 200 ") and b'"errors":' not in self.received and self._begins_well()

    def _begins_well(self) -> bool:
        return any(beginning in self.received for beginning in BEGINNINGS)


def _length(received: bytearray) -> int:
    """Return how long the whole answer will be; 0 while its head is not complete."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return 0
    _, _, rest = bytes(received[:end]).lower().partition(b"content-length:")
    return end + 4 + int(rest.partition(b"\r\n")[0])
