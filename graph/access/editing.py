"""Changes the file of consumers for an operator: one change at a time, checked as a whole before it holds, with all comments kept."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable, Table

from graph.access.consumers import registry_of
from graph.access.coordinates import Coordinates
from graph.access.registry import ApiKey, PriorityName, Registry
from graph.access.replacing import locked, replace
from graph.access.written import moment, text_of
from graph.errors import SettingsWrong

PROOFS: Final = ("keys", "tokens", "certificates")


@dataclass(frozen=True)
class NewConsumer:
    """What an operator says of a consumer that is added."""

    name: str
    organisation: str
    kind: str
    purposes: tuple[str, ...]
    priority: PriorityName = "citizen"
    explorer: bool = False


class RegistryFile:
    """The file of consumers, to be changed."""

    def __init__(self, file: Path, coordinates: Coordinates, *, demo: bool) -> None:
        """Say which file; `demo` says that every system is in the sandbox."""
        # What is replaced is the file itself, not a link that leads to it.
        self.file = file.resolve()
        self._coordinates = coordinates
        self._demo = demo

    def add(self, new: NewConsumer, key: ApiKey) -> Registry:
        """Add a consumer with its first key; SettingsWrong where there is one of this name, or where it does not fit."""

        def change(document: TOMLDocument) -> None:
            consumers = _table(document, "consumers")
            if new.name in consumers:
                raise SettingsWrong(f"{self.file}: consumers.{new.name}: there is a consumer of this name already; expected a new name")
            consumers[new.name] = _consumer(new, key)

        return self._changed(new.name, change)

    def rotate(self, name: str, key: ApiKey, old_ones_end: datetime) -> Registry:
        """Give a consumer a new key, and let its others end at that moment unless they do so earlier."""

        def change(document: TOMLDocument) -> None:
            keys = _table(self._consumer(document, name), "keys")
            for old in keys.values():
                ends = moment("", old.get("expires"))
                if ends is None or ends > old_ones_end:
                    old["expires"] = old_ones_end
            keys[key.id] = _key(key)

        return self._changed(name, change)

    def revoke(self, name: str, key_id: str | None) -> Registry:
        """Take one key of a consumer away, or with None all by which it could prove who it is."""

        def change(document: TOMLDocument) -> None:
            consumer = self._consumer(document, name)
            if key_id is None:
                for proof in PROOFS:
                    consumer.pop(proof, None)
                return
            keys: Any = consumer.get("keys", {})
            if key_id not in keys:
                raise SettingsWrong(f"{self.file}: consumers.{name}.keys: there is no key of this id; expected {_one_of(keys)}")
            del keys[key_id]

        return self._changed(name, change)

    def _consumer(self, document: TOMLDocument, name: str) -> Any:
        consumers: Any = document.get("consumers", {})
        if name not in consumers:
            raise SettingsWrong(f"{self.file}: consumers: there is no consumer of this name; expected {_one_of(consumers)}")
        return consumers[name]

    def _changed(self, name: str, change: Callable[[TOMLDocument], None]) -> Registry:
        """Make a change to one consumer under the lock: the file is right before, or it is not touched, and it is right after."""
        with locked(self.file):
            text = text_of(self.file)
            before = self._registry(text)
            try:
                document = tomlkit.parse(text)
                change(document)
                document["version"] = before.version + 1
                after = tomlkit.dumps(document)
            except (TOMLKitError, ValueError, TypeError):
                raise SettingsWrong(
                    f"{self.file}: consumers.{name}: expected tables with headings; as it is written, change it by hand"
                ) from None
            registry = self._registry(after)
            if _rest(before, name) != _rest(registry, name):
                raise SettingsWrong(f"{self.file}: consumers.{name}: this would change more than the consumer; change it by hand")
            replace(self.file, after.encode("utf-8"))
            return registry

    def _registry(self, text: str) -> Registry:
        return registry_of(text, self.file, self._coordinates, demo=self._demo)


def _rest(registry: Registry, name: str) -> tuple[object, ...]:
    """Return all that a change to this consumer leaves as it was."""
    return registry.open, registry.purposes, {other: consumer for other, consumer in registry.consumers.items() if other != name}


def _one_of(names: Iterable[str]) -> str:
    return f"one of {', '.join(sorted(names))}" if any(True for _ in names) else "none, because there is none"


def _table(parent: Any, name: str) -> Any:
    """Return a table in a table, made where there is none; that of the consumers has no heading of its own."""
    if name not in parent:
        parent[name] = tomlkit.inline_table() if isinstance(parent, InlineTable) else tomlkit.table(is_super_table=True)
    return parent[name]


def _consumer(new: NewConsumer, key: ApiKey) -> Table:
    made = tomlkit.table()
    said: Mapping[str, Any] = {
        "organisation": new.organisation,
        "kind": new.kind,
        "purposes": list(new.purposes),
        "priority": new.priority,
        **({"explorer": True} if new.explorer else {}),
    }
    for name, value in said.items():
        made.add(name, value)
    keys = tomlkit.table(is_super_table=True)
    keys.add(key.id, _key(key))
    made.add("keys", keys)
    return made


def _key(key: ApiKey) -> dict[str, object]:
    """Say what is stored of a key; it becomes a table with a heading or within a line, as the one that it is put into."""
    return {"hash": key.hash, "made": key.made.astimezone(UTC).replace(microsecond=0)}
