"""Settings: what is wrong stops the start, and is named with file, key and what was expected."""

from pathlib import Path

import pytest

from graph.errors import SettingsWrong
from graph.settings import load_settings, sandbox_secrets

GOOD = """
[gateway]
schema = "schema:schema"
[sandbox]
url = "http://127.0.0.1:9000"
[systems.register]
url = "https://agency.example/api"
token = "env:TOKEN"
[batches.row_by_code]
ttl_seconds = 30
"""
SECRETS = {"TOKEN": "s3cret"}


def written(folder: Path, text: str) -> Path:
    file = folder / "motcua.toml"
    file.write_text(text, "utf-8")
    return file


def test_good_settings_are_read_with_their_secret(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, GOOD), environment=SECRETS)

    assert settings.systems["register"].token == "s3cret"
    assert settings.batches["row_by_code"].ttl_seconds == 30
    assert settings.batches["row_by_code"].max_bytes == 16_777_216


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n", "utf-8")
    text = GOOD.replace("env:TOKEN", f"file:{tmp_path / 'token'}")

    assert load_settings(written(tmp_path, text), environment={}).systems["register"].token == "from-file"


def test_an_address_of_the_sandbox_leads_to_the_sandbox(tmp_path: Path) -> None:
    text = GOOD.replace("https://agency.example/api", "sandbox:/register/ws")

    assert load_settings(written(tmp_path, text), environment=SECRETS).systems["register"].url == "http://127.0.0.1:9000/register/ws"
    moved = load_settings(written(tmp_path, text), environment=SECRETS, sandbox_url="http://127.0.0.1:9100")
    assert moved.systems["register"].url == "http://127.0.0.1:9100/register/ws"
    assert sandbox_secrets(tmp_path / "motcua.toml", lambda name: f"of-{name}") == {"TOKEN": "of-register"}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("ttl_seconds = 30", "ttl_seconds = -1", "batches.row_by_code.ttl_seconds: expected `float` >= 0"),
        ("ttl_seconds = 30", 'ttl_seconds = "30m"', "batches.row_by_code.ttl_seconds: expected `float`, got `str`"),
        ("ttl_seconds", "ttl", "batches.row_by_code: object contains unknown field `ttl`"),
        ("[gateway]", "[gatway]", "gatway: no such section"),
        ("[gateway]", 'engine = "slow"\n[gateway]', 'engine: expected "fast" or "reference"'),
        ("[systems.register]", "[systems]\nregister = 3\n[other]", "systems.register: expected `object`, got `int`"),
        ("https://agency.example/api", "agency.example/api", "systems.register.url: expected an address"),
        ("https://agency.example/api", "https://agency.example:99999/api", "systems.register.url: expected an address"),
        ("https://agency.example/api", "ftp://agency.example/api", "systems.register.url: expected an address"),
        ('token = "env:TOKEN"', "", "systems.register: object missing required field `token`"),
        ("env:TOKEN", "env:OTHER", "systems.register.token: the environment variable OTHER is not set"),
        ("env:TOKEN", "file:/no/such/file", "systems.register.token: the secret's file cannot be read"),
        ("env:TOKEN", "s3cret", 'systems.register.token: expected "env:NAME" or "file:PATH"'),
        ("[gateway]", "[gateway", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    file = written(tmp_path, GOOD.replace(before, after))

    with pytest.raises(SettingsWrong) as raised:
        load_settings(file, environment=SECRETS)

    assert raised.value.message.startswith(f"{file}: ")
    assert said in raised.value.message
    assert "s3cret" not in raised.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong, match="no such file"):
        load_settings(tmp_path / "none.toml")
