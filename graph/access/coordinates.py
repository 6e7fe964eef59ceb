"""The fields of the schema by their names, as rights are given on them: one by one, all of a type, or by groups that have a name."""

import difflib
import graphlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type

from graph.access.directives import Authenticated, Directive, Personal, Policy, PurposeIn, RequiresScopes
from graph.access.marks import marks_of
from graph.access.shapes import Shapes
from graph.errors import SettingsWrong

ALL: Final = "*"
GROUP: Final = "@"
GUARDS: Final = (Authenticated, RequiresScopes, Policy, PurposeIn, Personal)
EXPECTED: Final = "expected Type.field, Type.* or @group"


class Coordinates:
    """What fields a schema has, and what its directives say of each."""

    def __init__(self, schema: GraphQLSchema) -> None:
        """Look through the object types; interfaces and unions hold nothing of their own."""
        self.marks = marks_of(schema)
        self._shapes = Shapes(schema, self.marks)
        self._types: dict[str, dict[str, str]] = {
            name: {field: get_named_type(found.type).name for field, found in kind.fields.items()}
            for name, kind in schema.type_map.items()
            if isinstance(kind, GraphQLObjectType) and not name.startswith("__")
        }

    def named(self, where: str, written: str) -> frozenset[str]:
        """Return the coordinates that `Type.field` or `Type.*` means; SettingsWrong says what is nearest to a name that is none."""
        type_name, _, field = written.partition(".")
        if not field:
            raise SettingsWrong(f"{where}: {written}: {EXPECTED}")
        fields = self._types.get(type_name)
        if fields is None:
            raise SettingsWrong(f"{where}: {written}: no such type{_nearest(type_name, self._types)}")
        if field == ALL:
            return frozenset(f"{type_name}.{name}" for name in fields)
        if field not in fields:
            raise SettingsWrong(f"{where}: {written}: no such field{_nearest(field, fields, f'{type_name}.')}")
        return frozenset({written})

    def is_personal(self, coordinate: str) -> bool:
        """Tell whether a field says something about a person: it, its type, or the type that it gives is marked so."""
        return any(isinstance(mark, Personal) for mark in self._about(coordinate))

    def is_guarded(self, coordinate: str) -> bool:
        """Tell whether there is any rule about who may read a field."""
        return any(isinstance(mark, GUARDS) for mark in self._about(coordinate))

    def names_people(self, coordinate: str, *, by_links: bool) -> bool:
        """Tell whether it can be known of whom a field tells, where it tells of people by itself or by its type.

        With `by_links` it is enough that records of its type are reached only from those of people who are known.
        """
        type_name = coordinate.partition(".")[0]
        marks = (*self.marks.of_type(type_name), *self.marks.of_field(coordinate))
        return self._shapes.names_people(type_name, by_links=by_links) or not any(isinstance(mark, Personal) for mark in marks)

    def has_mask(self, coordinate: str) -> bool:
        """Tell whether it is laid down how a field looks masked."""
        return self.marks.mask(coordinate) is not None

    def _about(self, coordinate: str) -> tuple[Directive, ...]:
        type_name, _, field = coordinate.partition(".")
        given = self._types[type_name][field]
        return (*self.marks.of_type(type_name), *self.marks.of_field(coordinate), *self.marks.of_type(given))


class Groups:
    """Groups of coordinates, each resolved; `where` names the file and the section that they stand in, for messages."""

    def __init__(self, where: str, written: Mapping[str, Sequence[str]], coordinates: Coordinates) -> None:
        """Resolve each group; SettingsWrong for an unknown name, and for groups that hold one another."""
        self._coordinates = coordinates
        self._resolved: dict[str, frozenset[str]] = {}
        self._names = written.keys()
        inner = {name: [entry[1:] for entry in entries if entry.startswith(GROUP)] for name, entries in written.items()}
        try:
            for name in graphlib.TopologicalSorter(inner).static_order():
                if name in written:  # what is not is named by the group that holds it
                    self._resolved[name] = self.resolved(f"{where}.{name}", written[name])
        except graphlib.CycleError as error:
            circle = [GROUP + name for name in error.args[1]]
            raise SettingsWrong(f"{where}: {' holds '.join(reversed(circle))}; expected groups that do not hold one another") from None

    def resolved(self, where: str, entries: Iterable[str]) -> frozenset[str]:
        """Return all coordinates that a list of entries means."""
        found: set[str] = set()
        for entry in entries:
            found |= self._group(where, entry) if entry.startswith(GROUP) else self._coordinates.named(where, entry)
        return frozenset(found)

    def _group(self, where: str, entry: str) -> frozenset[str]:
        found = self._resolved.get(entry[1:])
        if found is None:
            raise SettingsWrong(f"{where}: {entry}: no such group{_nearest(entry[1:], self._names, GROUP)}")
        return found


def _nearest(name: str, known: Iterable[str], before: str = "") -> str:
    """Say which name is like one that does not exist."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"; the nearest is {before}{near[0]}" if near else f"; {EXPECTED}"
