"""What every simulated agency has in common: it reads a call, finds rows, and writes an answer or a refusal of its own kind."""

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from hmac import compare_digest
from types import MappingProxyType
from typing import NamedTuple, Protocol

NO_DETAILS: Mapping[str, str] = MappingProxyType({})


class Counter(NamedTuple):
    """An address at which an agency takes calls; SOAP agencies name the operation in the body, not here."""

    method: str
    path: str
    operation: str


class Call(NamedTuple):
    """One HTTP call as it arrived; header names are in lower case."""

    operation: str
    headers: Mapping[str, str]
    query: tuple[tuple[str, str], ...]
    path: Mapping[str, str]
    body: bytes


class Enquiry(NamedTuple):
    """What is asked for: the operation, the keys, and whatever else that operation needs."""

    operation: str
    keys: tuple[str, ...]
    details: Mapping[str, str] = NO_DETAILS


class Found(NamedTuple):
    """Rendered rows and how many the envelope should promise."""

    rows: list[bytes]
    total: int


class Answer(NamedTuple):
    """One HTTP answer; `etag` is "" where the agency does not say which version of it this is."""

    status: int
    media_type: str
    body: bytes
    etag: str = ""


class Reason(Enum):
    """Why an agency refuses."""

    WRONG_REQUEST = auto()
    UNKNOWN_CALLER = auto()
    NOT_HERE = auto()
    TOO_LARGE = auto()
    TROUBLE = auto()
    HIDDEN_TROUBLE = auto()


class RefusedError(Exception):
    """The agency does not answer; `code` is the agency's own code where it has several for one reason."""

    def __init__(self, reason: Reason, message: str, code: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.code = code


class Agency(Protocol):
    """One agency in its own wire format."""

    @property
    def system(self) -> str:
        """The name the system goes by in the sandbox."""

    @property
    def path(self) -> str:
        """The path under which all its addresses lie."""

    @property
    def counters(self) -> tuple[Counter, ...]:
        """The addresses at which it takes calls."""

    def operation(self, call: Call) -> str:
        """Name the operation, or return "" when the call does not say."""

    def read(self, call: Call) -> Enquiry:
        """Understand a call, or raise RefusedError."""

    def find(self, enquiry: Enquiry) -> Found:
        """Look up the rows of an honest answer, or raise RefusedError."""

    def others(self, enquiry: Enquiry) -> Iterable[Enquiry]:
        """Suggest enquiries about somebody else, for answers that are meant to be wrong."""

    def write(self, enquiry: Enquiry, found: Found) -> Answer:
        """Put rows into the agency's envelope."""

    def refuse(self, refusal: RefusedError) -> Answer:
        """Say no in the agency's own way."""


def check_bearer(call: Call, token: str) -> None:
    """Compare the bearer token, or raise RefusedError."""
    if not same(call.headers.get("authorization", ""), f"Bearer {token}"):
        raise RefusedError(Reason.UNKNOWN_CALLER, "the token is missing or wrong")


def same(given: str, expected: str) -> bool:
    """Compare secrets in constant time."""
    return compare_digest(given.encode(), expected.encode())


def unique(keys: Iterable[str]) -> tuple[str, ...]:
    """Drop repetitions and keep the order, as a database does with a list of keys."""
    return tuple(dict.fromkeys(keys))


def someone_else(enquiry: Enquiry, candidates: Iterable[str]) -> Iterable[Enquiry]:
    """Ask the same of each candidate who was not asked for."""
    return (enquiry._replace(keys=(candidate,)) for candidate in candidates if candidate not in enquiry.keys)
