"""Reads the registry of consumers and purposes from its file, refuses what does not fit, and keeps it current while the file changes."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from graphql import GraphQLSchema

from graph.access.consistency import check
from graph.access.coordinates import Coordinates
from graph.access.meaning import meant
from graph.access.registry import ApiKey, Registry
from graph.access.watching import Watched
from graph.access.written import text_of, written
from graph.errors import SettingsWrong
from graph.telemetry import event

NOBODY: Mapping[str, ApiKey] = {}


def read_registry(file: Path, schema: GraphQLSchema, *, demo: bool = False) -> Registry:
    """Read and check the file; SettingsWrong names the file, the key and what was expected.

    `demo` says that every system is in the sandbox: anywhere else a demo consumer, whose key is not secret, is refused.
    """
    return registry_of(text_of(file), file, Coordinates(schema), demo=demo)


def registry_of(text: str, file: Path, coordinates: Coordinates, *, demo: bool) -> Registry:
    """Check a text as if it stood in `file`."""
    registry = meant(written(text, file), coordinates)
    check(file, registry, coordinates, demo=demo)
    content = msgspec.json.encode(registry, order="deterministic")
    return msgspec.structs.replace(registry, digest=hashlib.sha256(content).hexdigest())


class Consumers:
    """The registry that holds now; as an async context it follows its file, and keeps what held where that is wrong, half or gone.

    `more_keys` are keys of this process, by the name of their consumer, that stand in no file.
    """

    def __init__(
        self,
        file: Path,
        schema: GraphQLSchema,
        *,
        tell: Callable[..., None] = event,
        more_keys: Mapping[str, ApiKey] = NOBODY,
        demo: bool = False,
    ) -> None:
        """Read the file; SettingsWrong where it is wrong. `demo` is as for `read_registry`."""
        self._tell = tell
        self._more_keys = more_keys
        self._coordinates = Coordinates(schema)
        self._watched = Watched(file, partial(self._read, demo=demo), changed=self._changed, refused=self._refused)

    @property
    def current(self) -> Registry:
        """The registry that holds."""
        return self._watched.current

    def look(self) -> bool:
        """Look at the file at once, and tell whether another registry holds now."""
        return self._watched.look()

    async def __aenter__(self) -> Self:
        """Begin to follow the file."""
        await self._watched.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop following it."""
        await self._watched.__aexit__(kind, error, trace)

    def _read(self, file: Path, before: Registry | None, *, demo: bool) -> Registry:
        registry = registry_of(text_of(file), file, self._coordinates, demo=demo)
        if before is not None and registry.version < before.version:
            # A right that was taken away would come back with an old file.
            raise SettingsWrong(f"{file}: version: expected {before.version}, which is in force, or a higher one")
        return with_keys(registry, self._more_keys)

    def _changed(self, before: Registry, after: Registry) -> None:
        self._tell("consumers_changed", what=difference(before, after), before=before.version, after=after.version)

    def _refused(self, wrong: SettingsWrong) -> None:
        self._tell("consumers_refused", before=self.current.version, reason=wrong.message)


def with_keys(registry: Registry, more: Mapping[str, ApiKey]) -> Registry:
    """Give consumers that are there a key more each."""
    given = {
        name: msgspec.structs.replace(consumer, keys=(*consumer.keys, more[name]))
        for name, consumer in registry.consumers.items()
        if name in more
    }
    return msgspec.structs.replace(registry, consumers={**registry.consumers, **given}) if given else registry


def difference(before: Registry, after: Registry) -> str | None:
    """Name the consumers and purposes that came, changed and went."""
    changes = [
        (word, kind, names)
        for kind, old, new in (("consumers", before.consumers, after.consumers), ("purposes", before.purposes, after.purposes))
        for word, names in _moves(old, new)
        if names
    ]
    said = [f"{kind} {word}: {', '.join(sorted(names))}" for word, kind, names in changes]
    if before.open != after.open:
        said.append("open fields changed")
    return "; ".join(said) or None


def _moves(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, set[str]]]:
    yield "added", new.keys() - old.keys()
    yield "changed", {name for name in new.keys() & old.keys() if new[name] != old[name]}
    yield "removed", old.keys() - new.keys()
