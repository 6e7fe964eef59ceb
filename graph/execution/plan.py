"""Plan: what one operation of a document becomes, a tree of selections whose fields know where their values come from and what they are.

A plan is made once for a document, an operation and the values of the variables that steer `@skip` and `@include`, and then only read.
Fields are collected and merged by graphql-core itself, so a plan has exactly the fields that the reference execution would visit.
"""

import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.relay import GlobalID
from strawberry.schema.compat import is_scalar
from strawberry.types.arguments import convert_arguments
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional
from strawberry.types.field import StrawberryField

from graph.errors import MotcuaError
from graph.execution.permits import EVERYTHING, Permits
from graph.execution.selected import Selected
from graph.loading.batch import Batch
from graph.loading.link import Link
from graph.loading.screening import Screen

Kind = Literal["typename", "plain", "link", "resolver", "refused"]
DEFINITION = "strawberry-definition"


class Leaf:
    """A scalar or enum value; of its `native` class, where there is one, a value needs no conversion."""

    __slots__ = ("native", "nonnull", "type")

    def __init__(self, kind: GraphQLLeafType, native: type | None, *, nonnull: bool) -> None:
        self.type = kind
        self.native = native
        self.nonnull = nonnull


class Sequence:
    """A list."""

    __slots__ = ("item", "nonnull", "type")

    def __init__(self, kind: GraphQLOutputType, item: "Shape", *, nonnull: bool) -> None:
        self.type = kind
        self.item = item
        self.nonnull = nonnull


class Composite:
    """An object, or an interface or union of which each value says what it is: a selection for each object type, made when first met."""

    __slots__ = ("_details", "_planner", "_selections", "nonnull", "only", "type")

    def __init__(
        self, kind: GraphQLObjectType | GraphQLAbstractType, details: "list[FieldDetails]", planner: "Planner", *, nonnull: bool
    ) -> None:
        self.type = kind
        self.nonnull = nonnull
        self._details = details
        self._planner = planner
        self._selections: dict[str, Selection] = {}
        # The selection of an object type; None for an interface or union.
        self.only: Selection | None = self.selection(kind) if isinstance(kind, GraphQLObjectType) else None

    def selection(self, kind: GraphQLObjectType) -> "Selection":
        """Return what is selected on an object type."""
        found = self._selections.get(kind.name)
        if found is None:
            found = self._selections[kind.name] = self._planner.selection_under(kind, self._details)
        return found

    @property
    def known(self) -> "Mapping[str, Selection]":
        """The selections made so far, by the name of their object type."""
        return self._selections


Shape = Leaf | Sequence | Composite


class FieldPlan:
    """One field of a selection: its place in the answer, where its value comes from, and what it must be."""

    __slots__ = (
        "attribute", "constant", "definition", "details", "kind", "link", "nodes", "parent", "planner", "recipe", "refusal",
        "response_name", "shape", "stand_in", "strawberry", "swift",
    )  # fmt: skip

    def __init__(self, response_name: str, details: "list[FieldDetails]", parent: GraphQLObjectType, planner: "Planner") -> None:
        self.response_name = response_name
        self.details = details
        self.nodes: list[FieldNode] = [detail.node for detail in details]
        self.parent = parent
        self.planner = planner
        definition = planner.schema.get_field(parent, self.nodes[0].name.value)
        if definition is None:  # only for a document that was not validated
            raise LookupError(response_name)
        self.definition: GraphQLField = definition
        # Why the caller may not read it; then nothing under it is planned.
        self.refusal = planner.refusal(parent, self.name)
        known = definition.extensions.get(DEFINITION)
        self.strawberry: StrawberryField | None = known if isinstance(known, StrawberryField) else None
        self.link = self._own_link() if self.refusal is None else None
        self.kind: Kind = self._kind()
        self.attribute = self.strawberry.python_name if self.strawberry is not None else ""
        # Arguments in Python's terms where they are the same for every run of the plan; None until known.
        self.constant: dict[str, Any] | None = None if self.definition.args else {}
        self.shape = self._shape()
        self.stand_in = self._stand_in()
        self.recipe = self._recipe()
        self.swift = self._swift()

    def _shape(self) -> Shape:
        kind = self.definition.type
        if self.refusal is not None:  # nothing but a null will stand there, if that may be
            return Leaf(GraphQLString, None, nonnull=isinstance(kind, GraphQLNonNull))
        return self.planner.shape(kind, self.details, nonnull=False)

    def _swift(self) -> "Selection | None":
        """Find the selection of a link whose column needs no look at single values: records of one type, nothing hand-written below."""
        if self.link is None or self.link.each or self.stand_in is not None or self.shape.nonnull:
            return None
        item = self.shape.item if self.link.batch.many and isinstance(self.shape, Sequence) else self.shape
        only = item.only if isinstance(item, Composite) else None
        return only if only is not None and only.is_pure and only.type.is_type_of is None else None

    def _recipe(self) -> list[tuple[str, str]] | None:
        """Pair the key function's parameters with the variables that give them, where no conversion lies between; None otherwise."""
        given = {argument.name.value: argument.value for argument in self.nodes[0].arguments or ()}
        if self.link is None or self.strawberry is None or set(given) != set(self.definition.args):
            return None
        known = {
            self.planner.converter.config.name_converter.from_argument(found): found.python_name for found in self.strawberry.arguments
        }
        plain = all(_is_taken_as_it_is(found.type, self.planner.converter.scalar_registry) for found in self.strawberry.arguments)
        if not plain or not all(isinstance(value, VariableNode) for value in given.values()):
            return None
        return [(known[name], value.name.value) for name, value in given.items() if isinstance(value, VariableNode)]

    def _stand_in(self) -> Callable[[Any], Any] | None:
        """Make what stands in for the record where the key proves it and nothing but the key is asked for; then no call is needed."""
        proves = self.link.proves if self.link is not None else None
        item = self.shape.item if isinstance(self.shape, Sequence) else self.shape
        only = item.only if isinstance(item, Composite) else None
        certain = self.link is not None and (self.link.each or not self.link.batch.many)
        if (
            proves is None
            or not certain
            or only is None
            or only.type.is_type_of is not None
            or not all(_is_key(found, proves) for found in only.fields)
        ):
            return None
        record = type("StandIn", (), {"__slots__": (proves,), "__init__": lambda made, key: setattr(made, proves, key)})
        return typing.cast("Callable[[Any], Any]", record)

    def _own_link(self) -> Link | None:
        """Take the field's link; with permissions or extensions it is a resolver like any other, because they decide what happens."""
        found = self.strawberry.metadata.get("link") if self.strawberry is not None and not self.strawberry.extensions else None
        return found if isinstance(found, Link) and not self.planner.handles_exceptions else None

    def _kind(self) -> Kind:
        if self.nodes[0].name.value == "__typename":
            return "typename"
        if self.refusal is not None:
            return "refused"
        if self.link is not None:
            return "link"
        # Permissions and extensions decide about a field also where no resolver was written.
        bare = self.strawberry is not None and not self.strawberry.extensions and not self.planner.handles_exceptions
        plain = bare and getattr(self.definition.resolve, "_is_default", False)
        return "plain" if plain and self.planner.reads_attributes else "resolver"

    @property
    def name(self) -> str:
        """The field's own name in the schema."""
        return self.nodes[0].name.value

    def arguments(self, variables: VariableValues) -> dict[str, Any]:
        """Coerce the arguments as graphql-core does; GraphQLError where they cannot be."""
        if not self.definition.args and not self.nodes[0].arguments:
            return {}
        return get_argument_values(self.definition, self.nodes[0], variables)

    def key_arguments(self, variables: VariableValues) -> dict[str, Any]:
        """Coerce the arguments and give them in the terms of the key function, as Strawberry would to a resolver."""
        if self.constant is not None:
            return self.constant
        if self.recipe is not None:
            coerced = variables.coerced
            made = {parameter: coerced.get(variable) for parameter, variable in self.recipe}
            if None not in made.values():  # what is absent or null may have a default or be refused
                return made
        known = self.strawberry
        if known is None:
            raise TypeError(self.response_name)
        converter = self.planner.converter
        made = convert_arguments(self.arguments(variables), known.arguments, converter.scalar_registry, converter.config)
        if not uses_variables(self.nodes[0]):
            self.constant = made
        return made


class Selection:
    """The fields that are selected on one object type, and what is known of the whole tree under them."""

    __slots__ = ("complete", "deferred", "fields", "is_pure", "type")

    def __init__(self, kind: GraphQLObjectType, fields: list[FieldPlan]) -> None:
        self.type = kind
        self.fields = fields
        # Fields whose subtree needs more than attributes: their place in the answer is filled later.
        self.deferred = [found for found in fields if not is_inline(found)]
        # Without hand-written resolvers, the same record under this selection always gives the same answer.
        self.is_pure = all(_is_pure(found) for found in fields)
        self.complete: Callable[[Iterable[Any]], list[dict[str, Any]]] | None = None


def _is_taken_as_it_is(kind: Any, scalars: Mapping[object, Any]) -> bool:
    """Tell whether Strawberry gives a coerced argument of a type to a resolver unchanged."""
    while isinstance(kind, StrawberryOptional | StrawberryList) and not isinstance(kind, StrawberryMaybe):
        kind = kind.of_type
    return kind is not GlobalID and not isinstance(kind, StrawberryMaybe) and is_scalar(kind, scalars)


def _is_key(found: FieldPlan, attribute: str) -> bool:
    return found.kind == "typename" or (found.kind == "plain" and found.attribute == attribute)


def is_inline(found: FieldPlan) -> bool:
    """Tell whether a field and all under it are attributes, so that one generated function can write it."""
    return found.kind == "typename" or (found.kind == "plain" and _inline_shape(found.shape))


def _inline_shape(shape: Shape) -> bool:
    if isinstance(shape, Sequence):
        return _inline_shape(shape.item)
    if isinstance(shape, Composite):
        only = shape.only
        return only is not None and not only.deferred and only.type.is_type_of is None
    return True


def _is_pure(found: FieldPlan) -> bool:
    return found.kind != "resolver" and _pure_shape(found.shape)


def _pure_shape(shape: Shape) -> bool:
    if isinstance(shape, Sequence):
        return _pure_shape(shape.item)
    return isinstance(shape, Leaf) or (shape.only is not None and shape.only.is_pure and not _asks_where(shape.only.type))


def _asks_where(kind: GraphQLObjectType) -> bool:
    """Tell whether a type has a hand-written `is_type_of`, which is told where it is asked; Strawberry's own sees the object alone."""
    return kind.is_type_of is not None and getattr(kind.extensions.get(DEFINITION), "is_type_of", None) is not None


def uses_variables(node: FieldNode) -> bool:
    """Tell whether an argument of a field takes its value from a variable."""
    return any(_holds_variable(argument.value) for argument in node.arguments or ())


def _holds_variable(value: Any) -> bool:
    if isinstance(value, VariableNode):
        return True
    parts = getattr(value, "values", None) or [part.value for part in getattr(value, "fields", None) or ()]
    return any(_holds_variable(part) for part in parts)


@dataclass(frozen=True)
class Plan:
    """One operation, ready to run.

    `coordinates` are the fields that it reads, as `Type.field`, under an interface or union those of every type that it can be; `refused`
    those of them that the caller may not read, each with what is said in its place. `screens` look at what is loaded for it. `derived` has
    what others have worked out about it, each under itself, and is kept as long as the plan is.
    """

    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    root: Selection
    serial: bool
    coordinates: frozenset[str] = frozenset()
    refused: tuple[tuple[str, MotcuaError], ...] = ()
    screens: Mapping[Batch[Any, Any], Screen] = field(default_factory=dict)
    derived: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)

    def is_free(self, found: "FieldPlan") -> bool:
        """Tell whether nobody is asked for what a link leads to: the key alone stands in for it, and nothing has to be looked at."""
        return found.stand_in is not None and (found.link is None or found.link.batch not in self.screens)


class Planner:
    """Makes the plan of one operation; kept by it, because interfaces and unions meet their object types only when it runs."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDefinitionNode],
        variables: VariableValues,
        permits: Permits = EVERYTHING,
    ) -> None:
        self.schema = schema
        self.operation = operation
        self.fragments = {name: FragmentDetails(found) for name, found in fragments.items()}
        self.definitions = fragments
        self.variables = variables
        self.permits = permits
        self.selected = Selected(self)
        strawberry_schema = getattr(schema, "_strawberry_schema")  # noqa: B009 - set by Strawberry on every schema it makes
        self.reads_attributes = strawberry_schema.config.default_resolver is getattr
        self.converter = strawberry_schema.schema_converter
        self._natives = {
            id(definition): origin
            for origin, definition in self.converter.scalar_registry.items()
            if isinstance(origin, type)
            and issubclass(origin, str)
            and origin.__str__ is str.__str__
            and getattr(definition, "serialize", None) is str
        }
        self.handles_exceptions = bool(self.converter.exception_handlers)

    def plan(self) -> Plan:
        """Plan from the root type down."""
        kind = self.schema.get_root_type(self.operation.operation)
        if kind is None:
            raise LookupError(self.operation.operation.value)
        collected = collect_fields(self.schema, self.fragments, self.variables, kind, self.operation)
        root = self._selection(kind, collected.grouped_field_set)
        self.selected.look_behind()
        read, refused = self.selected.read, self.selected.refused
        return Plan(
            self.operation, self.definitions, root, serial=self.operation.operation is OperationType.MUTATION,
            coordinates=frozenset(read), refused=tuple(refused.items()), screens=self.permits.screens(read - refused.keys()),
        )  # fmt: skip

    def refusal(self, parent: GraphQLObjectType, name: str) -> MotcuaError | None:
        """Say why a field may not be read; None where it may."""
        return self.selected.refusal(parent, name)

    def selection_under(self, kind: GraphQLObjectType, details: "list[FieldDetails]") -> Selection:
        """Plan what is selected on an object type under a field."""
        collected = collect_subfields(self.schema, self.fragments, self.variables, self.operation, kind, details)
        return self._selection(kind, collected.grouped_field_set)

    def shape(self, kind: GraphQLOutputType, details: "list[FieldDetails]", *, nonnull: bool) -> Shape:
        """Plan what a value of a type must be."""
        if isinstance(kind, GraphQLNonNull):
            return self.shape(kind.of_type, details, nonnull=True)
        if isinstance(kind, GraphQLList):
            return Sequence(kind, self.shape(kind.of_type, details, nonnull=False), nonnull=nonnull)
        if isinstance(kind, GraphQLScalarType | GraphQLEnumType):
            return Leaf(kind, self._natives.get(id(kind.extensions.get(DEFINITION))), nonnull=nonnull)
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
            if not isinstance(kind, GraphQLObjectType):
                self.selected.note(kind, details)
            return Composite(kind, details, self, nonnull=nonnull)
        raise TypeError(str(kind))

    def _selection(self, kind: GraphQLObjectType, grouped: "Mapping[str, list[FieldDetails]]") -> Selection:
        fields: list[FieldPlan] = []
        for response_name, details in grouped.items():
            try:
                fields.append(FieldPlan(response_name, details, kind, self))
            except LookupError:
                continue
        return Selection(kind, fields)
