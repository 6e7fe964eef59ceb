"""Nothing opens that was changed, moved, or sealed by somebody else."""

import base64
import hmac
import secrets
from pathlib import Path

import pytest

from graph.errors import SettingsWrong
from graph.shared.sealing import Naming, Sealer, load_secrets
from tests.graph.shared.sharing import OTHER_SECRET, SECRET

PLACE = b"motcua:1:entry:a"
PLAIN = "Nguyễn Thị Thử".encode()


def test_what_is_sealed_opens_in_its_place_and_tells_nothing() -> None:
    sealer = Sealer([SECRET])
    sealed = sealer.seal(PLAIN, PLACE)

    assert sealer.open(sealed, PLACE) == PLAIN
    assert Sealer([SECRET]).open(sealed, PLACE) == PLAIN
    assert PLAIN not in sealed
    assert sealed != sealer.seal(PLAIN, PLACE)


def test_what_was_moved_to_another_place_does_not_open() -> None:
    sealer = Sealer([SECRET])

    assert sealer.open(sealer.seal(PLAIN, PLACE), b"motcua:1:entry:b") is None


def test_a_change_of_any_byte_and_any_shortening_is_noticed() -> None:
    sealer = Sealer([SECRET])
    sealed = sealer.seal(PLAIN, PLACE)
    changed = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]

    assert [sealer.open(each, PLACE) for each in changed] == [None] * len(sealed)
    assert [sealer.open(sealed[:length], PLACE) for length in range(len(sealed))] == [None] * len(sealed)
    assert sealer.open(sealed + b"\0", PLACE) is None


def test_a_former_secret_still_opens_and_the_first_one_seals() -> None:
    before, changed, after = Sealer([SECRET]), Sealer([OTHER_SECRET, SECRET]), Sealer([OTHER_SECRET])

    assert changed.open(before.seal(PLAIN, PLACE), PLACE) == PLAIN
    assert after.open(changed.seal(PLAIN, PLACE), PLACE) == PLAIN
    assert before.open(changed.seal(PLAIN, PLACE), PLACE) is None


def test_names_are_stable_differ_by_secret_and_hold_128_bits() -> None:
    sealer = Sealer([SECRET, OTHER_SECRET])

    assert sealer.name(b"099085012345") == Sealer([SECRET]).name(b"099085012345")
    assert sealer.names(b"a") == (Sealer([SECRET]).name(b"a"), Sealer([OTHER_SECRET]).name(b"a"))
    assert len({sealer.name(str(number).encode()) for number in range(1_000)}) == 1_000
    assert len(bytes.fromhex(sealer.name(b"a"))) == 16


@pytest.mark.parametrize("length", [0, 1, 55, 56, 63, 64, 65, 1_000])
def test_a_name_is_an_hmac_as_the_standard_library_makes_it(length: int) -> None:
    text = bytes(range(256)) * 4
    for key in (SECRET, b"", bytes(64)):
        assert Naming(key).name(text[:length]) == hmac.digest(key, text[:length], "sha256")[:16].hex()


def test_secrets_are_read_as_hex_base64_or_text_from_the_environment_and_from_files(tmp_path: Path) -> None:
    drawn = secrets.token_bytes(32)
    (tmp_path / "secret").write_text(base64.b64encode(drawn).decode() + "\n")
    environment = {"HEX": drawn.hex(), "TEXT": "correct horse battery staple, twice over"}

    assert load_secrets(["env:HEX", f"file:{tmp_path}/secret", "env:TEXT"], environment, "shared.keys") == [
        drawn,
        drawn,
        environment["TEXT"].encode(),
    ]


@pytest.mark.parametrize(
    "weak",
    ["short", "0" * 64, "ab" * 40, secrets.token_hex(31), "x" * 40, "a secret of only 31 characters "],
    ids=["short", "zeros", "repeated hex", "hex of 31 bytes", "one letter", "31 characters"],
)
def test_a_secret_that_is_short_or_not_drawn_is_refused_and_not_shown(weak: str) -> None:
    with pytest.raises(SettingsWrong, match="expected a secret of at least 32 bytes") as refused:
        load_secrets(["env:WEAK"], {"WEAK": weak}, "motcua.toml: shared.keys")
    assert refused.value.message.startswith("motcua.toml: shared.keys: env:WEAK: ")
    assert weak.strip() not in refused.value.message


@pytest.mark.parametrize(
    ("pointer", "said"),
    [
        ("env:NOT_SET", "the environment variable NOT_SET is not set"),
        ("file:/nowhere/at/all", "the secret's file cannot be read"),
        ("0123456789abcdef0123456789abcdef0123456789abcdef", 'expected "env:NAME" or "file:PATH"'),
    ],
)
def test_a_pointer_that_leads_nowhere_is_refused(pointer: str, said: str) -> None:
    with pytest.raises(SettingsWrong, match=said) as refused:
        load_secrets([pointer], {}, "shared.keys")
    assert "0123456789abcdef" not in refused.value.message
