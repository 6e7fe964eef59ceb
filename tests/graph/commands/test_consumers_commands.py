"""`motcua consumers`, as an operator runs it: who may ask, with which keys and for what."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from graph.access.consumers import read_registry
from graph.access.keys import ApiKeys
from graph.access.registry import Registry
from graph.commands.consumers import SHOWN_ONCE, consumers
from graph.errors import SettingsWrong
from tests.graph.access.register import GOOD, HASH, OTHER_HASH, small_schema, written

SETTINGS = """
[gateway]
schema = "tests.graph.access.register:schema"
[systems.register]
url = "{url}"
token = "env:REGISTER_TOKEN"
"""
NEW = ("--organisation", "Trạm y tế", "--kind", "state", "--purpose", "registration")
SECRET = re.compile(r"mcu_[a-z0-9-]+_[A-Za-z0-9_-]{43,}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write settings in front of the sandbox, with their file of consumers."""
    (tmp_path / "motcua.toml").write_text(SETTINGS.format(url="sandbox:/register"), "utf-8")
    written(tmp_path)
    return tmp_path


def run(folder: Path, *arguments: str) -> int:
    code: int = consumers([*arguments, "--settings", str(folder / "motcua.toml")], result_action="return_value")
    return code


def registry(folder: Path) -> Registry:
    return read_registry(folder / "consumers.toml", small_schema(), demo=True)


def lines(text: str) -> dict[str, list[str]]:
    """Read a table: its lines, by their first cell."""
    return {cells[0]: cells[1:] for cells in (re.split(r"\s{2,}", line.strip()) for line in text.strip().splitlines())}


def test_consumers_are_listed_with_what_they_prove_themselves_by(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "list") == 0
    listed = capsys.readouterr().out
    assert run(folder) == 0

    shown = lines(listed)
    assert shown["office"] == ["UBND phường", "state", "citizen", "registration", "first", "tokens of 1, certificates: 1", "-"]
    assert shown["bank"] == ["Ngân hàng", "private", "service", "account until 2026-12-31 17:00 UTC", "-", "-", "-"]
    assert capsys.readouterr().out == listed


def test_the_list_as_json_holds_everything_but_hashes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(folder, "list", "--json")
    out = capsys.readouterr().out

    office, bank = json.loads(out)["consumers"]
    assert office["keys"] == [{"id": "first", "made": "2026-01-01T00:00:00Z", "expires": None}]
    assert (office["tokens"], office["certificates"], office["purposes"]) == (1, 1, {"registration": None})
    assert bank["purposes"] == {"account": "2026-12-31T17:00:00Z"}
    assert HASH not in out


def test_a_key_that_is_over_is_not_listed_among_those_that_hold(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    over = f'[consumers.bank.keys.over]\nhash = "{OTHER_HASH}"\nmade = 2020-01-01\nexpires = 2021-01-01\n'
    written(folder, GOOD + over)
    run(folder, "list")

    assert lines(capsys.readouterr().out)["bank"][-3:] == ["-", "-", "-"]


def test_an_added_consumer_can_use_the_key_that_is_shown_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "add", "clinic", *NEW, "--priority", "caseworker", "--explorer") == 0
    said = capsys.readouterr()

    assert SECRET.fullmatch(said.out.strip())
    assert said.err == f"clinic is a consumer since version 4. {SHOWN_ONCE}\n"
    clinic = registry(folder).consumers["clinic"]
    assert (clinic.priority, clinic.explorer) == ("caseworker", True)
    assert ApiKeys(registry(folder).consumers.values()).holder(said.out.strip().encode(), 0).consumer == clinic
    run(folder, "list")
    assert said.out.strip() not in "".join(capsys.readouterr())


def test_a_rotated_key_works_beside_the_old_one_until_the_overlap_ends(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(folder, "add", "clinic", *NEW)
    old = capsys.readouterr().out.strip().encode()
    began = datetime.now(UTC)
    assert run(folder, "rotate", "clinic", "--overlap", "2h") == 0
    new = capsys.readouterr().out.strip().encode()

    keys = ApiKeys(registry(folder).consumers.values())
    ends = datetime.fromtimestamp(keys.holder(old, began.timestamp()).until, UTC)
    assert timedelta(hours=2) - timedelta(seconds=1) <= ends - began <= timedelta(hours=2, minutes=2)
    assert keys.holder(new, began.timestamp()).until == float("inf")
    assert old != new


@pytest.mark.parametrize("overlap", ["soon", "5 weeks"])
def test_an_overlap_that_is_no_duration_changes_nothing(folder: Path, overlap: str) -> None:
    with pytest.raises(SettingsWrong, match="expected a duration such as"):
        run(folder, "rotate", "office", "--overlap", overlap)
    assert (folder / "consumers.toml").read_text("utf-8") == GOOD


def test_a_key_and_then_all_proofs_are_taken_away(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "revoke", "office", "first") == 0
    assert registry(folder).consumers["office"].keys == ()
    assert registry(folder).consumers["office"].tokens
    assert run(folder, "revoke", "office") == 0

    office = registry(folder).consumers["office"]
    assert (office.keys, office.tokens, office.certificates) == ((), (), frozenset())
    one, every = capsys.readouterr().out.splitlines()
    assert one.startswith("office has lost the key first since version 4;")
    assert every.startswith("office has lost every key, token and certificate since version 5;")


def test_checking_shows_what_each_purpose_may_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "check") == 0
    out = capsys.readouterr().out

    table, said = out.rstrip().rsplit("\n\n", 1)
    shown = lines(table)
    assert shown["registration"] == ["statutory", "4", "1", "3", "-", "mask", "14", "2029-12-31 17:00 UTC", "office"]
    assert shown["account"] == ["consent", "2", "0", "2", "needed", "mask", "-", "-", "bank"]
    assert said == f"{folder / 'consumers.toml'}: version 3 is right: 2 consumers, 2 purposes, 2 fields open to everybody"


def test_a_wrong_file_is_refused_by_every_command_and_left_alone(folder: Path) -> None:
    text = GOOD.replace("min_age = 14", "min_age = -1")
    file = written(folder, text)
    for arguments in (("list",), ("check",), ("add", "clinic", *NEW), ("rotate", "office"), ("revoke", "office")):
        with pytest.raises(SettingsWrong, match=r"consumers\.toml: purposes\.registration\.min_age: expected `int` >= 0"):
            run(folder, *arguments)
    assert file.read_text("utf-8") == text


def test_in_front_of_a_real_system_a_demo_consumer_is_refused(folder: Path) -> None:
    written(folder, GOOD.replace('kind = "state"', 'kind = "state"\ndemo = true'))
    assert run(folder, "check") == 0
    (folder / "motcua.toml").write_text(SETTINGS.format(url="https://agency.example/api"), "utf-8")

    with pytest.raises(SettingsWrong, match=r"consumers\.office\.demo: expected no demo consumer"):
        run(folder, "check")


def test_the_file_stands_where_the_settings_say(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "rights").mkdir()
    (folder / "consumers.toml").rename(folder / "rights" / "who.toml")
    settings = SETTINGS.format(url="sandbox:/register") + '[access]\nconsumers = "rights/who.toml"\n'
    (folder / "motcua.toml").write_text(settings, "utf-8")

    assert run(folder, "check") == 0
    assert f"{folder / 'rights' / 'who.toml'}: version 3 is right" in capsys.readouterr().out
