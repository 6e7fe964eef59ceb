"""The text of a request's document: registered and named by its id, known by its hash, or sent along where that is allowed."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from graph.access.asker import Asker
from graph.access.trusted import ANOTHERS, AutomaticDocuments, TrustedDocuments
from graph.errors import BadInput, DocumentsNotKept, NotTrusted

HASH: Final = re.compile(r"[0-9a-f]{64}")
VERSION: Final = 1


class Text(NamedTuple):
    """The text of a document, and whether it is registered for who asks."""

    text: str
    trusted: bool


class Texts:
    """Finds the text that a request means; `free` lets every consumer send texts of its own, else only explorers may."""

    def __init__(self, trusted: TrustedDocuments, automatic: AutomaticDocuments, *, free: bool) -> None:
        """Stand on what is registered, and on what clients have sent before."""
        self._trusted = trusted
        self._automatic = automatic
        self._free = free

    def of(self, asker: Asker, query: str | None, document_id: str | None, extensions: Mapping[str, Any] | None) -> Text:
        """Find the text; NotTrusted, DocumentUnknown, DocumentsNotKept or BadInput where there is none that may be run."""
        persisted = extensions.get("persistedQuery") if extensions else None
        if document_id is not None:
            if query is not None or persisted is not None:
                raise BadInput("Expected either documentId or a document, not both")
            return Text(self._trusted.text(document_id, *_for(asker)), trusted=True)
        if persisted is not None:
            return self._persisted(asker, query, _hash(persisted))
        if query is None:
            raise BadInput("The query is missing; expected query or documentId")
        return self._sent(asker, query)

    def may_send(self, asker: Asker) -> bool:
        """Tell whether somebody may send texts of its own."""
        return self._free or asker.explorer

    def _sent(self, asker: Asker, query: str) -> Text:
        if self._trusted.is_trusted(query, *_for(asker)):
            return Text(query, trusted=True)
        if not self.may_send(asker):
            raise NotTrusted("The document is not registered for this consumer and purpose; expected one that is, by its documentId")
        return Text(query, trusted=False)

    def _persisted(self, asker: Asker, query: str | None, sha256: str) -> Text:
        """Follow Apollo's protocol: first the hash alone, and the text with it where the hash is not known."""
        try:
            registered = self._trusted.text(sha256, *_for(asker))
        except NotTrusted:
            if not self.may_send(asker):
                raise DocumentsNotKept from None
        else:
            if query is not None and query != registered:
                raise BadInput(ANOTHERS)
            return Text(registered, trusted=True)
        name = asker.caller.consumer
        if query is None:
            return Text(self._automatic.known(sha256, name), trusted=False)
        self._automatic.keep(sha256, query, name)
        return Text(query, trusted=False)


def _for(asker: Asker) -> tuple[str, str]:
    return asker.caller.consumer, asker.caller.purpose


def _hash(persisted: object) -> str:
    version = persisted.get("version") if isinstance(persisted, dict) else None
    sha256 = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if version != VERSION or not isinstance(sha256, str) or not HASH.fullmatch(sha256):
        raise BadInput("extensions.persistedQuery: expected version 1 and sha256Hash with 64 hexadecimal digits")
    return sha256
