"""The registry: which consumers there are, how each proves who it is, and for which purposes it may read what.

These are the values; graph.access.consumers reads them from a file and keeps them current.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

PriorityName = Literal["citizen", "caseworker", "service", "batch"]
# Why data may be given: a task laid down by law, consent of the person, a contract with them, danger to life, or an open register.
LegalBasis = Literal["statutory", "consent", "contract", "vital", "public"]
Required = Literal["case", "official", "represented"]
# What a purpose gets to see of a person under protection: all, masked fields masked, a refusal, or nothing at all.
Protected = Literal["show", "mask", "refuse", "absent"]


class Purpose(msgspec.Struct, frozen=True):
    """What somebody may want data for.

    `fields` are the coordinates that it may read, `masked` those of them (beside `fields`) that it may read only in masked form; groups
    are resolved and `Type.*` is written out. Without `consent` of the person nothing is given where it is asked for. `min_age` in years:
    nothing is given about younger people, nor about those whose age is not known. `expires` is the moment from which it is over.
    """

    name: str
    title: str
    legal_basis: LegalBasis
    ground: str
    fields: frozenset[str]
    masked: frozenset[str] = frozenset()
    requires: frozenset[Required] = frozenset()
    consent: bool = False
    protected: Protected = "mask"
    min_age: int = 0
    expires: datetime | None = None


class ApiKey(msgspec.Struct, frozen=True):
    """A key as it is stored: what the secret hashes to (`sha256:` and 64 hexadecimal digits), never the secret itself."""

    id: str
    hash: str
    made: datetime
    expires: datetime | None = None


class TokenClient(msgspec.Struct, frozen=True):
    """Tokens of this issuer with this client id are the consumer's; `certificate_bound` ones only with their certificate."""

    issuer: str
    client_id: str
    certificate_bound: bool = False


class Allowances(msgspec.Struct, frozen=True):
    """What a consumer may use; None where what its class has holds (`[access]` in the settings)."""

    concurrent: int | None = None
    cost_per_minute: int | None = None
    cost: int | None = None
    persons: int | None = None
    keys: int | None = None
    keys_per_system: int | None = None
    calls: int | None = None


class Consumer(msgspec.Struct, frozen=True):
    """An information system of an organisation that asks; `purposes` says until when each of its purposes holds for it.

    A `private` one gets personal data only with consent. An `explorer` is a developer: free queries, filtered instead of refused,
    introspection, and names suggested for those that are wrong. A `demo` consumer exists only in front of the sandbox.
    """

    name: str
    organisation: str
    kind: Literal["state", "private"]
    purposes: Mapping[str, datetime | None]
    default_purpose: str | None = None
    priority: PriorityName = "citizen"
    scopes: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()
    explorer: bool = False
    demo: bool = False
    keys: tuple[ApiKey, ...] = ()
    tokens: tuple[TokenClient, ...] = ()
    certificates: frozenset[str] = frozenset()
    allowances: Allowances = Allowances()


class Registry(msgspec.Struct, frozen=True):
    """One version of the whole: what is open to everybody, the purposes, and the consumers; `digest` tells versions apart."""

    version: int
    digest: str
    open: frozenset[str]
    purposes: Mapping[str, Purpose]
    consumers: Mapping[str, Consumer]


class Identity(msgspec.Struct, frozen=True):
    """Who was found to ask: the consumer, how it proved itself, the scopes that hold now, and until when (seconds since 1970).

    `scopes` are those of the consumer, and with a token only those of them that the token carries too. `ambient` says that the proof was
    one that a browser sends by itself (a client certificate), so that a page of somebody else's could make it send.
    """

    consumer: Consumer
    by: Literal["key", "token", "certificate"]
    scopes: frozenset[str]
    until: float
    ambient: bool = False
