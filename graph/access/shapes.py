"""Shapes: what the object types of a schema look like to whoever looks at their records, by the attributes that records have."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from graphql import GraphQLField, GraphQLInterfaceType, GraphQLNonNull, GraphQLObjectType, GraphQLSchema, GraphQLUnionType, get_named_type
from strawberry.types.field import StrawberryField

from graph.access.directives import MaskForm, Refused, Subject
from graph.errors import SettingsWrong
from graph.loading.batch import Batch
from graph.loading.link import Link

DEFINITION = "strawberry-definition"


class MarksOfSubjects(Protocol):
    """What the directives of a schema say about people and masks."""

    def subject(self, type_name: str) -> Subject | None:
        """Return whom records of a type are about."""

    def mask(self, coordinate: str) -> MaskForm | None:
        """Return how a field looks masked."""


@dataclass(frozen=True)
class Attribute:
    """A field as an attribute of its record, as a link, or as what a resolver makes; `targets` are the object types that it may lead to."""

    name: str
    coordinate: str
    form: MaskForm | None
    link: Link | None
    targets: tuple[str, ...]
    resolved: bool = False

    @property
    def inside(self) -> tuple[str, ...]:
        """The object types of the records that stand in this attribute."""
        return () if self.link is not None or self.resolved else self.targets


@dataclass(frozen=True)
class Kind:
    """An object type; `subject` leads to the ids of the people whom its records are about, and a record with `unless` is about nobody."""

    name: str
    attributes: tuple[Attribute, ...]
    subject: tuple[str, ...] | None
    unless: str | None
    absent: bool


class Shapes:
    """All object types of a schema, and where each batch function is used."""

    def __init__(self, schema: GraphQLSchema, marks: MarksOfSubjects) -> None:
        """Read the schema; SettingsWrong names a directive that could not be held to."""
        self._schema = schema
        self._marks = marks
        objects = [kind for kind in schema.type_map.values() if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")]
        self.kinds: Mapping[str, Kind] = {kind.name: self._kind(kind) for kind in objects}
        self.links: dict[Batch[Any, Any], list[Attribute]] = {}
        for attribute in self._attributes():
            if attribute.link is not None:
                self.links.setdefault(attribute.link.batch, []).append(attribute)

    def targets(self, batch: Batch[Any, Any]) -> tuple[str, ...]:
        """Name the object types that stand for the records of a batch function."""
        return tuple(sorted({target for attribute in self.links.get(batch, ()) for target in attribute.targets}))

    def matters(self, name: str) -> bool:
        """Tell whether records of a type are about somebody, or hold anything that can be masked, themselves or in what is inside them."""
        kind = self.kinds[name]
        masks = any(attribute.form is not None for attribute in kind.attributes)
        return kind.subject is not None or masks or any(self.matters(each) for attribute in kind.attributes for each in attribute.inside)

    def names_people(self, name: str, *, by_links: bool, seen: frozenset[str] = frozenset()) -> bool:
        """Tell whether it can be known about whom records of a type are: each says so itself, or stands in one that does.

        With `by_links` it is enough to be reached only from records that say so: who may not see those never comes here.
        """
        if self.kinds[name].subject is not None:
            return True
        leading = [(kind, attribute) for kind in self.kinds.values() for attribute in kind.attributes if name in attribute.targets]
        seen |= {name}
        return bool(leading) and all(
            kind.name in seen or ((by_links or name in attribute.inside) and self.names_people(kind.name, by_links=by_links, seen=seen))
            for kind, attribute in leading
        )

    def check(self) -> None:
        """Refuse what could not be held to; SettingsWrong names it."""
        for kind in self.kinds.values():
            self._check_inside(kind, (kind.name,))
        for batch in self.links:
            targets = self.targets(batch)
            if len(targets) > 1 and any(map(self.matters, targets)):
                raise SettingsWrong(f"schema: {batch.name} delivers {' and '.join(targets)}; expected one type, because people stand in it")
        for attribute in self._attributes():
            if (attribute.resolved or len(attribute.inside) > 1) and any(map(self.matters, attribute.targets)):
                raise SettingsWrong(
                    f"schema: {attribute.coordinate}: expected a link, or a plain field of one type, because people stand in it"
                )

    def _check_inside(self, kind: Kind, path: tuple[str, ...]) -> None:
        for name in {name for attribute in kind.attributes for name in attribute.inside}:
            if name in path:
                raise SettingsWrong(f"schema: {' > '.join([*path, name])}: expected records that do not stand in one another")
            self._check_inside(self.kinds[name], (*path, name))

    def _attributes(self) -> Iterator[Attribute]:
        for kind in self.kinds.values():
            yield from kind.attributes

    def _kind(self, kind: GraphQLObjectType) -> Kind:
        found = self._marks.subject(kind.name)
        path = None if found is None else tuple(self._path(kind, found.field.split(".")))
        attributes = tuple(self._attribute(kind, name, field) for name, field in kind.fields.items())
        unless = next(self._path(kind, [found.unless])) if found is not None and found.unless else None
        return Kind(kind.name, attributes, path, unless, absent=found is not None and found.refused is Refused.ABSENT)

    def _attribute(self, kind: GraphQLObjectType, name: str, field: GraphQLField) -> Attribute:
        coordinate = f"{kind.name}.{name}"
        form = self._marks.mask(coordinate)
        made = field.extensions.get(DEFINITION)
        if not isinstance(made, StrawberryField):
            return Attribute(name, coordinate, form, None, tuple(self._objects(field)), resolved=True)
        link = made.metadata.get("link")
        link = link if isinstance(link, Link) else None
        resolved = link is None and made.base_resolver is not None
        if form is not None:
            self._check_mask(coordinate, form, field, link, resolved=resolved)
        return Attribute(made.python_name, coordinate, form, link, tuple(self._objects(field)), resolved=resolved)

    def _check_mask(self, coordinate: str, form: MaskForm, field: GraphQLField, link: Link | None, *, resolved: bool) -> None:
        if resolved:
            raise SettingsWrong(f"schema: {coordinate}: @mask: expected a plain field or a link, because a resolver is not looked at")
        if form is MaskForm.NULL and isinstance(field.type, GraphQLNonNull):
            raise SettingsWrong(f"schema: {coordinate}: @mask(as: NULL): expected a field that may be null")
        if form is not MaskForm.NULL and (link is not None or list(self._objects(field))):
            raise SettingsWrong(f"schema: {coordinate}: @mask: expected the form NULL for what is no plain value")

    def _objects(self, field: GraphQLField) -> Iterable[str]:
        named = get_named_type(field.type)
        if isinstance(named, GraphQLObjectType):
            return [named.name]
        if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
            return sorted(kind.name for kind in self._schema.get_possible_types(named))
        return []

    def _path(self, kind: GraphQLObjectType, names: list[str]) -> Iterator[str]:
        """Turn the names of fields into those of attributes."""
        field = kind.fields.get(names[0])
        made = None if field is None else field.extensions.get(DEFINITION)
        if field is None or not isinstance(made, StrawberryField) or made.base_resolver is not None:
            raise SettingsWrong(f"schema: {kind.name}: @subject: expected a plain field instead of {names[0]}")
        yield made.python_name
        if len(names) > 1:
            inner = get_named_type(field.type)
            if not isinstance(inner, GraphQLObjectType):
                raise SettingsWrong(f"schema: {kind.name}: @subject: expected an object behind {names[0]}")
            yield from self._path(inner, names[1:])
