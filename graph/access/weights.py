"""Weights in the cost of a query: of a type, a field and an argument, as its directive says, and else 1 where it stands for an object."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final, Protocol

from graphql import (
    FieldNode,
    GraphQLInputObjectType,
    GraphQLNamedType,
    NullValueNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

from graph.access.directives import Cost, Directive, Subject
from graph.errors import SettingsWrong
from graph.execution.plan import FieldPlan

# Weights are counted in thousandths, so that sums of them are exact.
PARTS: Final = 1_000


class Priced(Protocol):
    """What the directives of a schema say, as far as it has to do with what a query costs."""

    def of_type(self, name: str) -> tuple[Directive, ...]:
        """Return the directives that stand on a type."""

    def of_field(self, coordinate: str) -> tuple[Directive, ...]:
        """Return the directives that stand on a field."""

    def subject(self, type_name: str) -> Subject | None:
        """Say whom records of a type are about."""

    def fee(self, coordinate: str) -> int:
        """Return what a value of a field costs, in VND."""


def type_weight(marks: Priced, kind: GraphQLNamedType) -> int:
    """Weigh one value of an object type, scalar or enum."""
    return _declared(marks.of_type(kind.name), 0 if is_leaf_type(kind) else PARTS, kind.name)


def field_weight(marks: Priced, found: FieldPlan) -> int:
    """Weigh one visit of a field with its arguments; an argument may make it lighter, but never less than nothing."""
    coordinate = f"{found.parent.name}.{found.name}"
    usual = 0 if is_leaf_type(get_named_type(found.definition.type)) else PARTS
    own = _declared(marks.of_field(coordinate), usual, coordinate)
    return max(0, own + sum(_argument_weights(found, coordinate)))


def _argument_weights(found: FieldPlan, coordinate: str) -> list[int]:
    node: FieldNode = found.nodes[0]
    weights = []
    for given in node.arguments or ():
        argument = found.definition.args.get(given.name.value)
        if argument is None or isinstance(given.value, NullValueNode):
            continue
        usual = PARTS if isinstance(get_named_type(argument.type), GraphQLInputObjectType) else 0
        weight = _declared(_directives(argument), usual, f"{coordinate}({given.name.value}:)")
        # What makes it lighter counts only where it is certain to be given: this is an upper bound.
        weights.append(0 if weight < 0 and isinstance(given.value, VariableNode) else weight)
    return weights


def _directives(argument: Any) -> tuple[object, ...]:
    """Return what Strawberry keeps of the directives of an argument."""
    return tuple(getattr(argument.extensions.get("strawberry-definition"), "directives", ()))


def _declared(directives: tuple[object, ...], usual: int, where: str) -> int:
    weight = next((directive.weight for directive in directives if isinstance(directive, Cost)), None)
    if weight is None:
        return usual
    try:
        return int(Decimal(weight) * PARTS)
    except (InvalidOperation, OverflowError, ValueError):
        raise SettingsWrong(f"{where}: expected the weight of its @cost to be a number") from None
