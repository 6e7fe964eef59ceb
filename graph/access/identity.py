"""Who asks: from what a request presents (an API key, an access token, a client certificate) to the consumer in the registry."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import httpx

from graph.access.certificates import SHOWN, certificate_in, thumbprint_in_force
from graph.access.holders import Holders
from graph.access.jwks import Jwks, fetching
from graph.access.memo import Memo
from graph.access.proxies import Proxies
from graph.access.registry import Identity, Registry
from graph.access.tokens import LONGEST, Grant, granted, taken_apart
from graph.access_settings import AccessSettings, IssuerSettings, ProxySettings
from graph.errors import SettingsWrong, Unauthenticated
from graph.settings import DEFAULT_FILE

KEY, AUTHORIZATION = b"x-api-key", b"authorization"
BEARER: Final = b"bearer"
USUAL_HEADER: Final = "client-cert"
LONGEST_PROOF: Final = len(BEARER) + 1 + LONGEST
MOST_REMEMBERED, MOST_REFUSED = 16_384, 4_096
REMEMBERED_SECONDS, REFUSED_SECONDS = 60.0, 5.0


class Presented(NamedTuple):
    """What a request brings to prove who sends it; the certificate as the SHA-256 of its DER in base64url."""

    key: bytes | None
    authorization: bytes | None
    certificate: str | None


class Presenting:
    """Reads what requests present, and believes what a header says of a certificate only to the proxies in the settings."""

    def __init__(self, proxy: ProxySettings | None, *, clock: Callable[[], float] = time.time, file: Path = DEFAULT_FILE) -> None:
        """Take the proxies, where there are any; SettingsWrong, which names the file of the settings, for what is no address or network."""
        self._header = (USUAL_HEADER if proxy is None else proxy.header).lower().encode()
        self._proofs = (KEY, AUTHORIZATION, self._header)
        self._proxies = None if proxy is None else Proxies(proxy.peers, file)
        self._clock = clock

    def presented(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Presented:
        """Collect the proofs; Unauthenticated for one that stands there twice, is malformed, or may not be told by who tells it.

        `headers` are those of the scope as a mapping, which holds one of each name.
        """
        if len(headers) != len(scope["headers"]):
            self._check_single(scope["headers"])
        key, authorization = headers.get(KEY), headers.get(AUTHORIZATION)
        if key is not None and authorization is not None:
            raise Unauthenticated("Expected one proof of who asks: either X-API-Key or Authorization")
        proof = authorization if key is None else key
        if proof is not None and not 0 < len(proof) <= LONGEST_PROOF:
            raise Unauthenticated(f"The proof of who asks is empty or too long; expected at most {LONGEST} bytes")
        return Presented(key, authorization, self._certificate(scope, headers.get(self._header)))

    def _check_single(self, given: Iterable[tuple[bytes, bytes]]) -> None:
        names = [name for name, _ in given]
        if any(names.count(proof) > 1 for proof in self._proofs):
            raise Unauthenticated("A header that proves who asks stands there twice")

    def _certificate(self, scope: Mapping[str, Any], header: bytes | None) -> str | None:
        """Find the client's certificate; the one of a proxy's own connection to us is not the client's."""
        if self._proxies is not None and self._proxies.has(scope.get("client")):
            return None if header is None else thumbprint_in_force(certificate_in(header), self._clock())
        if header is not None:
            raise Unauthenticated("Only a proxy in [access.proxy] may say in a header which certificate a client has")
        state = scope.get("state")
        shown = state.get(SHOWN) if state else None
        return None if shown is None else thumbprint_in_force(shown, self._clock())


class _Issuer(NamedTuple):
    """An authorisation server that is believed, and its keys."""

    name: str
    settings: IssuerSettings
    jwks: Jwks


class Identities:
    """Finds out who asks. What was proved once need not be proved again for a minute, and what was refused is refused for a few seconds.

    An async context: while it is open, the keys of the issuers are kept current. A new version of the registry forgets everything, so that
    who is no longer in it is out at once.
    """

    def __init__(
        self, settings: AccessSettings, registry: Callable[[], Registry], *, clock: Callable[[], float] = time.time,
        network: httpx.AsyncBaseTransport | None = None, file: Path = DEFAULT_FILE,
    ) -> None:  # fmt: skip
        """Stand on the registry of the moment; `file` is that of the settings, beside which stand the files that they name."""
        self._registry = registry
        self._clock = clock
        self._issuers = _issuers(settings, clock, network, file)
        self._digest = ""
        self._holders = Holders(())
        self._remembered: Memo[Identity] = Memo(MOST_REMEMBERED)
        self._refused: Memo[str] = Memo(MOST_REFUSED)
        self._refreshing: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._refreshing = [asyncio.create_task(issuer.jwks.keep_current()) for issuer in self._issuers.values()]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._refreshing:
            task.cancel()
        await asyncio.gather(*self._refreshing, return_exceptions=True)

    def known(self, presented: Presented) -> Identity | Unauthenticated | None:
        """Say who presented this, or why it is refused, where that is remembered; None where `who` has to be awaited."""
        self._look()
        digest, now = _digest(presented), self._clock()
        found = self._remembered.get(digest, now)
        if found is not None:
            return found
        refused = self._refused.get(digest, now)
        return None if refused is None else Unauthenticated(refused)

    async def who(self, presented: Presented) -> Identity:
        """Say who presented this; Unauthenticated where it proves nothing."""
        found = self.known(presented)
        if found is None:
            return await self._proved(presented)
        if isinstance(found, Unauthenticated):
            raise found
        return found

    def _look(self) -> Holders:
        """Return the holders of the registry of this moment."""
        registry = self._registry()
        if registry.digest != self._digest:
            self._digest, self._holders = registry.digest, Holders(registry.consumers.values())
            self._remembered.clear()
            self._refused.clear()
        return self._holders

    async def _proved(self, presented: Presented) -> Identity:
        """Check what is presented, and remember what comes of it: by its digest alone, so that no secret stays in memory."""
        try:
            identity = await self._found(presented)
        except Unauthenticated as error:
            self._refused.keep(_digest(presented), error.message, self._clock() + REFUSED_SECONDS)
            raise
        self._remembered.keep(_digest(presented), identity, min(identity.until, self._clock() + REMEMBERED_SECONDS))
        return identity

    async def _found(self, presented: Presented) -> Identity:
        if presented.key is not None:
            return self._look().by_key(presented.key, self._clock())
        if presented.authorization is not None:
            issuer, grant = await self._grant(presented.authorization)
            return self._look().by_token(issuer, grant, presented.certificate)
        if presented.certificate is not None:
            return self._look().by_certificate(presented.certificate)
        raise Unauthenticated("Expected a proof of who asks: X-API-Key, Authorization, or a client certificate")

    async def _grant(self, authorization: bytes) -> tuple[str, Grant]:
        """Verify a token by the key of its issuer that it names; the issuer is asked for its keys where that is not known."""
        scheme, _, text = authorization.partition(b" ")
        if scheme.lower() != BEARER:
            raise Unauthenticated("Expected Authorization: Bearer <access token>")
        token = taken_apart(text)
        issuer = self._issuers.get(token.claims.iss)
        if issuer is None:
            raise Unauthenticated("The token is from an issuer that is not believed here")
        key = issuer.jwks.known(token.header.kid) or await issuer.jwks.found(token.header.kid)
        if key is None:
            raise Unauthenticated("The token is signed by a key that its issuer is not known to have")
        return issuer.settings.issuer, granted(token, key, issuer.settings, self._clock())


def _digest(presented: Presented) -> bytes:
    key, authorization, certificate = presented
    # No header holds a zero byte, so no other three parts join to the same.
    return hashlib.blake2b(b"\0".join((key or b"", authorization or b"", (certificate or "").encode())), digest_size=32).digest()


def _issuers(
    settings: AccessSettings, clock: Callable[[], float], network: httpx.AsyncBaseTransport | None, file: Path
) -> dict[str, _Issuer]:
    found: dict[str, _Issuer] = {}
    for name, issuer in settings.issuers.items():
        if issuer.issuer in found:
            other = found[issuer.issuer].name
            raise SettingsWrong(f"{file}: access.issuers.{name}.issuer: is that of {other} too; expected each issuer once")
        found[issuer.issuer] = _Issuer(name, issuer, Jwks(name, issuer.algorithms, fetching(name, issuer, file, network), clock))
    return found
