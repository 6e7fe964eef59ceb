"""Holders: whose an API key, an access token or a certificate is, by one version of the registry."""

import hmac
from collections import Counter
from collections.abc import Collection, Hashable, Iterable
from typing import TypeVar

from graph.access.certificates import thumbprint_named
from graph.access.keys import FOR_EVER, ApiKeys
from graph.access.registry import Consumer, Identity, TokenClient
from graph.access.tokens import Grant
from graph.errors import Unauthenticated

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Holders:
    """The consumers, by what proves that somebody is one of them. What two of them claim is neither's."""

    def __init__(self, consumers: Collection[Consumer]) -> None:
        """Look through the consumers."""
        self._keys = ApiKeys(consumers)
        self._clients = _single(
            ((client.issuer, client.client_id), (consumer, client)) for consumer in consumers for client in consumer.tokens
        )
        self._certificates = _single(
            (thumbprint, consumer) for consumer in consumers for thumbprint in {thumbprint_named(text) for text in consumer.certificates}
        )

    def by_key(self, key: bytes, now: float) -> Identity:
        """Say whose an API key is; Unauthenticated where it is nobody's, or over."""
        consumer, until = self._keys.holder(key, now)
        return Identity(consumer, "key", consumer.scopes, until)

    def by_token(self, issuer: str, grant: Grant, certificate: str | None) -> Identity:
        """Say whose a verified token of an issuer is; Unauthenticated where it is nobody's, or bound to a certificate that is not there."""
        consumer, client = self._clients.get((issuer, grant.client_id), (None, None))
        if consumer is None or client is None:
            raise Unauthenticated("The token is from a client that is no consumer here")
        _check_bound(grant, client, certificate)
        return Identity(consumer, "token", consumer.scopes & grant.scopes, grant.until)

    def by_certificate(self, thumbprint: str) -> Identity:
        """Say whose a client certificate is that alone proves who asks; Unauthenticated where it is nobody's."""
        consumer = self._certificates.get(thumbprint)
        if consumer is None:
            raise Unauthenticated("The client certificate is not known")
        return Identity(consumer, "certificate", consumer.scopes, FOR_EVER, ambient=True)


def _check_bound(grant: Grant, client: TokenClient, certificate: str | None) -> None:
    """Let a token that is bound to a certificate (RFC 8705) serve only who holds that: a stolen one is worth nothing."""
    if grant.bound_to is None:
        if client.certificate_bound:
            raise Unauthenticated("The token is not bound to a certificate; expected one that is (RFC 8705)")
    elif certificate is None or not hmac.compare_digest(grant.bound_to, certificate):
        raise Unauthenticated("The token is bound to another client certificate than the one shown, or none was shown")


def _single(pairs: Iterable[tuple[K, V]]) -> dict[K, V]:
    """Collect what is claimed once."""
    listed = list(pairs)
    claims = Counter(key for key, _ in listed)
    return {key: value for key, value in listed if claims[key] == 1}
