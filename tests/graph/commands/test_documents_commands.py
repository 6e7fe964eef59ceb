"""`motcua documents`, as an operator runs it: what is registered, and what is objected to and where."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest
import strawberry

from graph.access.directives import Fee, Personal, Subject
from graph.access.trusted import TrustedDocument, TrustedDocuments, document_id, read_documents
from graph.commands.documents import documents
from graph.errors import MotcuaError, SettingsWrong
from graph.execution.schema import FastSchema
from graph.seam import Record, Upstream, batch_one, link, link_each, wire
from tests.lines import REGISTER

SETTINGS: Final = """
[gateway]
schema = "tests.graph.commands.test_documents_commands:schema"
[systems.register]
url = "sandbox:/register"
token = "env:REGISTER_TOKEN"
"""
CONSUMERS: Final = """
version = 1

[purposes.birth]
title = "Đăng ký khai sinh"
legal_basis = "statutory"
ground = "Luật Hộ tịch 60/2014/QH13"
fields = ["Query.person", "Query.people", "Query.place", "Person.name", "Person.born"]
requires = ["case", "official"]

[purposes.firms]
title = "Tra cứu doanh nghiệp"
legal_basis = "public"
ground = "Luật Doanh nghiệp 59/2020/QH14"
fields = ["Query.place", "Firm.*"]

[consumers.office]
organisation = "UBND phường"
kind = "state"
purposes = ["birth", "firms"]
allowances = { cost = 20, persons = 2 }

[consumers.archive]
organisation = "Lưu trữ"
kind = "state"
purposes = ["birth"]
priority = "batch"
"""
ONE: Final = "query One($id: String!) {\n  person(id: $id) {\n    name\n    born\n  }\n}\n"
MANY: Final = "query Many($ids: [String!]!, $short: Boolean!) { people(ids: $ids) { name born @skip(if: $short) } }"
OFFICE: Final = ("--consumer", "office", "--purpose", "birth")


class PersonRecord(Record):
    """A row of the register."""

    id: str = wire("ID")
    name: str = wire("NAME")
    born: str = wire("BORN")


@batch_one(REGISTER, max_keys=50)
async def person_by_id(_upstream: Upstream, _ids: Sequence[str]) -> Mapping[str, PersonRecord]:
    return {}


def _id(_root: None, id: str) -> str:  # noqa: A002 - as clients write it
    return id


def _ids(_root: None, ids: list[str]) -> list[str]:
    return ids


@strawberry.type(directives=[Personal(), Subject(field="id")])
class Person:
    id: str
    name: str
    born: str = strawberry.field(directives=[Fee(vnd=1_000)])


@strawberry.interface
class Place:
    name: str


@strawberry.type
class Firm(Place):
    code: str


@strawberry.type
class Shop(Place):
    street: str


@strawberry.type
class Query:
    person: Person | None = link(person_by_id, key=_id, description="A person.")
    people: list[Person | None] | None = link_each(person_by_id, keys=_ids, description="People.")

    @strawberry.field
    def place(self, id: str) -> Place | None:  # noqa: A002, ARG002 - as clients write it
        return None


schema = FastSchema(Query, types=[Firm, Shop])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write settings in front of the sandbox, with their file of consumers."""
    (tmp_path / "motcua.toml").write_text(SETTINGS, "utf-8")
    (tmp_path / "consumers.toml").write_text(CONSUMERS, "utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> int:
    code: int = documents([*arguments, "--settings", str(folder / "motcua.toml")], result_action="return_value")
    return code


def add(folder: Path, text: str, *options: str, name: str = "one") -> int:
    file = folder / f"{name}.graphql"
    file.write_bytes(text.encode())
    return run(folder, "add", str(file), *(options or OFFICE))


def kept(folder: Path) -> tuple[TrustedDocument, ...]:
    return read_documents(folder / "documents.json")


def objections(folder: Path, text: str, capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    """Try to register a text, and return each objection from its line number on."""
    assert add(folder, text, *options) == 1
    assert kept(folder) == ()
    file = str(folder / "one.graphql")
    return [line.removeprefix(f"{file}:") for line in capsys.readouterr().out.splitlines()]


# ── adding ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_registered_document_may_be_run_by_its_id_by_whom_it_is_registered_for(folder: Path) -> None:
    assert add(folder, ONE) == 0

    trusted = TrustedDocuments(folder / "documents.json")
    assert trusted.text(document_id(ONE), "office", "birth") == ONE
    assert not trusted.is_trusted(ONE, "archive", "birth")
    assert not trusted.is_trusted(ONE, "office", "firms")


def test_what_it_reads_and_costs_is_written_beside_it(folder: Path) -> None:
    add(folder, ONE)

    [document] = kept(folder)
    [registration] = document.registrations
    assert (document.name, document.id) == ("one", document_id(ONE))
    assert registration.fields == ("Person.born", "Person.name", "Query.person")
    assert (registration.persons, registration.fee) == (1, 1_000)
    assert registration.cost >= 1


def test_lists_count_as_long_as_assumed_and_nothing_as_skipped(folder: Path) -> None:
    add(folder, MANY)

    [registration] = kept(folder)[0].registrations
    assert (registration.persons, registration.fee) == (10, 10_000)
    assert "Person.born" in registration.fields


def test_several_operations_are_registered_as_one_document_with_all_that_any_of_them_reads(folder: Path) -> None:
    both = "query A($id: String!) { person(id: $id) { ...N } } query B($ids: [String!]!) { people(ids: $ids) { ...N } }"
    text = f"{both} fragment N on Person {{ name }}"
    add(folder, text)

    [registration] = kept(folder)[0].registrations
    assert registration.fields == ("Person.name", "Query.people", "Query.person")
    assert registration.persons == 10


def test_each_field_that_the_purpose_does_not_cover_is_named_with_its_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "query($id: String!) {\n  person(id: $id) { name id }\n  firm: place(id: $id) {\n    name\n    ... on Firm { code }\n  }\n}"

    found = objections(folder, text, capsys)
    assert sorted(line.split()[0] for line in found) == ["2:26", "4:5", "4:5", "5:19"]
    assert {coordinate for line in found for coordinate in re.findall(r"(?:Person|Firm|Shop|Query)\.\w+", line)} == {
        "Person.id", "Firm.name", "Shop.name", "Firm.code",
    }  # fmt: skip


def test_under_an_interface_the_field_of_every_type_counts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = objections(folder, "query($id: String!) { place(id: $id) { name } }", capsys, "--consumer", "office", "--purpose", "firms")

    assert [line for line in found if "Shop.name" in line]


def test_what_a_consumer_could_never_ask_for_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = " ".join(f"a{number}: person(id: $id) {{ name }}" for number in range(3))
    [found] = objections(folder, f"query($id: String!) {{ {named} }}", capsys)

    assert "number of persons is at least 3; the consumer may ask for 2" in found


def test_how_long_a_list_is_is_left_to_the_request(folder: Path) -> None:
    assert add(folder, MANY) == 0
    assert add(folder, MANY, "--consumer", "archive", "--purpose", "birth") == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{ person(id: "099085000002") { name } }', r"1:14 id: text stands in the query itself"),
        ("{ person(id: 1) { name } }", r"1:14 "),
        ("{ nothing }", r"1:3 Cannot query field"),
        ("{ person(", r"1:10 Syntax Error"),
        ("", r"1:1 Syntax Error"),
        ("{ ...A } fragment A on Query { ...A }", r"1:1 The document is nested"),
    ],
)
def test_a_document_with_values_in_it_or_that_is_not_valid_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, expected: str
) -> None:
    found = objections(folder, text, capsys)

    assert re.match(expected, found[0]), found
    assert "099085000002" not in "".join(found)


def test_with_an_objection_to_one_file_none_is_registered(folder: Path) -> None:
    good, wrong = folder / "good.graphql", folder / "wrong.graphql"
    good.write_text(ONE, "utf-8")
    wrong.write_text("{ nothing }", "utf-8")

    assert run(folder, "add", str(good), str(wrong), *OFFICE) == 1
    assert kept(folder) == ()


def test_who_registers_again_replaces_what_was_found_and_leaves_others_alone(folder: Path) -> None:
    add(folder, ONE)
    add(folder, ONE, "--consumer", "archive", "--purpose", "birth")
    before = (folder / "documents.json").read_bytes()
    add(folder, ONE)

    assert [each.consumer for each in kept(folder)[0].registrations] == ["archive", "office"]
    assert (folder / "documents.json").read_bytes() == before


def test_another_text_of_the_same_name_stands_beside_the_first_so_that_old_clients_go_on(folder: Path) -> None:
    add(folder, ONE)
    add(folder, ONE + "\n")

    assert {document.text for document in kept(folder)} == {ONE, ONE + "\n"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "missing.graphql", *OFFICE),
        ("add", *OFFICE),
        ("add", "motcua.toml", "--consumer", "nobody", "--purpose", "birth"),
        ("add", "motcua.toml", "--consumer", "archive", "--purpose", "firms"),
        ("remove", "nothing"),
        ("remove", ""),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(folder: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(MotcuaError):
        run(folder, *(str(folder / each) if "." in each else each for each in arguments))

    assert not (folder / "documents.json").exists() or kept(folder) == ()


def test_a_file_in_another_encoding_is_refused(folder: Path) -> None:
    file = folder / "latin.graphql"
    file.write_bytes(b"{ \xe9 }")

    with pytest.raises(SettingsWrong, match="expected a text in UTF-8"):
        run(folder, "add", str(file), *OFFICE)


# ── listing, checking, removing ──────────────────────────────────────────────────────────────────────────────────────────


def test_documents_are_listed_as_a_table_and_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(folder, ONE)
    capsys.readouterr()
    assert run(folder, "list") == 0
    table = capsys.readouterr().out
    assert run(folder, "list", "--json") == 0
    [shown] = json.loads(capsys.readouterr().out)

    assert re.search(rf"one +{document_id(ONE)[:12]} +office +birth +3 +\d+ +1 +1,000", table)
    assert (shown["id"], shown["text"]) == (document_id(ONE), ONE)


CHANGES: dict[str, Callable[[str], str]] = {
    "Person.born": lambda text: text.replace(', "Person.born"', ""),
    "cost is at least": lambda text: text.replace("cost = 20", "cost = 1"),
    "There is no consumer": lambda text: text.replace("consumers.office", "consumers.bureau"),
    "purpose": lambda text: text.replace('purposes = ["birth", "firms"]', 'purposes = ["firms"]'),
    "is over": lambda text: text.replace('purposes = ["birth", "firms"]', "purposes = { birth = 2020-01-01 }"),
}


@pytest.mark.parametrize("said", CHANGES)
def test_a_check_finds_what_has_changed_since_a_document_was_registered(
    folder: Path, capsys: pytest.CaptureFixture[str], said: str
) -> None:
    text = "query($id: String!) { person(id: $id) { name born } again: person(id: $id) { name } }"
    add(folder, text)
    assert run(folder, "check") == 0
    capsys.readouterr()
    (folder / "consumers.toml").write_text(CHANGES[said](CONSUMERS), "utf-8")

    assert run(folder, "check") == 1
    shown = capsys.readouterr().out
    assert re.search(rf"^one \(office, birth\):\d+:\d+ .*{said}", shown, re.MULTILINE), shown


def test_a_check_finds_a_document_that_costs_something_else_now(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(folder, ONE)
    file = folder / "documents.json"
    file.write_text(file.read_text("utf-8").replace('"fee": 1000', '"fee": 900'), "utf-8")
    capsys.readouterr()

    assert run(folder, "check") == 1
    assert "expected to be registered again" in capsys.readouterr().out


@pytest.mark.parametrize("said", ["one", document_id(ONE), "sha256:" + document_id(ONE), document_id(ONE)[:12]])
def test_a_document_is_taken_away_by_its_name_or_id(folder: Path, said: str) -> None:
    add(folder, ONE)

    assert run(folder, "remove", said) == 0
    assert kept(folder) == ()


def test_a_registration_is_taken_away_and_the_others_stay(folder: Path) -> None:
    add(folder, ONE)
    add(folder, ONE, "--consumer", "archive", "--purpose", "birth")

    assert run(folder, "remove", "one", "--consumer", "office") == 0
    assert [each.consumer for each in kept(folder)[0].registrations] == ["archive"]
    with pytest.raises(SettingsWrong, match="not registered for them"):
        run(folder, "remove", "one", "--consumer", "office")


def test_of_two_documents_of_a_name_neither_is_taken_away_by_it(folder: Path) -> None:
    add(folder, ONE)
    add(folder, ONE + "\n")

    with pytest.raises(SettingsWrong, match="2 documents"):
        run(folder, "remove", "one")
    assert len(kept(folder)) == 2


def test_a_file_that_is_wrong_is_not_written_over(folder: Path) -> None:
    file = folder / "documents.json"
    file.write_text("{", "utf-8")

    with pytest.raises(SettingsWrong):
        add(folder, ONE)
    assert file.read_text("utf-8") == "{"
    assert [each.name for each in folder.iterdir() if each.name.startswith(".")] == []
