"""Marks: what the directives of a schema say of its types and fields, read once."""

from collections.abc import Iterator
from typing import Any, Final, TypeVar

from graphql import GraphQLInterfaceType, GraphQLNamedType, GraphQLObjectType, GraphQLSchema

from graph.access.directives import (
    Authenticated,
    Cost,
    Directive,
    Fee,
    ListSize,
    Mask,
    MaskForm,
    Personal,
    Policy,
    PurposeIn,
    RequiresScopes,
    Subject,
)

DEFINITION: Final = "strawberry-definition"
KINDS: Final = (Authenticated, Cost, Fee, ListSize, Mask, Personal, Policy, PurposeIn, RequiresScopes, Subject)

D = TypeVar("D")


class Marks:
    """The directives of each type, and of each field by its coordinate, such as `Citizen.fullName`."""

    def __init__(self, types: dict[str, tuple[Directive, ...]], fields: dict[str, tuple[Directive, ...]]) -> None:
        self._types = types
        self._fields = fields

    def of_type(self, name: str) -> tuple[Directive, ...]:
        """Return the directives that stand on a type."""
        return self._types.get(name, ())

    def of_field(self, coordinate: str) -> tuple[Directive, ...]:
        """Return the directives that stand on a field itself."""
        return self._fields.get(coordinate, ())

    def subject(self, type_name: str) -> Subject | None:
        """Say whom records of a type are about; None where it does not say."""
        return _first(self.of_type(type_name), Subject)

    def mask(self, coordinate: str) -> MaskForm | None:
        """Say how a field looks when it is masked; None where it cannot be."""
        found = _first(self.of_field(coordinate), Mask)
        return None if found is None else found.as_

    def list_size(self, coordinate: str) -> ListSize | None:
        """Say how long the list of a field is expected to be; None where it does not say."""
        return _first(self.of_field(coordinate), ListSize)

    def fee(self, coordinate: str) -> int:
        """Return what a value of a field costs, in VND."""
        found = _first(self.of_field(coordinate), Fee)
        return 0 if found is None else found.vnd


def marks_of(schema: GraphQLSchema) -> Marks:
    """Read the directives of a schema that Strawberry has made."""
    types = {name: marks for name, kind in schema.type_map.items() if (marks := _on(kind))}
    fields = {coordinate: marks for kind in schema.type_map.values() for coordinate, marks in _fields(kind) if marks}
    return Marks(types, fields)


def _fields(kind: GraphQLNamedType) -> Iterator[tuple[str, tuple[Directive, ...]]]:
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in kind.fields.items():
            yield f"{kind.name}.{name}", _on(field)


def _on(place: Any) -> tuple[Directive, ...]:
    definition = place.extensions.get(DEFINITION)
    return tuple(found for found in getattr(definition, "directives", None) or () if isinstance(found, KINDS))


def _first(marks: tuple[Directive, ...], kind: type[D]) -> D | None:
    return next((found for found in marks if isinstance(found, kind)), None)
