"""The review of a document before it is registered: what it reads, what of that is not allowed, and whether it costs too much."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLAbstractType,
    GraphQLObjectType,
    GraphQLSchema,
    ListTypeNode,
    NamedTypeNode,
    Node,
    NonNullTypeNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    TypeNode,
    Visitor,
    visit,
)
from graphql.execution.values import VariableValues
from graphql.language import REMOVE, VisitorAction, get_location

from graph.access.cost import Costing, costing
from graph.access.weights import Priced
from graph.access_settings import QuerySettings
from graph.execution.documents import STEERING, Document
from graph.execution.permits import Permits
from graph.execution.plan import Planner

NOTHING_GIVEN: Final = VariableValues({}, {})


class Objection(NamedTuple):
    """Why a document may not be registered, and where in it; line 1, column 1 where it is about the whole."""

    line: int
    column: int
    message: str


class Figures(NamedTuple):
    """What the dearest operation of a document comes to."""

    cost: int = 0
    persons: int = 0
    fee: int = 0

    def or_more(self, other: "Figures") -> "Figures":
        """Take the larger of each."""
        return Figures(*map(max, zip(self, other, strict=True)))


class Review(NamedTuple):
    """What was found: the fields that are read, as `Type.field` in order; figures for lists of the assumed length; and all objections."""

    fields: tuple[str, ...]
    figures: Figures
    objections: tuple[Objection, ...]


def reviewed(schema: GraphQLSchema, node: DocumentNode, permits: Permits, marks: Priced, bounds: QuerySettings) -> Review:
    """Review a valid document for somebody who has these permits and may ask for so much.

    It is too much where it is even with lists of one item; how long they are is up to the caller, and judged for each request.
    """
    places = _places(schema, node)
    assumed, least = Figures(), Figures()
    for operation, made in _costings(schema, node, marks):
        assumed = assumed.or_more(_figures(made, NOTHING_GIVEN))
        least = least.or_more(_figures(made, _ones(operation)))
    objections = [*_refusals(places, permits), *_too_much(least, bounds)]
    return Review(tuple(sorted(places)), assumed, tuple(objections))


def _refusals(places: dict[str, Node], permits: Permits) -> Iterator[Objection]:
    for coordinate, node in places.items():
        parent, _, name = coordinate.partition(".")
        refusal = permits.refusal(parent, name)
        if refusal is not None:
            yield _at(node, refusal.message)


def _too_much(least: Figures, bounds: QuerySettings) -> Iterator[Objection]:
    for what, amount, most in (("cost", least.cost, bounds.cost), ("number of persons", least.persons, bounds.persons)):
        if amount > most:
            yield Objection(1, 1, f"The {what} is at least {amount:,}; the consumer may ask for {most:,}")


def _figures(made: Costing, variables: VariableValues) -> Figures:
    return Figures(made.cost(variables), made.persons(variables), made.fee(variables))


def _costings(schema: GraphQLSchema, node: DocumentNode, marks: Priced) -> Iterator[tuple[OperationDefinitionNode, Costing]]:
    """Cost each operation as if nothing in it were skipped, because who sends it may choose so."""
    whole = Document(visit(node, _Unsteered()), [])
    for operation in whole.operations.values():
        yield operation, costing(Planner(schema, operation, whole.fragments, NOTHING_GIVEN).plan(), marks)


def _ones(operation: OperationDefinitionNode) -> VariableValues:
    """Give each variable that could say how long a list is the length of one."""
    found: dict[str, Any] = {}
    for definition in operation.variable_definitions or ():
        kind = _nullable(definition.type)
        if isinstance(kind, ListTypeNode):
            found[definition.variable.name.value] = [None]
        elif isinstance(kind, NamedTypeNode) and kind.name.value == "Int":
            found[definition.variable.name.value] = 1
    return VariableValues({}, found)


def _nullable(kind: TypeNode) -> TypeNode:
    return kind.type if isinstance(kind, NonNullTypeNode) else kind


def _places(schema: GraphQLSchema, node: DocumentNode) -> dict[str, Node]:
    """Find each field that is read, and where it is first; under an interface or union the field of each type that it can be."""
    types = TypeInfo(schema)
    visitor = _Fields(schema, types)
    visit(node, TypeInfoVisitor(types, visitor))
    return visitor.places


def _at(node: Node, message: str) -> Objection:
    if node.loc is None:
        return Objection(1, 1, message)
    place = get_location(node.loc.source, node.loc.start)
    return Objection(place.line, place.column, message)


class _Fields(Visitor):
    """Notes the fields of a document."""

    def __init__(self, schema: GraphQLSchema, types: TypeInfo) -> None:
        super().__init__()
        self.schema = schema
        self.types = types
        self.places: dict[str, Node] = {}

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Note one; what stands below `__schema` and `__type` is decided with these."""
        parent, name = self.types.get_parent_type(), node.name.value
        if name == "__typename" or parent is None or parent.name.startswith("__"):
            return
        for kind in self._objects(parent):
            self.places.setdefault(f"{kind.name}.{name}", node)

    def _objects(self, parent: Any) -> list[GraphQLObjectType]:
        return list(self.schema.get_possible_types(parent)) if isinstance(parent, GraphQLAbstractType) else [parent]


class _Unsteered(Visitor):
    """Takes `@skip` and `@include` away."""

    def enter_directive(self, node: Any, *_: Any) -> VisitorAction:
        """Leave all other directives."""
        return REMOVE if node.name.value in STEERING else None
