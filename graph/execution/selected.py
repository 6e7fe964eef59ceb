"""Selected: which fields an operation reads and which of them are refused, also behind interfaces and unions that are not planned yet."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from graphql import GraphQLAbstractType, GraphQLObjectType, get_named_type, is_abstract_type, is_object_type
from graphql.execution.collect_fields import FieldDetails, collect_subfields

from graph.errors import MotcuaError

if TYPE_CHECKING:
    from graph.execution.plan import Planner

TYPENAME = "__typename"
META = "__"


class Selected:
    """What one plan reads, by coordinate, and what of it is refused; complete once it has looked behind all abstract types.

    Each object type is looked at once for the same fields of the document, so what stands under interfaces in one another costs no
    more than it is long. Selections are made for the objects that are met, and these would not be all.
    """

    def __init__(self, planner: "Planner") -> None:
        self.read: set[str] = set()
        self.refused: dict[str, MotcuaError] = {}
        self._planner = planner
        self._waiting: list[tuple[GraphQLAbstractType, list[FieldDetails]]] | None = []

    def refusal(self, parent: GraphQLObjectType, name: str) -> MotcuaError | None:
        """Say why a field may not be read; None where it may. It is noted as one that is asked for."""
        if name == TYPENAME:
            return None
        refusal = self._planner.permits.refusal(parent.name, name)
        coordinate = f"{parent.name}.{name}"
        if not parent.name.startswith(META):  # what describes the schema is decided about as a whole
            self.read.add(coordinate)
        if refusal is not None:
            self.refused.setdefault(coordinate, refusal)
        return refusal

    def note(self, kind: GraphQLAbstractType, details: list[FieldDetails]) -> None:
        """Note an interface or union and what is selected on it, to be looked at later."""
        if self._waiting is not None:
            self._waiting.append((kind, details))

    def look_behind(self) -> None:
        """Look at what is selected on each object type that an interface or union can be."""
        seen: set[tuple[Any, ...]] = set()
        waiting = [(possible, details) for kind, details in self._waiting or () for possible in self._possible(kind)]
        self._waiting = None
        while waiting:
            kind, details = waiting.pop()
            place = (kind.name, *(id(detail.node) for detail in details))
            if place not in seen:
                seen.add(place)
                waiting += self._below(kind, details)

    def _below(self, kind: GraphQLObjectType, details: list[FieldDetails]) -> Iterator[tuple[GraphQLObjectType, list[FieldDetails]]]:
        planner = self._planner
        collected = collect_subfields(planner.schema, planner.fragments, planner.variables, planner.operation, kind, details)
        for found in collected.grouped_field_set.values():
            name = found[0].node.name.value
            definition = planner.schema.get_field(kind, name)
            if definition is not None and self.refusal(kind, name) is None:
                for possible in self._possible(get_named_type(definition.type)):
                    yield possible, found

    def _possible(self, kind: Any) -> list[GraphQLObjectType]:
        if is_abstract_type(kind):
            return list(self._planner.schema.get_possible_types(kind))
        return [kind] if is_object_type(kind) else []
