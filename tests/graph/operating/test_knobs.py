"""Knobs that are changed live: checked as a whole, kept over a restart, and put over what the settings file says."""

import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest

from graph.errors import SettingsWrong
from graph.operating.knobs import NAMES, Knobs, KnobWrong
from graph.settings import BatchSettings, GatewaySettings, SandboxSettings, Settings


def knobs_in(folder: Path, **batches: BatchSettings) -> Knobs:
    gateway = GatewaySettings(state="state")
    sandbox = SandboxSettings()
    settings = Settings(file=folder / "motcua.toml", gateway=gateway, engine="fast", sandbox=sandbox, systems={}, batches=batches)
    return Knobs(settings, {"citizen_by_id": (50, "purpose"), "places": (10, "shared")})


def test_what_is_set_is_there_after_a_restart(tmp_path: Path) -> None:
    file = BatchSettings(ttl_seconds=300, eviction="lru")
    knobs = knobs_in(tmp_path, citizen_by_id=file)
    knobs.set("citizen_by_id", {"ttl_seconds": 30})
    knobs.set("citizen_by_id", {"stale_if_error_on": ["timeout"]})

    again = knobs_in(tmp_path, citizen_by_id=file)

    expected = msgspec.structs.replace(file, ttl_seconds=30, stale_if_error_on=("timeout",))
    assert knobs.of("citizen_by_id") == again.of("citizen_by_id") == expected
    assert again.all() == {"citizen_by_id": expected, "places": BatchSettings()}
    assert stat.S_IMODE((tmp_path / "state" / "knobs.json").stat().st_mode) == 0o600


def test_what_is_unset_is_what_the_file_says(tmp_path: Path) -> None:
    knobs = knobs_in(tmp_path, citizen_by_id=BatchSettings(ttl_seconds=300))
    knobs.set("citizen_by_id", {"ttl_seconds": 30, "jitter": 0.2, "patience": 2})

    knobs.unset("citizen_by_id", "ttl_seconds")
    assert knobs.of("citizen_by_id") == BatchSettings(ttl_seconds=300, jitter=0.2, patience=2)
    knobs.unset("citizen_by_id")
    assert knobs.of("citizen_by_id") == BatchSettings(ttl_seconds=300)
    assert knobs_in(tmp_path).live == {}


def test_each_knob_says_where_its_value_comes_from(tmp_path: Path) -> None:
    knobs = knobs_in(tmp_path, citizen_by_id=BatchSettings(ttl_seconds=300, jitter=0.2))
    knobs.set("citizen_by_id", {"ttl_seconds": 60.0})

    origins = knobs.origins("citizen_by_id")

    assert origins.keys() == set(NAMES)
    assert {knob: origin for knob, origin in origins.items() if origin != "default"} == {"ttl_seconds": "live", "jitter": "settings"}


def test_what_another_worker_changed_is_kept_and_taken_over(tmp_path: Path) -> None:
    one, other = knobs_in(tmp_path), knobs_in(tmp_path)
    one.set("places", {"ttl_seconds": 1})
    other.set("places", {"jitter": 0})
    one.reload()

    assert one.of("places") == other.of("places") == BatchSettings(ttl_seconds=1, jitter=0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ttl": 1}, "ttl: no such knob; expected one of ttl_seconds, negative_ttl_seconds"),
        ({"ttl_seconds": "1"}, "ttl_seconds: expected `float`, got `str`"),
        ({"ttl_seconds": -1}, "ttl_seconds: expected `float` >= 0.0"),
        ({"ttl_seconds": True}, "ttl_seconds: expected `float`, got `bool`"),
        ({"eviction": "random"}, "eviction: invalid enum value 'random'"),
        ({"stale_if_error_on": ["never"]}, "stale_if_error_on: invalid enum value 'never'"),
        ({"ttl_seconds": 90, "longest_ttl_seconds": 60}, "ttl_seconds: expected at most longest_ttl_seconds, which is 60"),
        ({"longest_ttl_seconds": 30}, "ttl_seconds: expected at most longest_ttl_seconds, which is 30"),
        ({"max_keys": 51}, "max_keys: expected at most 50, as the batch function declares"),
        ({"sharing": "shared"}, "sharing: expected purpose, as the batch function declares, or something narrower"),
        ({"client_cache": "public"}, "client_cache: expected never or private, because answers are not shared"),
        ({"ttl_seconds": 5, "jitter": 9}, "jitter: expected `float` <= 0.5"),
    ],
)
def test_a_change_that_cannot_be_changes_nothing(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    knobs = knobs_in(tmp_path)

    for attempt in (knobs.set, knobs.proposed):
        with pytest.raises(KnobWrong) as refusal:
            attempt("citizen_by_id", changes)
        assert refusal.value.message.startswith(said)
        assert refusal.value.key == said.partition(":")[0]
    assert knobs.of("citizen_by_id") == BatchSettings()
    assert not (tmp_path / "state" / "knobs.json").exists()


@pytest.mark.parametrize("sharing", ["purpose", "caller", "none"])
def test_sharing_may_become_narrower(tmp_path: Path, sharing: str) -> None:
    assert knobs_in(tmp_path).proposed("citizen_by_id", {"sharing": sharing, "max_keys": 50}).sharing == sharing


def test_only_what_all_may_share_may_be_public(tmp_path: Path) -> None:
    knobs = knobs_in(tmp_path)

    assert knobs.proposed("places", {"client_cache": "public"}).client_cache == "public"
    with pytest.raises(KnobWrong, match="client_cache: expected never or private"):
        knobs.proposed("places", {"client_cache": "public", "sharing": "purpose"})


def test_a_knob_is_not_unset_where_the_file_then_contradicts_another(tmp_path: Path) -> None:
    knobs = knobs_in(tmp_path, places=BatchSettings(ttl_seconds=600))
    knobs.set("places", {"ttl_seconds": 30})
    knobs.set("places", {"longest_ttl_seconds": 30})

    with pytest.raises(KnobWrong, match="ttl_seconds: expected at most longest_ttl_seconds"):
        knobs.unset("places", "ttl_seconds")
    with pytest.raises(KnobWrong, match="ttl: no such knob"):
        knobs.unset("places", "ttl")
    assert knobs.of("places").ttl_seconds == 30


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"citizens": {}}', "citizens: no such batch function; expected one of citizen_by_id, places"),
        ('{"places": {"size": 1}}', "places.size: no such knob"),
        ('{"places": {"max_bytes": 1}}', "places.max_bytes: expected `int` >= 65536"),
        ('{"places": {"max_keys": 11}}', "places.max_keys: expected at most 10"),
    ],
)
def test_a_file_that_cannot_be_stops_the_start(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "state" / "knobs.json"
    file.parent.mkdir()
    file.write_text(content, "utf-8")

    with pytest.raises(SettingsWrong) as refusal:
        knobs_in(tmp_path)
    assert refusal.value.message.startswith(f"{file}: {said}")


def test_settings_that_cannot_be_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsWrong, match=r"motcua\.toml: batches\.places\.max_keys: expected at most 10, as the batch function declares"
    ):
        knobs_in(tmp_path, places=BatchSettings(max_keys=20))


def test_a_state_that_cannot_be_written_refuses_the_change(tmp_path: Path) -> None:
    knobs = knobs_in(tmp_path)
    (tmp_path / "state").write_text("")

    with pytest.raises(SettingsWrong, match=r"gateway\.state: expected a folder that can be written"):
        knobs.set("places", {"jitter": 0})
    assert knobs.of("places") == BatchSettings()
