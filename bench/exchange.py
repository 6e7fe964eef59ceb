"""What a bench and its load tell each other, and one HTTP exchange as the load sees it: as few looks at an answer as possible."""

import msgspec

GRACE_SECONDS = 20.0
BEGINNINGS = (b'\r\n\r\n{"data":{', b'\r\n\r\n{"data": {')


class Job(msgspec.Struct, frozen=True):
    """What to ask: each body once, or over and over, until there are none left or the time is up (then no new one is begun).

    With `per_second` the questions come by chance so many times a second, whether others are answered or not; without it each of so many
    (`concurrency`) connections asks as soon as it is answered. `answers` brings the bodies of the answers back.
    """

    port: int
    bodies: list[str]
    concurrency: int
    seconds: float
    repeat: bool = False
    per_second: float = 0.0
    answers: bool = False


class Outcome(msgspec.Struct):
    """What came back; `failure` is the first one, shortened; `seconds` run from the first request to the last answer."""

    latencies_ms: list[float] = []
    failures: int = 0
    failure: str = ""
    answer_bytes: int = 0
    seconds: float = 0.0
    answers: list[str] = []

    def fail(self, why: str) -> None:
        """Count a question that was not answered well."""
        self.failures += 1
        self.failure = self.failure or f"{why[:200]} … {why[-400:]}"


def request(port: int, body: bytes) -> bytes:
    """Write a whole GraphQL request."""
    lines = (
        "POST /graphql HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Content-Type: application/json",
        "Accept: application/graphql-response+json",
        f"Content-Length: {len(body)}",
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
        if not self.received.startswith(b"HTTP/1.1 200 ") or b'"errors":' in self.received or not self._begins_well():
            outcome.fail(self.received.decode("utf-8", "replace"))
        if keep:
            outcome.answers.append(self.received.partition(b"\r\n\r\n")[2].decode())

    def _begins_well(self) -> bool:
        return any(beginning in self.received for beginning in BEGINNINGS)


def _length(received: bytearray) -> int:
    """Return how long the whole answer will be; 0 while its head is not complete."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return 0
    _, _, rest = bytes(received[:end]).lower().partition(b"content-length:")
    return end + 4 + int(rest.partition(b"\r\n")[0])
