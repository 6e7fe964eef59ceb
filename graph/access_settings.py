"""`[access]` in the settings: where consumers, trusted documents and consents are, whose tokens are believed, and the limits of a query."""

from typing import Annotated, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]


class IssuerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[access.issuers.<name>]`: an authorisation server whose access tokens (RFC 9068) are believed, and where its keys (JWKS) are."""

    issuer: str
    audience: str
    jwks: str
    algorithms: tuple[Literal["EdDSA", "ES256", "PS256", "RS256"], ...] = ("EdDSA", "ES256", "PS256")
    leeway_seconds: Annotated[float, msgspec.Meta(ge=0, le=300)] = 30.0
    longest_seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 3_600.0
    ca_file: str | None = None


class ProxySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[access.proxy]`: who may say in a header which certificate a client showed it (RFC 9440): addresses or networks of proxies."""

    peers: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    header: str = "client-cert"


class TlsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[gateway.tls]`: our certificate with its chain, and its key, in PEM; who vouches for clients, and whether each shows one."""

    certificate: str
    key: str
    client_ca: str | None = None
    client: Literal["none", "optional", "required"] = "none"


class QuerySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[access.classes.<priority>]`: what one query of a consumer of this class may hold, and what the consumer may use."""

    cost: Count = 1_000
    persons: Count = 1
    keys: Count = 500
    keys_per_system: Count = 200
    calls: Count = 20
    concurrent: Count = 50
    cost_per_minute: Count = 100_000


CLASSES: dict[str, QuerySettings] = {
    "citizen": QuerySettings(persons=5),
    "caseworker": QuerySettings(cost=5_000, persons=100),
    "service": QuerySettings(cost=5_000, persons=100),
    "batch": QuerySettings(cost=100_000, persons=10_000, keys=20_000, keys_per_system=10_000, calls=500, cost_per_minute=1_000_000),
}


class AccessSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[access]`: who may ask what."""

    consumers: str = "consumers.toml"
    documents: Literal["trusted", "free"] = "trusted"
    documents_file: str = "documents.json"
    consents: str = "sqlite:.motcua/consents.db"
    cost: Literal["measure", "enforce"] = "enforce"
    max_root_fields: Count = 10
    max_query_bytes: Count = 16_384
    issuers: dict[str, IssuerSettings] = {}
    proxy: ProxySettings | None = None
    cors_origins: tuple[str, ...] = ()
    limits_url: str | None = None
    classes: dict[Literal["citizen", "caseworker", "service", "batch"], QuerySettings] = {}

    def of_class(self, priority: str) -> QuerySettings:
        """Return what holds for a class: as set, and else as usual."""
        return next((found for name, found in self.classes.items() if name == priority), CLASSES[priority])
