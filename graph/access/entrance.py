"""The entrance: from the head of a request to who asks and what for, or to a clear refusal."""

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from graph.access.asker import Asker, priority_of
from graph.access.identity import Identities, Presented, Presenting
from graph.access.memo import Memo
from graph.access.policy import Policy, Told
from graph.access.registry import Identity, Registry
from graph.errors import BadInput, PurposeRequired, Unauthenticated
from graph.loading.sharing import ANYBODY, Caller

PURPOSE: Final = b"x-purpose"
# Of whom and on whose behalf, in the names of X-Road; in the order of `Told`.
OFFICIAL, CASE, REPRESENTED = b"x-road-userid", b"x-road-issue", b"x-road-represented-party"
PART: Final = re.compile(rb"[A-Za-z0-9._:/-]{1,255}")
# In a digest for what is not there; no header holds it.
ABSENT: Final = b"\0"
SEEN_SECONDS, MOST_SEEN = 1.0, 8_192


class Entrance:
    """Finds out who asks; made once, and asked for every request.

    Who came in may come in again in the same way for a second, by one look: it is what most requests of a busy consumer do. A new version
    of the registry forgets them all.
    """

    def __init__(
        self, presenting: Presenting, identities: Identities, policy: Policy, registry: Callable[[], Registry],
        *, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """Stand on what proves an identity, on what purposes allow, and on the registry of the moment."""
        self._presenting = presenting
        self._identities = identities
        self._policy = policy
        self._registry = registry
        self._clock = clock
        self._version = ""
        self._seen: Memo[Asker] = Memo(MOST_SEEN)

    def known(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Asker | None:
        """Say who asks, where that is known without waiting; None where `asker` has to be awaited.

        Raises Unauthenticated, PurposeRequired or BadInput (a header that is not well formed).
        """
        if len(headers) != len(scope["headers"]):
            _check_single(scope["headers"])
        presented = self._presenting.presented(scope, headers)
        version = self._registry().digest
        if version != self._version:
            self._version = version
            self._seen.clear()
        digest, now = _digest(presented, headers), self._clock()
        seen = self._seen.get(digest, now)
        if seen is not None:
            return seen
        if not any(presented):
            return self._asker(None, headers)[0]
        found = self._identities.known(presented)
        if isinstance(found, Unauthenticated):
            raise found
        if found is None:
            return None
        asker, until = self._asker(found, headers)
        self._seen.keep(digest, asker, min(until, now + SEEN_SECONDS))
        return asker

    async def asker(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Asker:
        """Say who asks, after having asked an authorisation server for its keys where need be; raises as `known` does."""
        return self._asker(await self._identities.who(self._presenting.presented(scope, headers)), headers)[0]

    def _asker(self, identity: Identity | None, headers: Mapping[bytes, bytes]) -> tuple[Asker, float]:
        """Say who asks, and until when that holds at most (seconds since 1970)."""
        given = _part(headers, PURPOSE)
        if identity is not None and identity.ambient and given is None:
            # A browser shows a certificate whoever's page sends the request; it sends no header of ours unless that page may.
            raise PurposeRequired("Expected the header X-Purpose: proved by a certificate alone, a request must name its purpose")
        told = Told(_part(headers, OFFICIAL), _part(headers, CASE), _part(headers, REPRESENTED))
        if told.official is not None:
            told = told._replace(official=told.official.removeprefix("VN"))
        rights = self._policy.rights(identity, given, told)
        if identity is None:
            return Asker(ANYBODY, rights, priority_of(None)), rights.until
        consumer = identity.consumer
        purpose = "" if rights.purpose is None else rights.purpose.name
        caller = Caller(consumer.name, purpose, *told)
        return Asker(caller, rights, priority_of(consumer), consumer, rights.explorer), min(identity.until, rights.until)


def _digest(presented: Presented, headers: Mapping[bytes, bytes]) -> bytes:
    """Return a digest of all that decides about who asks and what for, so that no secret stays in memory.

    BLAKE2 is part of the interpreter; the way to OpenSSL's SHA-256 is so much longer that a request would feel it.
    """
    key, authorization, certificate = presented
    get = headers.get
    parts = (
        key or ABSENT, authorization or ABSENT, ABSENT if certificate is None else certificate.encode(),
        get(PURPOSE, ABSENT), get(OFFICIAL, ABSENT), get(CASE, ABSENT), get(REPRESENTED, ABSENT),
    )  # fmt: skip
    return hashlib.blake2b(b"\n".join(parts), digest_size=32).digest()


def _check_single(given: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse what would say two things of one request: whoever reads it after us might go by the other."""
    names = [name for name, _ in given]
    for name in (PURPOSE, OFFICIAL, CASE, REPRESENTED):
        if names.count(name) > 1:
            raise BadInput(f"The header {name.decode()} stands there twice")


def _part(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    """Read a header that is passed on to the agencies, so it holds nothing that could end it or begin another."""
    value = headers.get(name)
    if value is None:
        return None
    if not PART.fullmatch(value):
        raise BadInput(f"The header {name.decode()} is not well formed")
    return value.decode()
