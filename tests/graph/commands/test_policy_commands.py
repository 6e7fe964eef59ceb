"""`motcua policy explain`, as somebody runs it who wonders why a field is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from graph.commands.policy import policy
from graph.errors import MotcuaError, PurposeRequired, SettingsWrong
from tests.servers import PROJECT

CONSUMERS = """
version = 1

[open]
fields = ["Query.commune", "Commune.name"]

[purposes.birth]
title = "Đăng ký khai sinh"
legal_basis = "statutory"
ground = "Luật Hộ tịch 60/2014/QH13"
fields = ["Query.citizen", "Query.commune", "Commune.name", "Citizen.fullName", "Citizen.gender", "Citizen.bloodGroup", "Citizen.isLiving"]
masked = ["Citizen.birthDate"]
requires = ["case", "official"]
min_age = 14

[consumers.office]
organisation = "UBND phường"
kind = "state"
purposes = ["birth"]
default_purpose = "birth"
"""
QUERY = """query One($id: PersonalId!) {
  citizen(id: $id) {
    fullName
    birthDate
    gender
    bloodGroup
    insurance { status }
  }
}
"""
PLACES = 'query Place { commune(code: "00004") { name } }'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    settings = (PROJECT / "motcua.toml").read_text("utf-8")
    (tmp_path / "motcua.toml").write_text(settings, "utf-8")
    (tmp_path / "consumers.toml").write_text(CONSUMERS, "utf-8")
    (tmp_path / "one.graphql").write_text(QUERY, "utf-8")
    (tmp_path / "both.graphql").write_text(f"{QUERY}\n{PLACES}\n", "utf-8")
    return tmp_path


def run(folder: Path, file: str, *words: str) -> Any:
    settings = ("--settings", str(folder / "motcua.toml"))
    return policy(["explain", str(folder / file), *words, *settings], result_action="return_value")


def told(text: str) -> dict[str, Any]:
    return {found["field"]: found for found in json.loads(text)}


def test_each_field_is_told_with_its_place_and_the_rule_that_decides(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "one.graphql", "--consumer", "office", "--purpose", "birth") == 1

    lines = capsys.readouterr().out.replace(f"{folder}/", "").splitlines()
    covered = "the purpose birth covers it (Luật Hộ tịch 60/2014/QH13)"
    assert lines[0] == f"one.graphql:2:3 allowed Query.citizen: {covered}; looked at in each record: an age from 14 on"
    assert lines[1].endswith("looked at in each record: an age from 14 on, protection: mask")
    assert lines[2].startswith("one.graphql:4:5 masked Citizen.birthDate: the purpose birth covers it masked")
    assert [line.split()[1] for line in lines] == ["allowed", "allowed", "masked", "allowed", "refused", "refused", "refused"]


def test_a_refusal_names_the_directive_or_the_legal_ground(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "one.graphql", "--consumer", "office", "--json") == 1

    found = told(capsys.readouterr().out)
    assert '@requiresScopes(scopes: [["citizen:sensitive"]])' in found["Citizen.bloodGroup"]["rule"]
    assert found["Citizen.insurance"]["rule"] == "The purpose birth does not cover Citizen.insurance (Luật Hộ tịch 60/2014/QH13)"
    assert found["InsuranceBook.status"]["state"] == "refused"


def test_only_the_operation_that_is_meant_is_explained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "both.graphql", "--consumer", "office", "--operation", "Place", "--json") == 0
    assert told(capsys.readouterr().out).keys() == {"Query.commune", "Commune.name"}


def test_somebody_unknown_may_read_what_is_open(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "both.graphql", "--operation", "Place", "--json") == 0
    assert {found["rule"] for found in told(capsys.readouterr().out).values()} == {"open to everybody"}
    assert run(folder, "one.graphql", "--json") == 1
    assert {found["state"] for found in told(capsys.readouterr().out).values()} == {"refused"}


@pytest.mark.parametrize(
    ("words", "expected", "message"),
    [
        (("one.graphql", "--consumer", "nobody"), SettingsWrong, "There is no consumer nobody"),
        (("one.graphql", "--consumer", "office", "--purpose", "tax"), PurposeRequired, "expected one of the purposes of this consumer"),
        (("one.graphql", "--operation", "Two"), SettingsWrong, "expected an operation of the document"),
        (("none.graphql",), SettingsWrong, "cannot be read"),
    ],
)
def test_what_is_not_there_is_said(folder: Path, words: tuple[str, ...], expected: type[MotcuaError], message: str) -> None:
    with pytest.raises(expected, match=message):
        run(folder, *words)


def test_a_query_that_is_not_valid_is_not_explained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "wrong.graphql").write_text("{ nobody }", "utf-8")

    assert run(folder, "wrong.graphql") == 1
    assert capsys.readouterr().out == ""
