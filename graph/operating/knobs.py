"""The knobs of each batch function: what the settings file says, and over it what operators have changed since.

Live changes stand in `<state>/knobs.json`, `{batch function: {knob: value}}`. A change is checked as a whole before it is written, and
written before it is applied, so that a worker that starts meanwhile finds it.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from graph.errors import BadInput, SettingsWrong
from graph.loading.batch import Sharing
from graph.loading.sharing import WIDEST_FIRST
from graph.operating.siblings import state_folder
from graph.settings import BatchSettings, Settings

NAMES = BatchSettings.__struct_fields__
OPEN_TO_ALL = WIDEST_FIRST[0]

Overrides = dict[str, dict[str, Any]]
Origin = Literal["default", "settings", "live"]


class KnobWrong(BadInput):
    """A knob that cannot be set so; `key` names it."""

    def __init__(self, key: str, expected: str) -> None:
        """Take the knob, and in words what was expected."""
        super().__init__(f"{key}: {expected}")
        self.key = key
        self.expected = expected


class Knobs:
    """The knobs of all batch functions; `declared` says what each allows at most: keys in a call, and who may share an answer."""

    def __init__(self, settings: Settings, declared: Mapping[str, tuple[int, Sharing]]) -> None:
        """Read what was changed in former runs; SettingsWrong names the file and the key where that or the settings cannot be."""
        self.file = state_folder(settings) / "knobs.json"
        self.settings = settings
        self.declared = declared
        for name in declared:
            try:
                self._merged(name, {})
            except KnobWrong as problem:
                raise settings.wrong(f"batches.{name}.{problem.key}", problem.expected) from None
        self.live = self._read()

    def of_file(self, name: str) -> BatchSettings:
        """Return what the settings file says, without live changes."""
        return self.settings.batches.get(name, BatchSettings())

    def of(self, name: str) -> BatchSettings:
        """Return the knobs of a batch function as they are now."""
        return overridden(self.of_file(name), self.live.get(name, {}))

    def all(self) -> dict[str, BatchSettings]:
        """Return the knobs of every batch function by its name."""
        return {name: self.of(name) for name in self.declared}

    def origins(self, name: str) -> dict[str, Origin]:
        """Say where the value of each knob comes from; a settings file that repeats the default is not told from one that is silent."""
        file, default, live = self.of_file(name), BatchSettings(), self.live.get(name, {})
        return {
            knob: "live" if knob in live else "settings" if getattr(file, knob) != getattr(default, knob) else "default" for knob in NAMES
        }

    def proposed(self, name: str, changes: Mapping[str, Any]) -> BatchSettings:
        """Return what the knobs would be with these changes; KnobWrong names the first that cannot be."""
        return self._merged(name, {**self.live.get(name, {}), **changes})

    def set(self, name: str, changes: Mapping[str, Any]) -> None:
        """Change knobs, and remember it over a restart; KnobWrong where one cannot be, and then nothing is changed."""
        self._change(name, lambda live: {**live, **changes})

    def unset(self, name: str, *knobs: str) -> None:
        """Go back to what the settings file says, for these knobs or for all; KnobWrong where that cannot be."""
        for knob in knobs:
            _known(knob)
        self._change(name, lambda live: {knob: value for knob, value in live.items() if knobs and knob not in knobs})

    def reload(self) -> None:
        """Take over what other workers have changed; SettingsWrong where the file cannot be, and then nothing is taken over."""
        self.live = self._read()

    def _change(self, name: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        with self._alone():
            live = self._read()
            changed = change(live.get(name, {}))
            self._merged(name, changed)
            live[name] = changed
            self._write({batch: knobs for batch, knobs in live.items() if knobs})
            self.live = live

    def _merged(self, name: str, overrides: Mapping[str, Any]) -> BatchSettings:
        """Put overrides over the settings file, and check the whole."""
        settings = overridden(self.of_file(name), overrides)
        _check(settings, *self.declared[name])
        return settings

    def _read(self) -> Overrides:
        """Read and check the file; SettingsWrong names it and the key."""
        try:
            live = msgspec.json.decode(self.file.read_bytes(), type=Overrides)
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            raise SettingsWrong(f"{self.file}: cannot be read: {error}; expected {{batch function: {{knob: value}}}}") from None
        for name, overrides in live.items():
            if name not in self.declared:
                raise SettingsWrong(f"{self.file}: {name}: no such batch function; expected one of {', '.join(sorted(self.declared))}")
            try:
                self._merged(name, overrides)
            except KnobWrong as problem:
                raise SettingsWrong(f"{self.file}: {name}.{problem.message}") from None
        return live

    def _write(self, live: Overrides) -> None:
        """Replace the file in one step: who reads it finds the old one or the new one, whole."""
        made = self.file.with_suffix(".new")
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(live)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        made.replace(self.file)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Let no other worker change the file meanwhile; SettingsWrong where the folder cannot be written."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(self.file.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise self.settings.wrong("gateway.state", f"expected a folder that can be written: {error}") from None


def overridden(settings: BatchSettings, overrides: Mapping[str, Any]) -> BatchSettings:
    """Put values over knobs; KnobWrong where there is no such knob, or its value is of the wrong kind or out of range."""
    for knob in overrides:
        _known(knob)
    try:
        return msgspec.convert({**msgspec.structs.asdict(settings), **overrides}, BatchSettings)
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `$.")
        raise KnobWrong(path.partition("[")[0].rstrip("`"), said[0].lower() + said[1:]) from None


def _known(knob: str) -> None:
    if knob not in NAMES:
        raise KnobWrong(knob, f"no such knob; expected one of {', '.join(NAMES)}")


def _check(settings: BatchSettings, max_keys: int, sharing: Sharing) -> None:
    """Hold knobs against one another, and against what the resolver declares."""
    if settings.ttl_seconds > settings.longest_ttl_seconds:
        raise KnobWrong("ttl_seconds", f"expected at most longest_ttl_seconds, which is {settings.longest_ttl_seconds:g}")
    if settings.max_keys is not None and settings.max_keys > max_keys:
        raise KnobWrong("max_keys", f"expected at most {max_keys}, as the batch function declares")
    narrowed = settings.sharing or sharing
    if WIDEST_FIRST.index(narrowed) < WIDEST_FIRST.index(sharing):
        raise KnobWrong(
            "sharing", f"expected {sharing}, as the batch function declares, or something narrower ({' > '.join(WIDEST_FIRST)})"
        )
    if settings.client_cache == "public" and narrowed != OPEN_TO_ALL:
        raise KnobWrong("client_cache", f"expected never or private, because answers are not {OPEN_TO_ALL}")
