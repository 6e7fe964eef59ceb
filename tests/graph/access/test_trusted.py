"""Trusted documents: what their file means, what is refused in it, how it is followed; and automatic ones, each consumer's its own."""

import asyncio
import hashlib
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from graph.access.trusted import (
    AutomaticDocuments,
    Registration,
    TrustedDocument,
    TrustedDocuments,
    document_id,
    read_documents,
    written,
)
from graph.errors import BadInput, DocumentUnknown, NotTrusted, SettingsWrong

TEXT = "query Person($id: PersonalId!) {\n  citizen(id: $id) { fullName }\n}\n"
OTHER = "{ provinces { name } }"


class Log:
    """What was told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, name: str, **fields: Any) -> None:
        self.told.append((name, fields))


def document(text: str, *whose: tuple[str, str], name: str = "person") -> TrustedDocument:
    """Make a document that is registered for these."""
    registrations = tuple(Registration(*each, cost=2, fee=1_000, persons=1, fields=("Citizen.fullName", "Query.citizen")) for each in whose)
    return TrustedDocument(document_id(text), name, text, registrations)


def kept(folder: Path, *documents: TrustedDocument) -> Path:
    """Write a file of documents, over the one before as a command does: another file in its place."""
    file, new = folder / "documents.json", folder / "new.json"
    new.write_bytes(written(documents))
    return new.replace(file)


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    documents = (document(TEXT, ("bank", "account"), ("ward", "birth")), document(OTHER, ("ward", "birth"), name="places"))

    assert read_documents(kept(tmp_path, *documents)) == documents


def test_the_file_is_the_same_whatever_the_order_in_which_documents_came(tmp_path: Path) -> None:
    documents = [document(TEXT, ("bank", "account"), ("ward", "birth")), document(OTHER, ("ward", "birth"), name="a")]
    turned = [document(OTHER, ("ward", "birth"), name="a"), document(TEXT, ("ward", "birth"), ("bank", "account"))]

    assert written(documents) == written(turned)
    assert read_documents(kept(tmp_path, *documents))[0].name == "a"


def test_a_text_stands_line_by_line_so_that_a_review_shows_what_changed() -> None:
    [shown] = json.loads(written([document(TEXT, ("ward", "birth"))]))["documents"]

    assert shown["text"] == ["query Person($id: PersonalId!) {", "  citizen(id: $id) { fullName }", "}", ""]
    assert shown["id"] == hashlib.sha256(TEXT.encode()).hexdigest()


@pytest.mark.parametrize("text", ["{ a }\r\n", "{ a }\n\n", "\n{ a }", "", '{ a(x: "Đặng Thị Ê") }', "{\t a }\u2028", "\ufeff{ a }"])
def test_a_text_comes_back_letter_by_letter(tmp_path: Path, text: str) -> None:
    [found] = read_documents(kept(tmp_path, document(text, ("ward", "birth"))))

    assert found.text == text


def test_no_file_means_no_documents(tmp_path: Path) -> None:
    assert TrustedDocuments(tmp_path / "documents.json").documents == ()


def spoiled(change: Callable[[dict[str, Any]], object]) -> str:
    """Write two good documents, and change something by hand."""
    content = json.loads(written([document(TEXT, ("ward", "birth")), document(OTHER, ("ward", "birth"), name="z")]))
    change(content)
    return json.dumps(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected documents as `motcua documents add` writes them"),
        ("[]", "expected documents as"),
        (spoiled(lambda it: it.update(format=2)), "expected documents as"),
        (spoiled(lambda it: it.update(more=1)), "expected documents as"),
        (spoiled(lambda it: it["documents"][1].pop("name")), "expected documents as"),
        (spoiled(lambda it: it["documents"][0]["registrations"][0].update(cost="2")), "expected documents as"),
        (spoiled(lambda it: it["documents"][1]["text"].append("")), "documents[1].id: expected the SHA-256 of the text"),
        (spoiled(lambda it: it["documents"][1].update(id="0" * 64)), "documents[1].id: expected the SHA-256 of the text"),
        (spoiled(lambda it: it["documents"].append(it["documents"][0])), "documents[2].id: expected each document once"),
        (spoiled(lambda it: it["documents"][0]["registrations"].extend(it["documents"][0]["registrations"])), "consumer and purpose once"),
        ("[" * 100_000, "expected documents as"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_named_with_what_was_expected(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "documents.json"
    file.write_text(content, "utf-8")

    with pytest.raises(SettingsWrong) as raised:
        read_documents(file)
    assert raised.value.message.startswith(f"{file}: ")
    assert message in raised.value.message
    assert "fullName" not in raised.value.message


# ── who may run what ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_document_is_found_by_its_hash_with_and_without_the_prefix(tmp_path: Path) -> None:
    trusted = TrustedDocuments(kept(tmp_path, document(TEXT, ("ward", "birth"))))

    assert trusted.text(document_id(TEXT), "ward", "birth") == TEXT
    assert trusted.text("sha256:" + document_id(TEXT), "ward", "birth") == TEXT


def test_what_is_not_registered_for_somebody_looks_as_if_it_were_nobodys(tmp_path: Path) -> None:
    trusted = TrustedDocuments(kept(tmp_path, document(TEXT, ("ward", "birth"))))
    known = document_id(TEXT)
    wrong: Iterable[tuple[str, str, str]] = [
        (known, "bank", "birth"), (known, "ward", "account"), (known, "", ""), ("0" * 64, "ward", "birth"),
        (known.upper(), "ward", "birth"), ("md5:" + known, "ward", "birth"),
        (known[:-1], "ward", "birth"), (known + "\n", "ward", "birth"), ("", "ward", "birth"),
        ("٣" * 64, "ward", "birth"), (TEXT, "ward", "birth"),
    ]  # fmt: skip

    said = set()
    for asked in wrong:
        with pytest.raises(NotTrusted) as raised:
            trusted.text(*asked)
        said.add((raised.value.message, raised.value.code))
    assert said == {("There is no document of this id for this consumer and purpose", "DOCUMENT_NOT_TRUSTED")}


def test_only_exactly_the_registered_text_is_trusted(tmp_path: Path) -> None:
    trusted = TrustedDocuments(kept(tmp_path, document(TEXT, ("ward", "birth"))))

    assert trusted.is_trusted(TEXT, "ward", "birth")
    assert TEXT in trusted
    for text in (TEXT + "\n", TEXT.strip(), TEXT.replace("  ", " "), "\ud800", ""):
        assert not trusted.is_trusted(text, "ward", "birth")
        assert text not in trusted
    assert not trusted.is_trusted(TEXT, "bank", "birth")


# ── while the file changes ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_changed_file_comes_into_force_and_is_told_of_once(tmp_path: Path) -> None:
    log = Log()
    trusted = TrustedDocuments(kept(tmp_path, document(TEXT, ("ward", "birth"))), tell=log)
    kept(tmp_path, document(OTHER, ("ward", "birth")))

    assert [trusted.look(), trusted.look()] == [True, False]
    assert trusted.text(document_id(OTHER), "ward", "birth") == OTHER
    with pytest.raises(NotTrusted):
        trusted.text(document_id(TEXT), "ward", "birth")
    [(name, fields)] = log.told
    assert (name, fields["what"]) == ("documents_changed", "documents.json")
    assert fields["before"] != fields["after"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 1, "documents": [', None])
def test_a_file_that_is_wrong_half_or_gone_leaves_the_last_good_one_in_force(tmp_path: Path, content: bytes | None) -> None:
    log = Log()
    file = kept(tmp_path, document(TEXT, ("ward", "birth")))
    trusted = TrustedDocuments(file, tell=log)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)

    assert [trusted.look(), trusted.look()] == [False, False]
    assert trusted.text(document_id(TEXT), "ward", "birth") == TEXT
    assert [name for name, _ in log.told] == ["documents_refused"]


def test_a_file_that_comes_later_is_taken(tmp_path: Path) -> None:
    trusted = TrustedDocuments(tmp_path / "documents.json", tell=Log())
    kept(tmp_path, document(TEXT, ("ward", "birth")))

    assert trusted.look()
    assert trusted.is_trusted(TEXT, "ward", "birth")


async def test_while_they_are_open_the_file_is_followed_by_itself(tmp_path: Path) -> None:
    file, changed = kept(tmp_path, document(TEXT, ("ward", "birth"))), asyncio.Event()
    async with TrustedDocuments(file, tell=lambda _name, **_fields: changed.set()) as trusted:
        kept(tmp_path, document(OTHER, ("ward", "birth")))
        await asyncio.wait_for(changed.wait(), 20)

        assert trusted.is_trusted(OTHER, "ward", "birth")


# ── automatic documents ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_text_that_was_sent_with_its_hash_is_found_by_it() -> None:
    automatic = AutomaticDocuments()
    automatic.keep(document_id(TEXT), TEXT, "portal")
    automatic.keep(document_id(TEXT), TEXT, "portal")

    assert automatic.known(document_id(TEXT), "portal") == TEXT
    assert len(automatic) == 1


@pytest.mark.parametrize("consumer", ["bank", "", "Portal"])
def test_nobody_finds_what_another_has_sent(consumer: str) -> None:
    automatic = AutomaticDocuments()
    automatic.keep(document_id(TEXT), TEXT, "portal")

    with pytest.raises(DocumentUnknown) as raised:
        automatic.known(document_id(TEXT), consumer)
    assert (raised.value.message, raised.value.code) == ("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")


@pytest.mark.parametrize("text", [OTHER, TEXT.strip(), "", "\ud800"])
def test_a_hash_of_another_text_is_refused_and_nothing_is_kept(text: str) -> None:
    automatic = AutomaticDocuments()

    with pytest.raises(BadInput):
        automatic.keep(document_id(TEXT), text, "portal")
    assert len(automatic) == 0


def test_a_consumer_that_floods_loses_what_it_has_not_used_for_longest_and_nobody_else_loses_anything() -> None:
    automatic = AutomaticDocuments(for_each=10, in_all=15, letters=10_000)
    mine = [f"{{ mine{number} }}" for number in range(4)]
    for text in mine:
        automatic.keep(document_id(text), text, "quiet")
    flood = [f"{{ flood{number} }}" for number in range(500)]
    for text in flood:
        automatic.keep(document_id(text), text, "loud")
        automatic.known(document_id(flood[0]), "loud")

    assert [automatic.known(document_id(text), "quiet") for text in mine] == mine
    assert automatic.known(document_id(flood[-1]), "loud") == flood[-1]
    assert automatic.known(document_id(flood[0]), "loud") == flood[0]
    with pytest.raises(DocumentUnknown):
        automatic.known(document_id(flood[1]), "loud")
    assert len(automatic) == 14


def test_the_bounds_hold_whoever_sends_what() -> None:
    chance = random.Random(7)  # noqa: S311 - a draw that can be repeated
    automatic = AutomaticDocuments(for_each=20, in_all=50, letters=3_000)
    for number in range(5_000):
        text = f"{{ field{number} {'x' * chance.randrange(300)} }}"
        automatic.keep(document_id(text), text, f"consumer{chance.randrange(12)}")
        assert len(automatic) <= 50
        assert automatic.letters <= 3_000

    assert len(automatic) > 5
    assert automatic.letters == sum(len(text) for shelf in automatic._shelves.values() for text in shelf.texts.values())


def test_a_text_longer_than_all_room_is_not_kept_and_breaks_nothing() -> None:
    automatic = AutomaticDocuments(letters=10)
    automatic.keep(document_id(TEXT), TEXT, "portal")

    assert (len(automatic), automatic.letters) == (0, 0)
