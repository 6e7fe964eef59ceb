"""How long the lists of a query can be: what an argument says, what the schema assumes, and else ten."""

from typing import Any, Final

from graphql import (
    GraphQLList,
    GraphQLNonNull,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
)
from graphql.execution.values import VariableValues

from graph.access.amounts import Amount, Length, Lengths, known
from graph.access.directives import ListSize
from graph.errors import BadInput
from graph.execution.explain import ASSUMED_ITEMS
from graph.execution.plan import FieldPlan

UNTOLD: Final = -1


class Said:
    """What a variable will say of a length, or a member of it; where it is missing the default of the argument says it."""

    __slots__ = ("_default", "_members", "_variable", "name")

    def __init__(self, variable: str, members: list[str], default: Any) -> None:
        self._variable = variable
        self._members = members
        self._default = default
        self.name = f"{variable}.{'.'.join(members)} {default!r}"

    def __call__(self, variables: VariableValues) -> int | None:
        """Look what it says; None where it says nothing."""
        value = variables.coerced.get(self._variable, self._default)
        return _measured(_member(value, self._members) if self._members else value)


Told = int | Said


def length_of(found: FieldPlan, declared: ListSize | None, lengths: Lengths) -> Amount:
    """Tell how long the list of a field can be, or that under it which its directive names."""
    told = [one for name in _slicing(found, declared) if (one := _told(found, name)) is not None]
    assumed = ASSUMED_ITEMS if declared is None or declared.assumed_size is None else max(declared.assumed_size, 0)
    said = [one for one in told if not isinstance(one, int)]
    certain = max((one for one in told if isinstance(one, int)), default=UNTOLD)
    if not said:
        return known(assumed if certain == UNTOLD else certain)
    name = (assumed, certain, *(one.name for one in said))
    return lengths.new(_the_one(said[0], assumed) if len(said) == 1 and certain == UNTOLD else _longest(said, certain, assumed), name)


def _the_one(said: Said, assumed: int) -> Length:
    def length(variables: VariableValues) -> int:
        size = said(variables)
        return assumed if size is None else size

    return length


def _longest(said: list[Said], certain: int, assumed: int) -> Length:
    def length(variables: VariableValues) -> int:
        most = max([size for one in said if (size := one(variables)) is not None], default=UNTOLD)
        return assumed if most == certain == UNTOLD else max(most, certain)

    return length


def wrongly_sliced(found: FieldPlan, declared: ListSize | None) -> BadInput | None:
    """Say what is wrong with a field that wants exactly one of several arguments and is given none, or more."""
    if declared is None or not declared.slicing_arguments or not declared.require_one_slicing_argument:
        return None
    if sum(_told(found, name) is not None for name in declared.slicing_arguments) == 1:
        return None
    return BadInput(f"{found.parent.name}.{found.name}: expected exactly one of {', '.join(declared.slicing_arguments)}")


def _slicing(found: FieldPlan, declared: ListSize | None) -> list[str]:
    """Name the arguments that tell a length; of a link by several keys that is its one list, without being declared."""
    if declared is not None:
        return declared.slicing_arguments or []
    if found.link is None or not found.link.each:
        return []
    lists = [name for name, argument in found.definition.args.items() if _is_list(argument.type) and _told(found, name) is not None]
    return lists if len(lists) == 1 else []


def _told(found: FieldPlan, path: str) -> Told | None:
    """Find what an argument says of a length, or a member of one (`filter.first`): a number, or where to look; None where nothing."""
    name, *members = path.split(".")
    argument = found.definition.args.get(name)
    node = next((given.value for given in found.nodes[0].arguments or () if given.name.value == name), None)
    if argument is None:
        return None
    if node is None:
        return None if argument.default_value is Undefined else _measured(_member(argument.default_value, members))
    return _of_node(node, members, argument.default_value, lists=_is_list(argument.type) and not members)


def _of_node(node: ValueNode, members: list[str], default: Any, *, lists: bool) -> Told | None:
    if isinstance(node, VariableNode):
        return Said(node.name.value, members, default)
    if members and isinstance(node, ObjectValueNode):
        inner = next((part.value for part in node.fields if part.name.value == members[0]), None)
        return None if inner is None else _of_node(inner, members[1:], Undefined, lists=False)
    if isinstance(node, NullValueNode) or members:
        return None
    if isinstance(node, ListValueNode):
        return len(node.values)
    return 1 if lists else max(0, int(node.value)) if isinstance(node, IntValueNode) else None


def _measured(value: Any) -> int | None:
    """Take a number as a length, and of a list its own."""
    if value.__class__ is list:
        return len(value)
    return max(value, 0) if isinstance(value, int) and not isinstance(value, bool) else None


def _member(value: Any, members: list[str]) -> Any:
    for member in members:
        value = value.get(member) if isinstance(value, dict) else None
    return value


def _is_list(kind: Any) -> bool:
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)
