"""A watched file: its last good value holds, whatever the file or its reader does."""

import asyncio
from pathlib import Path

import pytest

from graph.access.watching import Watched
from graph.errors import SettingsWrong


class Told:
    """What was told of a file whose text is a number."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "number"
        self.changes: list[tuple[int, int]] = []
        self.refusals: list[str] = []
        self.refused = asyncio.Event()
        self.changed = asyncio.Event()
        self.file.write_text("12", "utf-8")
        self.watched = Watched(self.file, self.read, changed=self.note_change, refused=self.note_refusal)

    def read(self, file: Path, before: int | None) -> int:
        text = file.read_text("utf-8") if file.exists() else ""
        if not text:
            raise SettingsWrong(f"{file}: expected a number")
        number = 12 // int(text) * int(text)
        if before is not None and number < before:
            raise SettingsWrong(f"{file}: expected no smaller number")
        return number

    def note_change(self, before: int, after: int) -> None:
        self.changes.append((before, after))
        self.changed.set()

    def note_refusal(self, wrong: SettingsWrong) -> None:
        self.refusals.append(wrong.message.removeprefix(f"{self.file}: "))
        self.refused.set()

    def written(self, text: str) -> bool:
        made = self.file.with_suffix(".new")
        made.write_text(text, "utf-8")
        made.replace(self.file)
        return self.watched.look()


def test_a_file_that_says_the_same_in_other_words_changes_nothing(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.file.write_text("12 ", "utf-8")

    assert not told.watched.look()
    assert not told.written("1")
    assert (told.watched.current, told.changes, told.refusals) == (12, [], [])


def test_whatever_reading_ends_in_the_last_good_value_holds(tmp_path: Path) -> None:
    told = Told(tmp_path)

    assert not told.written("0")
    assert not told.written("x")
    assert not told.written("5")
    assert not told.written("")
    assert told.watched.current == 12
    assert told.refusals == [
        "cannot be read: ZeroDivisionError", "cannot be read: ValueError", "expected no smaller number", "expected a number",
    ]  # fmt: skip


def test_a_file_that_is_wrong_at_first_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong, match="expected a number"):
        Watched(tmp_path / "none", Told(tmp_path).read, changed=lambda *_: None, refused=lambda _: None)


async def test_watching_goes_on_after_a_fault(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.watched.current = 6
    async with told.watched:
        told.file.write_text("0", "utf-8")
        await asyncio.wait_for(told.refused.wait(), 20)
        told.file.write_text("4", "utf-8")
        await asyncio.wait_for(told.changed.wait(), 20)

    assert told.refusals == ["cannot be read: ZeroDivisionError"]
    assert told.changes == [(6, 12)]


async def test_a_file_that_is_not_watched_any_more_changes_nothing(tmp_path: Path) -> None:
    told = Told(tmp_path)
    async with told.watched:
        pass

    assert told.watched._watching is not None
    assert told.watched._watching.cancelled()
