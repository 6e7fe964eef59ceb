"""The proof at start-up: that types, links, records and settings fit together. What does not is named, and nothing is served."""

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import strawberry
from strawberry.types.base import StrawberryList, StrawberryObjectDefinition, StrawberryOptional, has_object_definition
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType

from graph.errors import SettingsWrong
from graph.loading.batch import Batch
from graph.seam import Link
from graph.settings import Settings, convert
from graph.upstream.record import Provenance, Record, is_record, item_of, optional, wire_type
from graph.upstream.system import System


@dataclass
class Wiring:
    """What the schema leads to: its systems with their checked options, and its batch functions, each by name."""

    systems: dict[str, System] = field(default_factory=dict)
    options: dict[str, msgspec.Struct] = field(default_factory=dict)
    batches: dict[str, Batch[Any, Any]] = field(default_factory=dict)


def wire_up(schema: strawberry.Schema, settings: Settings) -> Wiring:
    """Find all that the schema leads to and check it; SettingsWrong names the first thing that does not fit."""
    wiring = Wiring()
    problems = [*_Proof(schema, wiring).problems(), *_settings_problems(wiring, settings)]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise SettingsWrong(problems[0] + more)
    return wiring


def links_of(definition: StrawberryObjectDefinition) -> Iterator[tuple[StrawberryField, Link]]:
    """List the link fields of a type."""
    for found in definition.fields:
        if isinstance(made := found.metadata.get("link"), Link):
            yield found, made


class _Proof:
    """Walks from the root types along all links, and holds each type against every record that can stand behind it."""

    def __init__(self, schema: strawberry.Schema, wiring: Wiring) -> None:
        self.schema = schema
        self.wiring = wiring
        self.seen: set[tuple[type, object]] = set()
        self.found: list[str] = []

    def problems(self) -> list[str]:
        for root in (self.schema.query, self.schema.mutation, self.schema.subscription):
            if root is not None:
                self._object(root, None)
        return self.found

    def _object(self, kind: Any, record: type[Record] | None) -> None:
        """Check one object type against the record that it is read from; None for a root type."""
        kind = kind.resolve_type() if isinstance(kind, LazyType) else kind
        if (kind, record) in self.seen:
            return
        self.seen.add((kind, record))
        definition: StrawberryObjectDefinition = kind.__strawberry_definition__
        linked = {id(each): link for each, link in links_of(definition)}
        for each in definition.fields:
            if (link := linked.get(id(each))) is not None:
                self._link(definition, each, link, record)
            elif each.base_resolver is None and record is not None:
                self._plain(definition, each, record)

    def _plain(self, definition: StrawberryObjectDefinition, each: StrawberryField, record: type[Record]) -> None:
        where = f"schema: {definition.name}.{each.python_name}"
        hints = typing.get_type_hints(record)
        if each.python_name not in hints:
            self.found.append(
                f"{where}: {record.__name__} has no attribute {each.python_name}; expected one, because links deliver that record"
            )
        elif not self._fits(each.resolve_type(), hints[each.python_name]):
            self.found.append(f"{where}: does not fit {record.__name__}.{each.python_name}, which is {_words(hints[each.python_name])}")

    def _link(self, definition: StrawberryObjectDefinition, each: StrawberryField, link: Link, record: type[Record] | None) -> None:
        where = f"schema: {definition.name}.{each.python_name}"
        self._known(link.batch)
        kind = each.resolve_type()
        if not isinstance(kind, StrawberryOptional):
            self.found.append(f"{where}: a link to another system must be nullable; expected `| None`")
            return
        inner: Any = kind.of_type
        if isinstance(inner, StrawberryList) != (link.batch.many or link.each):
            self.found.append(
                f"{where}: expected {'a list' if link.batch.many or link.each else 'a single type'}, as {link.batch.name} delivers"
            )
            return
        item = inner.of_type if isinstance(inner, StrawberryList) else inner
        if link.each and not isinstance(item, StrawberryOptional):
            self.found.append(f"{where}: expected nullable items, because a key may have no record")
            return
        self._object(item.of_type if isinstance(item, StrawberryOptional) else item, link.batch.record)
        self._key(where, link, record)
        if link.proves is not None and link.proves not in typing.get_type_hints(link.batch.record):
            self.found.append(f"{where}: proves {link.proves}; expected an attribute of {link.batch.record.__name__}")

    def _key(self, where: str, link: Link, record: type[Record] | None) -> None:
        """Check that the parent has the key, and that it is of the kind that the batch function takes."""
        name = link.key.__name__
        hints = typing.get_type_hints(link.key)
        if not hints and record is not None:
            known = typing.get_type_hints(record)
            if name not in known:
                self.found.append(f"{where}: {record.__name__} has no attribute {name}; expected it as the key of {link.batch.name}")
                return
            hints = {"return": known[name]}
        key = optional(hints.get("return", object))[0]
        key = item_of(key) if link.each else key
        if not (isinstance(key, type) and issubclass(key, _class(link.batch.key_type))):
            self.found.append(f"{where}: its key is {_words(key)}; {link.batch.name} expects {_words(link.batch.key_type)}")

    def _tells_provenance(self, kind: Any) -> bool:
        """Tell whether each field of a type is an attribute of a provenance."""
        fields = (kind.resolve_type() if isinstance(kind, LazyType) else kind).__strawberry_definition__.fields
        return all(hasattr(Provenance, each.python_name) for each in fields)

    def _known(self, batch: Batch[Any, Any]) -> None:
        """Note a batch function and its system; two of one name could not be told apart in the settings."""
        if self.wiring.batches.setdefault(batch.name, batch) is not batch:
            self.found.append(f"resolvers: two batch functions are called {batch.name}; expected names that differ")
        if self.wiring.systems.setdefault(batch.system.name, batch.system) is not batch.system:
            self.found.append(f"resolvers: two systems are called {batch.system.name}; expected names that differ")
        try:
            wire_type(batch.record)
        except TypeError as error:
            self.found.append(f"resolvers: {batch.record.__name__}: {error}")

    def _fits(self, kind: Any, annotation: Any) -> bool:
        """Tell whether a value of the record's annotation can stand where the schema has `kind`."""
        inner, nullable = optional(annotation)
        if isinstance(kind, StrawberryOptional):
            return self._fits(kind.of_type, inner)
        if nullable:
            return False
        if isinstance(kind, StrawberryList):
            item = item_of(inner)
            return item is not None and self._fits(kind.of_type, item)
        if isinstance(kind, StrawberryEnumDefinition):
            return inner is kind.wrapped_cls
        if isinstance(kind, LazyType) or has_object_definition(kind):
            if is_record(inner):
                self._object(kind, inner)
            return is_record(inner) or (inner is Provenance and self._tells_provenance(kind))
        return isinstance(inner, type) and issubclass(inner, _class(kind))


def _settings_problems(wiring: Wiring, settings: Settings) -> Iterator[str]:
    """Hold the settings against what the schema needs, in both directions."""
    for name, system in wiring.systems.items():
        if name not in settings.systems:
            yield f"{settings.file}: systems.{name}: missing; expected a section, because the schema leads to this system"
            continue
        try:
            wiring.options[name] = convert(settings.systems[name].options, system.options, f"{settings.file}: systems.{name}.options")
        except SettingsWrong as error:
            yield error.message
    for section, known, given in (("systems", wiring.systems, settings.systems), ("batches", wiring.batches, settings.batches)):
        yield from _unknown(settings, section, known, given)


def _unknown(settings: Settings, section: str, known: Mapping[str, object], given: Mapping[str, object]) -> Iterator[str]:
    for name in given:
        if name not in known:
            yield f"{settings.file}: {section}.{name}: nothing of that name; expected one of {', '.join(sorted(known))}"


def _class(kind: Any) -> type:
    return kind if isinstance(kind, type) else typing.get_origin(kind) or object


def _words(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)
