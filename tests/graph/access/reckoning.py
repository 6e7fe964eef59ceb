"""What a query costs, reckoned slowly: the document walked with the values of its variables, each list as long as it is said to be."""

from fractions import Fraction
from typing import Any, NamedTuple

from graphql import (
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    ListValueNode,
    NullValueNode,
    Undefined,
    VariableNode,
    get_named_type,
    is_leaf_type,
    value_from_ast_untyped,
)
from graphql.execution.collect_fields import FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues

from graph.access.directives import Cost, ListSize
from graph.loading.link import Link
from tests.graph.access.drawn import is_list


class Sum(NamedTuple):
    type_cost: Fraction
    field_cost: Fraction
    fees: dict[str, int]

    def times(self, many: int) -> "Sum":
        return Sum(self.type_cost * many, self.field_cost * many, {system: fee * many for system, fee in self.fees.items()})

    def plus(self, other: "Sum") -> "Sum":
        systems = {*self.fees, *other.fees}
        fees = {system: self.fees.get(system, 0) + other.fees.get(system, 0) for system in systems}
        return Sum(self.type_cost + other.type_cost, self.field_cost + other.field_cost, fees)

    def or_more(self, other: "Sum") -> "Sum":
        systems = {*self.fees, *other.fees}
        fees = {system: max(self.fees.get(system, 0), other.fees.get(system, 0)) for system in systems}
        return Sum(max(self.type_cost, other.type_cost), max(self.field_cost, other.field_cost), fees)


FREE = Sum(Fraction(0), Fraction(0), {})


class Reckoning:
    def __init__(self, schema: Any, marks: Any, document: Any, operation: Any, variables: VariableValues) -> None:
        self.schema = schema
        self.marks = marks
        self.operation = operation
        self.variables = variables
        self.fragments = {name: FragmentDetails(found) for name, found in document.fragments.items()}

    def whole(self) -> Sum:
        root, fields = self._root()
        return self._object(root, fields, "none", {})

    def persons(self) -> int:
        root, fields = self._root()
        return sum(self._persons(root, details) for details in fields.values())

    def _root(self) -> Any:
        root = self.schema.get_root_type(self.operation.operation)
        return root, collect_fields(self.schema, self.fragments, self.variables, root, self.operation).grouped_field_set

    def _persons(self, root: Any, details: Any) -> int:
        node = details[0].node
        definition = self.schema.get_field(root, node.name.value)
        kind = get_named_type(definition.type)
        if is_leaf_type(kind) or not any(self.marks.subject(one.name) for one in self._possible(kind)):
            return 0
        link = link_of(definition)
        if depth_of(definition.type) == 0 or (link is not None and not link.each):
            return 1
        return self._sizes(root, definition, node, {})[0]

    def _object(self, kind: Any, fields: Any, system: str, sized: dict[str, int]) -> Sum:
        total = Sum(weight(self.marks.of_type(kind.name), 1), Fraction(0), {})
        for details in fields.values():
            total = total.plus(self._field(kind, details, system, sized))
        return total

    def _field(self, parent: Any, details: Any, system: str, sized: dict[str, int]) -> Sum:
        node = details[0].node
        if node.name.value == "__typename":
            return FREE
        definition = self.schema.get_field(parent, node.name.value)
        link = link_of(definition)
        system = system if link is None else link.batch.system.name
        length, below = self._sizes(parent, definition, node, sized)
        lists = depth_of(definition.type)
        many = length * 10 ** (lists - 1) if lists else 1
        fee = self.marks.fee(f"{parent.name}.{node.name.value}")
        own = Sum(Fraction(0), self._weight(parent, definition, node), {system: fee * many} if fee else {})
        return own.plus(self._value(get_named_type(definition.type), details, system, below).times(many))

    def _value(self, kind: Any, details: Any, system: str, sized: dict[str, int]) -> Sum:
        if is_leaf_type(kind):
            return Sum(weight(self.marks.of_type(kind.name), 0), Fraction(0), {})
        if kind.name.startswith("__"):
            return FREE
        most: Sum | None = None
        for one in self._possible(kind):
            under = collect_subfields(self.schema, self.fragments, self.variables, self.operation, one, details).grouped_field_set
            found = self._object(one, under, system, sized)
            most = found if most is None else most.or_more(found)
        return most or FREE

    def _possible(self, kind: Any) -> list[Any]:
        return [kind] if isinstance(kind, GraphQLObjectType) else list(self.schema.get_possible_types(kind))

    def _weight(self, parent: Any, definition: Any, node: Any) -> Fraction:
        usual = 0 if is_leaf_type(get_named_type(definition.type)) else 1
        total = weight(self.marks.of_field(f"{parent.name}.{node.name.value}"), usual)
        for given in node.arguments or ():
            if isinstance(get_named_type(definition.args[given.name.value].type), GraphQLInputObjectType):
                total += 0 if isinstance(given.value, NullValueNode) else 1
        return max(total, Fraction(0))

    def _sizes(self, parent: Any, definition: Any, node: Any, sized: dict[str, int]) -> tuple[int, dict[str, int]]:
        declared = next((one for one in self.marks.of_field(f"{parent.name}.{node.name.value}") if isinstance(one, ListSize)), None)
        length = self._length(definition, node, declared)
        if declared is not None and declared.sized_fields:
            return 10, dict.fromkeys(declared.sized_fields, length)
        return sized.get(node.name.value, length), {}

    def _length(self, definition: Any, node: Any, declared: ListSize | None) -> int:
        link = link_of(definition)
        assumed = 10 if declared is None or declared.assumed_size is None else declared.assumed_size
        if declared is not None:
            names = declared.slicing_arguments or []
        elif link is not None and link.each:
            names = [name for name, argument in definition.args.items() if is_list(argument.type)]
        else:
            names = []
        told = [length for name in names if (length := self._told(definition.args[name], name, node)) is not None]
        return max(told) if told else assumed

    def _told(self, argument: Any, name: str, node: Any) -> int | None:
        value = next((given.value for given in node.arguments or () if given.name.value == name), None)
        if isinstance(value, VariableNode):
            found = self.variables.coerced.get(value.name.value, argument.default_value)
        elif isinstance(value, ListValueNode):
            found = list(value.values)
        else:
            found = argument.default_value if value is None else value_from_ast_untyped(value)
            found = [found] if value is not None and is_list(argument.type) and found is not None else found
        if found is None or found is Undefined:
            return None
        return len(found) if isinstance(found, list) else max(found, 0)


def weight(directives: Any, usual: int) -> Fraction:
    return next((Fraction(one.weight) for one in directives if isinstance(one, Cost)), Fraction(usual))


def link_of(definition: Any) -> Link | None:
    made = definition.extensions.get("strawberry-definition")
    found = made.metadata.get("link") if made is not None and not made.extensions else None
    return found if isinstance(found, Link) else None


def depth_of(kind: Any) -> int:
    if isinstance(kind, GraphQLNonNull):
        return depth_of(kind.of_type)
    return 1 + depth_of(kind.of_type) if isinstance(kind, GraphQLList) else 0
