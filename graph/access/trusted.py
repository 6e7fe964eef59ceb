"""Trusted documents: the queries that were looked at before they are run, each registered for a consumer and a purpose.

They stand in a file that is reviewed like code. Beside them, for those who may send queries of their own, there are automatic documents:
texts that a client has sent once and afterwards names by their hash.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, NamedTuple, Self

import msgspec

from graph.access.watching import Watched
from graph.errors import BadInput, DocumentUnknown, NotTrusted, SettingsWrong
from graph.telemetry import event

# As the specification of GraphQL over HTTP writes it, in its appendix on persisted documents; a bare hash is a custom identifier there.
ID: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
NAMED_LETTERS: Final = 12
ANOTHERS: Final = "extensions.persistedQuery.sha256Hash: expected the SHA-256 of the query"


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, order=True):
    """One consumer may run a document for one purpose; and what it was found to read, to cost and to be charged when it was registered.

    `cost`, `fee` (VND) and `persons` are the most that the operations of the document come to where their lists are as long as assumed.
    """

    consumer: str
    purpose: str
    cost: int
    fee: int
    persons: int
    fields: tuple[str, ...]

    @property
    def whose(self) -> tuple[str, str]:
        """Return for whom it is."""
        return self.consumer, self.purpose


class TrustedDocument(msgspec.Struct, frozen=True):
    """A document: the SHA-256 of its exact text, what it is called, the text, and for whom it is registered."""

    id: str
    name: str
    text: str
    registrations: tuple[Registration, ...]


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    """A document in the file: its text line by line, so that a review shows which line has changed."""

    id: str
    name: str
    text: tuple[str, ...]
    registrations: tuple[Registration, ...]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: Literal[1]
    documents: tuple[_Written, ...]


class _Found(NamedTuple):
    """One version of the file, named by the beginning of its hash, as it is asked: texts by id, and for whom a text is."""

    version: str
    documents: tuple[TrustedDocument, ...]
    by_id: Mapping[str, TrustedDocument]
    whose: Mapping[str, frozenset[tuple[str, str]]]


class TrustedDocuments:
    """What is registered, kept current; as an async context it follows the file, as `Watched` says. A missing file holds nothing."""

    def __init__(self, file: Path, *, tell: Callable[..., None] = event) -> None:
        """Read the file; SettingsWrong where it is wrong."""
        self.watched = Watched(
            file,
            _found,
            changed=lambda before, after: tell("documents_changed", what=file.name, before=before.version, after=after.version),
            refused=lambda wrong: tell("documents_refused", what=file.name, before=self.watched.current.version, reason=wrong.message),
        )

    async def __aenter__(self) -> Self:
        """Begin to follow the file."""
        await self.watched.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Follow it no more."""
        await self.watched.__aexit__(kind, error, trace)

    def look(self) -> bool:
        """Look at the file at once, and tell whether it says something else now."""
        return self.watched.look()

    def text(self, document_id: str, consumer: str, purpose: str) -> str:
        """Return the text of a document; NotTrusted where it is not registered for them, in the same words wherever else it is."""
        known = ID.fullmatch(document_id)
        found = self.watched.current.by_id.get(known[1]) if known else None
        if found is None or not self.is_trusted(found.text, consumer, purpose):
            raise NotTrusted("There is no document of this id for this consumer and purpose")
        return found.text

    def is_trusted(self, text: str, consumer: str, purpose: str) -> bool:
        """Tell whether exactly this text is registered for a consumer and a purpose."""
        whose = self.watched.current.whose.get(text)
        return whose is not None and (consumer, purpose) in whose

    def __contains__(self, text: object) -> bool:
        """Tell whether a text is registered for anybody: such documents are never driven out of the caches by others."""
        return text in self.watched.current.whose

    @property
    def documents(self) -> Sequence[TrustedDocument]:
        """All documents, in the order of their names."""
        return self.watched.current.documents


def document_id(text: str) -> str:
    """Return the id of a text: the SHA-256 of its UTF-8, in hexadecimal digits; BadInput where it is no text (a lone surrogate)."""
    try:
        return hashlib.sha256(text.encode()).hexdigest()
    except UnicodeEncodeError:
        raise BadInput("The document is not well-formed Unicode") from None


def read_documents(file: Path) -> tuple[TrustedDocument, ...]:
    """Read a file of documents; none where there is no file, SettingsWrong where it does not hold what it should."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise SettingsWrong(f"{file}: expected a file that can be read ({error.strerror})") from None
    try:
        written = msgspec.json.decode(content, type=_File).documents
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsWrong(f"{file}: expected documents as `motcua documents add` writes them ({error})") from None
    documents = tuple(TrustedDocument(each.id, each.name, "\n".join(each.text), each.registrations) for each in written)
    _checked(file, documents)
    return documents


def written(documents: Iterable[TrustedDocument]) -> bytes:
    """Write documents in the one way in which they are written: sorted, a line of text on a line."""
    in_order = sorted(documents, key=lambda document: (document.name, document.id))
    content = _File(
        1,
        tuple(_Written(each.id, each.name, tuple(each.text.split("\n")), tuple(sorted(each.registrations))) for each in in_order),
    )
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _found(file: Path, held: _Found | None) -> _Found:
    """Read the file; where there was one and it is gone, that is a mistake and no wish to trust nothing."""
    if held is not None and not file.exists():
        raise SettingsWrong(f"{file}: expected the file that was there before")
    documents = read_documents(file)
    by_id = {document.id: document for document in documents}
    whose = {document.text: frozenset(each.whose for each in document.registrations) for document in documents}
    return _Found(hashlib.sha256(written(documents)).hexdigest()[:NAMED_LETTERS], documents, by_id, whose)


def _checked(file: Path, documents: Iterable[TrustedDocument]) -> None:
    """Refuse what a hand has changed without the command, or what two branches have made of the file together."""
    seen: set[str] = set()
    for number, document in enumerate(documents):
        at = f"{file}: documents[{number}]"
        try:
            expected = document_id(document.text)
        except BadInput as wrong:
            raise SettingsWrong(f"{at}.text: {wrong.message}") from None
        if document.id != expected:
            raise SettingsWrong(f"{at}.id: expected the SHA-256 of the text, {expected}")
        if document.id in seen:
            raise SettingsWrong(f"{at}.id: expected each document once")
        whose = [registration.whose for registration in document.registrations]
        if len(set(whose)) < len(whose):
            raise SettingsWrong(f"{at}.registrations: expected each consumer and purpose once")
        seen.add(document.id)


class _Shelf:
    """The automatic documents of one consumer, the longest unused first."""

    def __init__(self) -> None:
        self.texts: OrderedDict[str, str] = OrderedDict()
        self.letters = 0

    def put(self, sha256: str, text: str) -> None:
        self.letters += len(text)
        self.texts[sha256] = text

    def drop(self) -> None:
        self.letters -= len(self.texts.popitem(last=False)[1])


class AutomaticDocuments:
    """Texts by their hash, for each consumer its own: nobody finds, and nobody drives out, what another has sent.

    Bounded in number for a consumer, and in number and letters for all together; where these are reached, the consumer that keeps most
    loses what it has not used for longest.
    """

    def __init__(self, *, for_each: int = 1_000, in_all: int = 10_000, letters: int = 16 * 1_024 * 1_024) -> None:
        """Begin empty."""
        self._for_each, self._in_all, self._letters = for_each, in_all, letters
        self._shelves: dict[str, _Shelf] = {}

    def known(self, sha256: str, consumer: str) -> str:
        """Return the text that a consumer has sent with this hash; DocumentUnknown where it has to send it (again)."""
        shelf = self._shelves.get(consumer)
        if shelf is None or sha256 not in shelf.texts:
            raise DocumentUnknown
        shelf.texts.move_to_end(sha256)
        return shelf.texts[sha256]

    def keep(self, sha256: str, text: str, consumer: str) -> None:
        """Keep a text; BadInput where the hash is another's, so that no text can be put in the place of a second one."""
        if document_id(text) != sha256:
            raise BadInput(ANOTHERS)
        shelf = self._shelves.setdefault(consumer, _Shelf())
        if sha256 in shelf.texts:
            shelf.texts.move_to_end(sha256)
            return
        shelf.put(sha256, text)
        if len(shelf.texts) > self._for_each:
            shelf.drop()
        while len(self) > self._in_all:
            self._drop_of(max(self._shelves, key=lambda name: len(self._shelves[name].texts)))
        while self.letters > self._letters:
            self._drop_of(max(self._shelves, key=lambda name: self._shelves[name].letters))

    def __len__(self) -> int:
        """Count what is kept."""
        return sum(len(shelf.texts) for shelf in self._shelves.values())

    @property
    def letters(self) -> int:
        """How many letters are kept."""
        return sum(shelf.letters for shelf in self._shelves.values())

    def _drop_of(self, consumer: str) -> None:
        shelf = self._shelves[consumer]
        shelf.drop()
        if not shelf.texts:
            del self._shelves[consumer]
