"""The entrance: from the head of a request to who asks and what for, or to a clear refusal."""

import re
from collections.abc import Mapping
from typing import Any, Final

from graph.access.asker import Asker, priority_of
from graph.access.identity import Identities, Presenting
from graph.access.policy import Policy, Told
from graph.access.registry import Identity
from graph.errors import BadInput, PurposeRequired, Unauthenticated
from graph.loading.sharing import ANYBODY, Caller

PURPOSE: Final = b"x-purpose"
# Of whom and on whose behalf, in the names of X-Road; in the order of `Told`.
TOLD: Final = (b"x-road-userid", b"x-road-issue", b"x-road-represented-party")
PART: Final = re.compile(rb"[A-Za-z0-9._:/-]{1,255}")


class Entrance:
    """Finds out who asks; made once, and asked for every request."""

    def __init__(self, presenting: Presenting, identities: Identities, policy: Policy) -> None:
        """Stand on what proves an identity, and on what purposes allow."""
        self._presenting = presenting
        self._identities = identities
        self._policy = policy

    def known(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Asker | None:
        """Say who asks, where that is known without waiting; None where `asker` has to be awaited.

        Raises Unauthenticated, PurposeRequired or BadInput (a header that is not well formed).
        """
        presented = self._presenting.presented(scope, headers)
        if not any(presented):
            return self._asker(None, headers)
        found = self._identities.known(presented)
        if isinstance(found, Unauthenticated):
            raise found
        return None if found is None else self._asker(found, headers)

    async def asker(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Asker:
        """Say who asks, after having asked an authorisation server for its keys where need be; raises as `known` does."""
        return self._asker(await self._identities.who(self._presenting.presented(scope, headers)), headers)

    def _asker(self, identity: Identity | None, headers: Mapping[bytes, bytes]) -> Asker:
        given = _part(headers, PURPOSE)
        if identity is not None and identity.ambient and given is None:
            # A browser shows a certificate whoever's page sends the request; it sends no header of ours unless that page may.
            raise PurposeRequired("Expected the header X-Purpose: proved by a certificate alone, a request must name its purpose")
        told = Told(*(_part(headers, name) for name in TOLD))
        if told.official is not None:
            told = told._replace(official=told.official.removeprefix("VN"))
        rights = self._policy.rights(identity, given, told)
        if identity is None:
            return Asker(ANYBODY, rights, priority_of(None))
        consumer = identity.consumer
        purpose = "" if rights.purpose is None else rights.purpose.name
        caller = Caller(consumer.name, purpose, *told)
        return Asker(caller, rights, priority_of(consumer), consumer, rights.explorer)


def _part(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    """Read a header that is passed on to the agencies, so it holds nothing that could end it or begin another."""
    value = headers.get(name)
    if value is None:
        return None
    if not PART.fullmatch(value):
        raise BadInput(f"The header {name.decode()} is not well formed")
    return value.decode()
