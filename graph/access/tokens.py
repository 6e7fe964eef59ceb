"""Access tokens (JWT, RFC 9068): taken apart, and believed only where the signature, whom it is from and for, and its times are right.

Which key verifies a token is looked up by the name that it gives; a key, or an address of one, that it brings along is never used.
"""

import binascii
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from graph.access.certificates import THUMBPRINT
from graph.access.objects import object_in
from graph.access.signing_keys import SigningKey
from graph.access_settings import IssuerSettings
from graph.errors import Unauthenticated

LONGEST: Final = 8_192
PARTS: Final = 3
TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
# A token may not say with what it is to be verified, nor that it has to be read in a way that we do not know.
NEVER: Final = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"})
BOUND: Final = "x5t#S256"

T = TypeVar("T")
Text = Annotated[str, msgspec.Meta(min_length=1)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Header(msgspec.Struct, frozen=True):
    """What a token says of its signature."""

    typ: Text
    alg: Text
    kid: Name


class Claims(msgspec.Struct, frozen=True):
    """What a token says of itself, not believed yet; all that RFC 9068 asks for has to be there."""

    iss: Text
    aud: str | list[str]
    sub: Text
    client_id: Name
    jti: Text
    exp: float
    iat: float
    nbf: float | None = None
    scope: str = ""
    cnf: dict[str, Any] | None = None


class Token(NamedTuple):
    """A token taken apart; nothing of it is believed yet."""

    header: Header
    claims: Claims
    signed: bytes
    signature: bytes


class Grant(NamedTuple):
    """What a token that holds says: whose it is, with which scopes, until when, and which certificate it is bound to (its thumbprint)."""

    client_id: str
    scopes: frozenset[str]
    until: float
    bound_to: str | None


def taken_apart(text: bytes) -> Token:
    """Read a token; Unauthenticated where it is too long, malformed, or not an access token with all that it needs."""
    parts = text.split(b".") if len(text) <= LONGEST else []
    if len(parts) != PARTS:
        raise Unauthenticated(f"The token is not well formed; expected a signed JWT of at most {LONGEST} bytes")
    head, body, signature = (_decoded(part) for part in parts)
    return Token(_header(head), _claims(body), b".".join(parts[:2]), signature)


def _decoded(part: bytes) -> bytes:
    try:
        return urlsafe_b64decode(part)
    except (binascii.Error, ValueError):
        raise Unauthenticated("The token is not well formed: a part of it is not base64url") from None


def _header(raw: bytes) -> Header:
    members = _object(raw, "header")
    if refused := sorted(NEVER & members.keys()):
        raise Unauthenticated(f"The token's header may not hold {refused[0]}")
    header = _converted(members, Header, "header")
    if header.typ.lower() not in TYPES:
        raise Unauthenticated("The token is not an access token; expected typ at+jwt (RFC 9068)")
    return header


def _claims(raw: bytes) -> Claims:
    return _converted(_object(raw, "payload"), Claims, "payload")


def _object(raw: bytes, which: str) -> dict[str, Any]:
    try:
        return object_in(raw)
    except ValueError:
        raise Unauthenticated(f"The token's {which} is not a JSON object, or a member stands in it twice") from None


def _converted(members: dict[str, Any], into: type[T], which: str) -> T:
    try:
        return msgspec.convert(members, into)
    except msgspec.ValidationError as error:
        raise Unauthenticated(f"The token's {which} is not as RFC 9068 asks: {error}") from None


def granted(token: Token, key: SigningKey, issuer: IssuerSettings, now: float) -> Grant:
    """Verify a token of this issuer with this key of its; Unauthenticated where anything does not hold. `now` in seconds since 1970."""
    if token.header.alg not in issuer.algorithms or token.header.alg not in key.algorithms:
        raise Unauthenticated("The token is not signed by an algorithm that its issuer and its key are set to use")
    if not _is_signed(token, key):
        raise Unauthenticated("The token's signature does not hold")
    claims = token.claims
    if claims.iss != issuer.issuer:
        raise Unauthenticated("The token is from another issuer than its key")
    if issuer.audience not in ([claims.aud] if isinstance(claims.aud, str) else claims.aud):
        raise Unauthenticated("The token is meant for somebody else; expected this gateway in aud")
    _check_times(claims, issuer, now)
    return Grant(claims.client_id, frozenset(claims.scope.split()), claims.exp + issuer.leeway_seconds, _bound_to(claims.cnf))


def _is_signed(token: Token, key: SigningKey) -> bool:
    try:
        return JWSRegistry.algorithms[token.header.alg].verify(token.signed, token.signature, key.key)
    except (JoseError, ValueError, UnsupportedAlgorithm):
        return False


def _check_times(claims: Claims, issuer: IssuerSettings, now: float) -> None:
    """Compare the times with ours; none is exact, so each has some leeway."""
    leeway = issuer.leeway_seconds
    if not now < claims.exp + leeway:
        raise Unauthenticated("The token has expired")
    if not claims.iat <= now + leeway:
        raise Unauthenticated("The token was issued in the future; do the clocks differ?")
    if claims.nbf is not None and not claims.nbf <= now + leeway:
        raise Unauthenticated("The token is not in force yet")
    if not 0 < claims.exp - claims.iat <= issuer.longest_seconds:
        raise Unauthenticated(f"The token lives too long; expected at most {issuer.longest_seconds:g} seconds from iat to exp")


def _bound_to(confirmation: dict[str, Any] | None) -> str | None:
    """Read which certificate a token is bound to (RFC 8705); one that is bound to something else cannot be checked, and is refused."""
    if confirmation is None:
        return None
    thumbprint = confirmation.get(BOUND)
    if len(confirmation) != 1 or not isinstance(thumbprint, str) or not THUMBPRINT.fullmatch(thumbprint):
        raise Unauthenticated(f"The token is bound to something that cannot be checked here; expected a certificate ({BOUND})")
    return thumbprint
