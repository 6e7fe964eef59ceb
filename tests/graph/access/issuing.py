"""An authorisation server for tests: it has keys, publishes them, and signs whatever it is told to, right or wrong."""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from graph.access.identity import Identities, Presented
from graph.access.registry import Consumer, Registry, TokenClient
from graph.access_settings import AccessSettings, IssuerSettings

NOW = 1_800_000_000.0
ISSUER, AUDIENCE, KEYS = "https://id.example.vn", "https://motcua.example.vn", "https://id.example.vn/jwks"
CLIENT = "desk-1"
LEFT_OUT = object()
Algorithm = Literal["ES256", "EdDSA", "PS256", "RS256"]
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256().digest_size)


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int, length: int | None = None) -> str:
    return base64url(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


class SecretKey:
    """A key pair with a name."""

    def __init__(self, kid: str, algorithm: Algorithm = "ES256") -> None:
        self.kid = kid
        self.algorithm = algorithm
        self.secret: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey = (
            ec.generate_private_key(ec.SECP256R1())
            if algorithm == "ES256"
            else ed25519.Ed25519PrivateKey.generate()
            if algorithm == "EdDSA"
            else rsa.generate_private_key(65_537, 2_048)
        )

    def sign(self, data: bytes) -> bytes:
        if isinstance(self.secret, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.secret.sign(data, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        if isinstance(self.secret, ed25519.Ed25519PrivateKey):
            return self.secret.sign(data)
        return self.secret.sign(data, PSS if self.algorithm == "PS256" else padding.PKCS1v15(), hashes.SHA256())

    def jwk(self, **more: object) -> dict[str, Any]:
        """Write the public key as RFC 7517 does."""
        return {"kid": self.kid, "use": "sig", **self._public(), **more}

    def _public(self) -> dict[str, Any]:
        public = self.secret.public_key()
        if isinstance(public, ec.EllipticCurvePublicKey):
            at = public.public_numbers()
            return {"kty": "EC", "crv": "P-256", "x": number(at.x, 32), "y": number(at.y, 32)}
        if isinstance(public, ed25519.Ed25519PublicKey):
            return {"kty": "OKP", "crv": "Ed25519", "x": base64url(public.public_bytes_raw())}
        numbers = public.public_numbers()
        return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}


def jwks(*keys: Mapping[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def header(key: SecretKey, **changed: object) -> dict[str, Any]:
    """Make the header of a good token, changed as told."""
    return _changed({"typ": "at+jwt", "alg": key.algorithm, "kid": key.kid}, changed)


def claims(**changed: object) -> dict[str, Any]:
    """Make the claims of a good token, changed as told."""
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": CLIENT, "client_id": CLIENT, "jti": "j-1", "iat": NOW - 10, "exp": NOW + 290}
    return _changed({**good, "scope": "citizens firms"}, changed)


def _changed(good: dict[str, Any], changed: Mapping[str, object]) -> dict[str, Any]:
    return {name: value for name, value in {**good, **changed}.items() if value is not LEFT_OUT}


def signed(key: SecretKey, head: Mapping[str, Any] | bytes, body: Mapping[str, Any] | bytes) -> bytes:
    """Sign a header and claims, or the bytes of either as they are."""
    parts = [base64url(part if isinstance(part, bytes) else json.dumps(part).encode()) for part in (head, body)]
    data = ".".join(parts).encode()
    return data + b"." + base64url(key.sign(data)).encode()


def token(key: SecretKey, head: Mapping[str, Any] | None = None, **changed: Any) -> bytes:
    """Make a good token, with header and claims changed as told."""
    return signed(key, header(key, **(head or {})), claims(**changed))


def bearer(text: bytes, certificate: str | None = None) -> Presented:
    return Presented(None, b"Bearer " + text, certificate)


class Door:
    """A gateway's knowledge of who asks, before one issuer that publishes some keys, at a time that is set."""

    def __init__(self, *keys: Mapping[str, Any], bound: bool = False, now: Callable[[], float] | None = None, **settings: Any) -> None:
        self.published = jwks(*keys)
        self.fetches = 0
        self.fetched = asyncio.Event()
        self.now = NOW
        self.consumer = Consumer(
            "desk", "Ward People's Committee", "state", {}, scopes=frozenset({"citizens", "tax"}),
            tokens=(TokenClient(ISSUER, CLIENT, certificate_bound=bound),),
        )  # fmt: skip
        self.registry = Registry(1, "first", frozenset(), {}, {"desk": self.consumer})
        issuer = IssuerSettings(ISSUER, AUDIENCE, KEYS, **settings)
        self.identities = Identities(
            AccessSettings(issuers={"id": issuer}), lambda: self.registry, clock=now or (lambda: self.now),
            network=httpx.MockTransport(self._answer),
        )  # fmt: skip

    async def _answer(self, _request: httpx.Request) -> httpx.Response:
        self.fetches += 1
        self.fetched.set()
        return httpx.Response(200, content=self.published)
