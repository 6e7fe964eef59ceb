"""The operators' token is made once, readable by its owner alone, and never said."""

import stat
from pathlib import Path

import pytest

from graph.errors import SettingsWrong
from graph.operating.token import admin_token
from graph.settings import AdminSettings, GatewaySettings, SandboxSettings, Settings

GOOD = "a-token-that-is-long-enough"


def pointing(folder: Path, token: str) -> Settings:
    file, admin = folder / "motcua.toml", AdminSettings(token=token)
    return Settings(file=file, gateway=GatewaySettings(), engine="fast", sandbox=SandboxSettings(), systems={}, batches={}, admin=admin)


def test_a_token_is_made_at_the_first_start_and_found_ever_after(tmp_path: Path) -> None:
    settings = pointing(tmp_path, "file:state/admin.token")

    made = admin_token(settings, make=True)

    file = tmp_path / "state" / "admin.token"
    assert len(made) == 43
    assert admin_token(settings) == admin_token(settings, make=True) == made == file.read_text("utf-8").strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]
    assert admin_token(pointing(tmp_path, "file:state/other.token"), make=True) != made


def test_a_command_makes_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong, match=r"admin\.token: no such file; the gateway makes it at its first start"):
        admin_token(pointing(tmp_path, "file:admin.token"))
    assert list(tmp_path.iterdir()) == []


def test_a_token_may_come_from_the_environment(tmp_path: Path) -> None:
    settings = pointing(tmp_path, "env:OPERATORS")

    assert admin_token(settings, environment={"OPERATORS": f" {GOOD}\n"}) == GOOD
    with pytest.raises(SettingsWrong, match=r"admin\.token: the environment variable OPERATORS is not set"):
        admin_token(settings, environment={})


@pytest.mark.parametrize("pointer", [GOOD, "file:", "env:", "env:NOT A NAME", ""])
def test_a_token_in_the_settings_themselves_is_refused(tmp_path: Path, pointer: str) -> None:
    with pytest.raises(SettingsWrong, match="never the token itself") as refusal:
        admin_token(pointing(tmp_path, pointer), make=True)
    assert GOOD not in refusal.value.message


@pytest.mark.parametrize("token", ["short", "with spaces in it, and long", "không-phải-là-ascii"])
def test_a_token_that_is_weak_or_cannot_be_sent_is_refused(tmp_path: Path, token: str) -> None:
    with pytest.raises(SettingsWrong, match="expected 16 to 512 printable") as refusal:
        admin_token(pointing(tmp_path, "env:TOKEN"), environment={"TOKEN": token})
    assert token not in refusal.value.message


def test_a_place_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")

    with pytest.raises(SettingsWrong, match=r"motcua\.toml: admin\.token: "):
        admin_token(pointing(tmp_path, "file:state/admin.token"), make=True)
