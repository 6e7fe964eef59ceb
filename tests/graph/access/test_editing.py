"""Changes to the file of consumers by command: small, checked, all or nothing, with the words of people kept."""

import os
import stat
import threading
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from graph.access.consumers import Consumers, read_registry
from graph.access.editing import NewConsumer, RegistryFile
from graph.access.keys import new_key
from graph.access.registry import Registry
from graph.errors import SettingsWrong
from tests.graph.access.register import GOOD, HASH, replaced, small_file, small_schema, written

CLINIC = NewConsumer("clinic", "Trạm y tế", "state", ("registration",), "caseworker")
END = datetime(2026, 12, 1, tzinfo=UTC)
# As people write it: purposes and consumers in turn, a consumer as one line, a consumer without keys.
SCATTERED = (
    GOOD
    + """
[purposes.planning]
title = "Quy hoạch"
legal_basis = "public"
ground = "Luật Quy hoạch"
fields = ["@place"]

# The last of them.
[consumers.mapper]
organisation = "Sở"
kind = "state"
purposes = ["planning"]

[consumers.one-line]
organisation = "Sở"
kind = "state"
purposes = ["planning"]
keys = { old = { hash = "sha256:0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f", made = 2026-01-01 } }
"""
)


def added(one: RegistryFile, name: str, purpose: str, kind: str = "state") -> Registry:
    return one.add(NewConsumer(name, "Sở", kind, (purpose,)), new_key()[1])


def lines_that_went(before: str, after: str) -> list[str]:
    kept = after.splitlines()
    return [line for line in before.splitlines() if line not in kept]


def test_a_consumer_is_added_with_its_key_and_nothing_else_changes(tmp_path: Path) -> None:
    file = written(tmp_path)
    _, key = new_key("first-of-clinic")
    registry = small_file(file).add(CLINIC, key)

    assert registry == read_registry(file, small_schema())
    clinic = registry.consumers["clinic"]
    assert (clinic.organisation, clinic.kind, clinic.purposes, clinic.priority) == (
        "Trạm y tế",
        "state",
        {"registration": None},
        "caseworker",
    )
    assert [(found.id, found.hash, found.expires) for found in clinic.keys] == [("first-of-clinic", key.hash, None)]
    assert (registry.version, clinic.explorer) == (4, False)
    assert lines_that_went(GOOD, file.read_text("utf-8")) == ["version = 3"]


def test_an_explorer_is_added_as_one(tmp_path: Path) -> None:
    made = small_file(written(tmp_path)).add(NewConsumer("maker", "Sở", "state", ("registration",), explorer=True), new_key()[1])

    assert made.consumers["maker"].explorer


def test_comments_and_order_are_kept_by_every_change(tmp_path: Path) -> None:
    file = written(tmp_path, SCATTERED)
    one = small_file(file)
    one.add(CLINIC, new_key()[1])
    one.rotate("office", new_key()[1], END)
    one.rotate("mapper", new_key()[1], END)
    one.rotate("one-line", new_key()[1], END)
    one.revoke("clinic", None)
    after = file.read_text("utf-8")

    assert [line for line in lines_that_went(SCATTERED, after) if "#" in line] == []
    assert after.startswith("# The consumers of the small register.\nversion = 8\n")
    positions = [
        after.index(f"[{name}]") for name in ("groups", "purposes.account", "consumers.office", "purposes.planning", "consumers.mapper")
    ]
    assert positions == sorted(positions)
    assert len(read_registry(file, small_schema()).consumers["mapper"].keys) == 1


def test_with_a_new_key_the_others_end_after_the_overlap(tmp_path: Path) -> None:
    one = small_file(written(tmp_path))
    one.rotate("office", new_key("second")[1], END)
    registry = one.rotate("office", new_key("third")[1], END + timedelta(days=1))

    ends = {key.id: key.expires for key in registry.consumers["office"].keys}
    assert ends == {"first": END, "second": END + timedelta(days=1), "third": None}


def test_a_key_that_ends_earlier_than_the_overlap_is_not_prolonged(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD.replace("made = 2026-01-01T00:00:00Z", "made = 2026-01-01\nexpires = 2026-06-01"))
    registry = small_file(file).rotate("office", new_key("second")[1], END)

    assert registry.consumers["office"].keys[0].expires == datetime(2026, 5, 31, 17, tzinfo=UTC)


def test_one_key_is_taken_away(tmp_path: Path) -> None:
    one = small_file(written(tmp_path))
    one.rotate("office", new_key("second")[1], END)
    registry = one.revoke("office", "first")

    assert [key.id for key in registry.consumers["office"].keys] == ["second"]
    assert registry.consumers["office"].tokens
    assert registry.consumers["office"].certificates


@pytest.mark.parametrize("text", [GOOD, SCATTERED])
def test_all_by_which_a_consumer_could_prove_who_it_is_is_taken_away(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    office = small_file(file).revoke("office", None).consumers["office"]

    assert (office.keys, office.tokens, office.certificates) == ((), (), frozenset())
    assert HASH not in file.read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: added(one, "bank", "registration"), "consumers.bank: there is a consumer of this name already"),
        (lambda one: added(one, "Clinic", "registration"), "consumers.Clinic: expected a name of 2 to 64 small letters"),
        (lambda one: added(one, "clinic", "cure"), "consumers.clinic.purposes: cure: no such purpose"),
        (
            lambda one: added(one, "clinic", "registration", kind="private"),
            "consumers.clinic.purposes: registration: expected consent = true",
        ),
        (lambda one: one.add(CLINIC, new_key("first")[1]), "keys.first: this is consumers.office too"),
        (lambda one: one.rotate("nobody", new_key()[1], END), "there is no consumer of this name; expected one of bank, office"),
        (lambda one: one.revoke("nobody", None), "there is no consumer of this name; expected one of bank, office"),
        (lambda one: one.revoke("office", "second"), "consumers.office.keys: there is no key of this id; expected one of first"),
        (lambda one: one.revoke("bank", "second"), "consumers.bank.keys: there is no key of this id; expected none"),
    ],
)
def test_what_would_be_wrong_is_refused_and_leaves_the_file_as_it_was(
    tmp_path: Path, change: Callable[[RegistryFile], Registry], said: str
) -> None:
    file = written(tmp_path)

    with pytest.raises(SettingsWrong) as raised:
        change(small_file(file))

    assert raised.value.message.startswith(f"{file}: ")
    assert said in raised.value.message
    assert file.read_text("utf-8") == GOOD
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_wrong_already_is_not_changed(tmp_path: Path) -> None:
    text = GOOD.replace("min_age = 14", "min_age = -1")
    file = written(tmp_path, text)

    with pytest.raises(SettingsWrong, match=r"purposes\.registration\.min_age"):
        small_file(file).add(CLINIC, new_key()[1])
    assert file.read_text("utf-8") == text


def test_a_consumer_that_is_written_in_one_line_gets_its_key_there(tmp_path: Path) -> None:
    line = 'consumers.mapper = { organisation = "Sở", kind = "state", purposes = ["registration"] }\n'
    file = written(tmp_path, line + GOOD)
    registry = small_file(file).rotate("mapper", new_key("second")[1], END)

    assert [key.id for key in registry.consumers["mapper"].keys] == ["second"]
    assert lines_that_went(GOOD, file.read_text("utf-8")) == ["version = 3"]


def test_the_mode_of_the_file_and_a_link_to_it_are_kept(tmp_path: Path) -> None:
    file = written(tmp_path)
    file.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    small_file(link).add(CLINIC, new_key()[1])

    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert "clinic" in read_registry(link, small_schema()).consumers


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_of_the_file_is_kept(tmp_path: Path) -> None:
    file = written(tmp_path)
    os.chown(file, 4_711, 4_712)
    small_file(file).add(CLINIC, new_key()[1])

    assert (file.stat().st_uid, file.stat().st_gid) == (4_711, 4_712)


def test_changes_at_the_same_time_are_all_made(tmp_path: Path) -> None:
    file = written(tmp_path)
    names = [f"office-{number}" for number in range(8)]

    def add(name: str) -> None:
        small_file(file).add(NewConsumer(name, "Sở", "state", ("registration",)), new_key()[1])

    threads = [threading.Thread(target=add, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    registry = read_registry(file, small_schema())
    assert {*names, "office", "bank"} == registry.consumers.keys()
    assert registry.version == 3 + len(names)


def test_a_gateway_that_runs_follows_a_change_by_command(tmp_path: Path) -> None:
    file = written(tmp_path)
    consumers = Consumers(file, small_schema(), tell=lambda *_, **__: None)
    small_file(file).revoke("office", "first")

    assert consumers.look()
    assert consumers.current.consumers["office"].keys == ()


def test_a_change_by_command_goes_on_from_what_an_editor_wrote(tmp_path: Path) -> None:
    file = written(tmp_path)
    one = small_file(file)
    replaced(file, lambda text: text.replace("version = 3", "version = 30  # by hand"))
    one.add(CLINIC, new_key()[1])

    assert tomllib.loads(file.read_text("utf-8"))["version"] == 31
    assert "version = 31  # by hand" in file.read_text("utf-8")


def test_no_secret_of_a_key_reaches_the_file(tmp_path: Path) -> None:
    file = written(tmp_path)
    secret, key = new_key()
    small_file(file).add(CLINIC, key)

    assert secret.rpartition("_")[2] not in file.read_text("utf-8")
