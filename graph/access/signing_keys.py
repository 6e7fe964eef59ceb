"""Public keys as an authorisation server publishes them (a JWKS, RFC 7517): which of them may verify tokens, and by which algorithms."""

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey
from joserfc.util import urlsafe_b64decode

from graph.access.objects import object_in

MOST_KEYS: Final = 64
RSA_BITS: Final = (2_048, 8_192)


class SigningKey(NamedTuple):
    """A public key, and what it may verify."""

    key: Key
    algorithms: frozenset[str]


def signing_keys(document: bytes, allowed: Collection[str]) -> dict[str, SigningKey]:
    """Take from a JWKS the public keys that are for signatures by allowed algorithms, by their `kid`; ValueError where it is no JWKS.

    A key that is anything else is passed over, as RFC 7517 asks, and so is one whose name another has too.
    """
    keys = object_in(document).get("keys")
    if not isinstance(keys, list):
        raise ValueError("not a set of keys")  # noqa: TRY004 - one more thing that is wrong with the bytes
    found: dict[str, SigningKey] = {}
    names = [jwk.get("kid") if isinstance(jwk, dict) else None for jwk in keys]
    for kid, jwk in list(zip(names, keys, strict=True))[:MOST_KEYS]:
        if isinstance(kid, str) and kid and names.count(kid) == 1 and (key := _signing_key(jwk, allowed)) is not None:
            found[kid] = key
    return found


def _signing_key(jwk: dict[str, Any], allowed: Collection[str]) -> SigningKey | None:
    """Read a key; None for a secret one (whoever published it cannot have meant to), for one that is not for signatures, for a weak one."""
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("kty") not in ("RSA", "EC", "OKP") or "d" in jwk or jwk.get("use", "sig") != "sig":
        return None
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        if jwk["kty"] == "RSA" and not _is_strong(jwk):
            return None
        key = JWKRegistry.import_key(jwk)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm):
        return None
    algorithms = _algorithms(key) & frozenset(allowed) & frozenset([jwk["alg"]] if isinstance(jwk.get("alg"), str) else allowed)
    return SigningKey(key, algorithms) if algorithms else None


def _is_strong(jwk: dict[str, Any]) -> bool:
    """Look at the length of an RSA key: a short one can be broken, and a very long one takes long to verify by."""
    least, most = RSA_BITS
    return least <= int.from_bytes(urlsafe_b64decode(jwk["n"].encode()), "big").bit_length() <= most


def _algorithms(key: Key) -> frozenset[str]:
    if isinstance(key, RSAKey):
        return frozenset({"PS256", "RS256"})
    if isinstance(key, ECKey) and key.curve_name == "P-256":
        return frozenset({"ES256"})
    if isinstance(key, OKPKey) and key.curve_name == "Ed25519":
        return frozenset({"EdDSA"})
    return frozenset()
