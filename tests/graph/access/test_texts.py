"""Which text a request means: by its id, by its hash, or sent along; and what those get who mean none that they may run."""

from pathlib import Path
from typing import Any

import pytest

from graph.access.asker import Asker
from graph.access.texts import Text, Texts
from graph.access.trusted import AutomaticDocuments, TrustedDocuments, document_id
from graph.errors import BadInput, DocumentsNotKept, DocumentUnknown, NotTrusted
from graph.execution.permits import EVERYTHING
from graph.loading.sharing import Caller
from graph.upstream.priority import Priority
from tests.graph.access.test_trusted import OTHER, TEXT, document, kept

OFFICE = Asker(Caller("ward", "birth"), EVERYTHING, Priority.CITIZEN)
BANK = Asker(Caller("bank", "account"), EVERYTHING, Priority.CITIZEN)
DEVELOPER = Asker(Caller("developer", "birth"), EVERYTHING, Priority.CITIZEN, explorer=True)
KNOWN = document_id(TEXT)


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    return made(tmp_path, free=False)


def made(folder: Path, *, free: bool) -> Texts:
    return Texts(TrustedDocuments(kept(folder, document(TEXT, ("ward", "birth")))), AutomaticDocuments(), free=free)


def persisted(sha256: Any, version: Any = 1) -> dict[str, Any]:
    return {"persistedQuery": {"version": version, "sha256Hash": sha256}}


@pytest.mark.parametrize(
    ("query", "document_id", "extensions"),
    [
        (None, KNOWN, None),
        (None, f"sha256:{KNOWN}", {}),
        (None, None, persisted(KNOWN)),
        (TEXT, None, None),
        (TEXT, None, persisted(KNOWN)),
    ],
)
def test_a_registered_document_is_found_in_every_way_of_naming_it(
    texts: Texts, query: str | None, document_id: str | None, extensions: dict[str, Any] | None
) -> None:
    assert texts.of(OFFICE, query, document_id, extensions) == Text(TEXT, trusted=True)


@pytest.mark.parametrize("asker", [BANK, DEVELOPER])
def test_the_id_of_a_document_of_others_leads_to_nothing(texts: Texts, asker: Asker) -> None:
    with pytest.raises(NotTrusted):
        texts.of(asker, None, KNOWN, None)


def test_who_may_send_no_texts_gets_none_run_that_is_not_registered(texts: Texts) -> None:
    for query in (OTHER, TEXT + " ", TEXT.strip()):
        with pytest.raises(NotTrusted):
            texts.of(OFFICE, query, None, None)
    with pytest.raises(NotTrusted):
        texts.of(BANK, TEXT, None, None)


def test_a_hash_is_not_supported_where_texts_are_not_kept(texts: Texts) -> None:
    for query in (None, OTHER):
        with pytest.raises(DocumentsNotKept) as raised:
            texts.of(OFFICE, query, None, persisted(document_id(OTHER)))
        assert (raised.value.code, raised.value.message) == ("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")


def test_a_developer_sends_a_text_once_and_its_hash_from_then_on(texts: Texts) -> None:
    with pytest.raises(DocumentUnknown) as raised:
        texts.of(DEVELOPER, None, None, persisted(document_id(OTHER)))
    assert (raised.value.code, raised.value.message) == ("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
    assert texts.of(DEVELOPER, OTHER, None, persisted(document_id(OTHER))) == Text(OTHER, trusted=False)
    assert texts.of(DEVELOPER, None, None, persisted(document_id(OTHER))) == Text(OTHER, trusted=False)


def test_where_texts_are_free_everybody_sends_its_own_and_finds_only_its_own(tmp_path: Path) -> None:
    texts = made(tmp_path, free=True)

    assert texts.of(BANK, OTHER, None, persisted(document_id(OTHER))) == Text(OTHER, trusted=False)
    with pytest.raises(DocumentUnknown):
        texts.of(OFFICE, None, None, persisted(document_id(OTHER)))


@pytest.mark.parametrize("asker", [DEVELOPER, OFFICE], ids=["free", "registered"])
def test_a_text_under_the_hash_of_another_is_refused(texts: Texts, asker: Asker) -> None:
    with pytest.raises(BadInput, match="expected the SHA-256 of the query"):
        texts.of(asker, OTHER, None, persisted(document_id(TEXT)))


@pytest.mark.parametrize(
    ("query", "document_id", "extensions"),
    [
        (None, None, None), (None, None, {}), (None, None, {"persistedQuery": None}), (TEXT, KNOWN, None), (None, KNOWN, persisted(KNOWN)),
        (TEXT, None, persisted(KNOWN, 2)), (TEXT, None, persisted(KNOWN, "1")), (TEXT, None, persisted(KNOWN.upper())),
        (TEXT, None, persisted(f"sha256:{KNOWN}")), (TEXT, None, persisted(None)), (TEXT, None, persisted([KNOWN])),
        (TEXT, None, {"persistedQuery": KNOWN}), (TEXT, None, {"persistedQuery": []}), (TEXT, None, persisted("٣" * 64)),
    ],
)  # fmt: skip
def test_what_names_no_document_or_two_is_refused(
    texts: Texts, query: str | None, document_id: str | None, extensions: dict[str, Any] | None
) -> None:
    with pytest.raises(BadInput):
        texts.of(DEVELOPER, query, document_id, extensions)
