"""The bill of a plan: each field weighed and multiplied with how many parents it can have, in amounts that depend only on list lengths."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from graphql import GraphQLObjectType

from graph.access.amounts import MOST, NOTHING, Amount, Lengths, added, known, merged
from graph.access.directives import ListSize
from graph.access.sizes import length_of, wrongly_sliced
from graph.access.weights import Priced, field_weight, type_weight
from graph.errors import BadInput
from graph.execution.explain import ASSUMED_ITEMS
from graph.execution.plan import Composite, FieldPlan, Leaf, Plan, Selection, Sequence, Shape
from graph.loading.batch import Batch

# A plan with more fields, those of all types behind interfaces counted, is too dear without being added up.
FIELDS_AT_MOST: Final = 20_000
# The fee for a value that no system gave goes under this name.
NO_SYSTEM: Final = "none"

# What is answered without being looked for: the name of a type, and the null where the caller may not read a field.
FREE: Final = frozenset({"typename", "refused"})

Wave = tuple[int, Batch[Any, Any]]


@dataclass(frozen=True)
class Bill:
    """What one object costs with all that is selected under it; keys by how many links lie above them and their batch function."""

    type_cost: Amount = NOTHING
    field_cost: Amount = NOTHING
    keys: Mapping[Wave, Amount] = field(default_factory=dict)
    fees: Mapping[str, Amount] = field(default_factory=dict)

    def times(self, many: Amount) -> "Bill":
        """Multiply it."""
        return Bill(
            self.type_cost * many,
            self.field_cost * many,
            {wave: amount * many for wave, amount in self.keys.items()},
            {system: amount * many for system, amount in self.fees.items()},
        )


@dataclass(frozen=True)
class Place:
    """Where a field stands: the system that its parent came from, how many links lie above it, and lengths that its parent names."""

    system: str = NO_SYSTEM
    depth: int = 1
    sized: Mapping[str, Amount] = field(default_factory=dict)


class Billing:
    """Adds up the bill of one plan; `sizes` are the lengths of its lists, `wrong` says what a request for it cannot be right in."""

    def __init__(self, marks: Priced, plan: Plan) -> None:
        """Add it up."""
        self.lengths = Lengths()
        self.sizes: dict[FieldPlan, Amount] = {}
        self.wrong: BadInput | None = None
        self._marks = marks
        self._plan = plan
        self._fields = 0
        self.bill = self._object(plan.root, Place())
        self.persons = added(self._persons(found) for found in plan.root.fields)

    def _object(self, selection: Selection, place: Place) -> Bill:
        fields = self._sum(self._field(found, place) for found in selection.fields)
        return self._sum([Bill(type_cost=known(type_weight(self._marks, selection.type))), fields])

    def _sum(self, bills: Iterable[Bill]) -> Bill:
        bills = list(bills)
        return Bill(
            added(bill.type_cost for bill in bills),
            added(bill.field_cost for bill in bills),
            _added_each(bill.keys for bill in bills),
            {system: added(amounts) for system, amounts in merged(bill.fees for bill in bills)},
        )

    def _dearest(self, bills: list[Bill]) -> Bill:
        """Take the most of each; of keys all, because a list may hold records of every type."""
        largest = self.lengths.largest
        return Bill(
            largest([bill.type_cost for bill in bills]),
            largest([bill.field_cost for bill in bills]),
            _added_each(bill.keys for bill in bills),
            {system: largest(amounts) for system, amounts in merged(bill.fees for bill in bills)},
        )

    def _field(self, found: FieldPlan, place: Place) -> Bill:
        if found.kind in FREE:
            return Bill()
        self._fields += 1
        if self._fields > FIELDS_AT_MOST:
            return Bill(type_cost=known(MOST))
        declared = self._list_size(found)
        self.wrong = self.wrong or wrongly_sliced(found, declared)
        named = declared.sized_fields or [] if declared is not None else []
        length = length_of(found, declared, self.lengths)
        size = known(ASSUMED_ITEMS) if named else place.sized.get(found.name, length)
        self.sizes[found] = size
        link = found.link
        system = place.system if link is None else link.batch.system.name
        shape, lists = _innermost(found.shape)
        many = known(1) if not lists else size * known(ASSUMED_ITEMS ** (lists - 1))
        below = Place(system, place.depth + (found.kind == "link"), dict.fromkeys(named, length))
        under = self._value(found, shape, below).times(many)
        return self._sum([under, self._own(found, size, many, Place(system, place.depth))])

    def _own(self, found: FieldPlan, size: Amount, many: Amount, place: Place) -> Bill:
        """Bill the field itself: its weight once, the keys that it asks for, and the fee for its values."""
        link, fee = found.link, self._marks.fee(f"{found.parent.name}.{found.name}")
        keys = {} if link is None or self._plan.is_free(found) else {(place.depth, link.batch): size if link.each else known(1)}
        fees = {place.system: known(fee) * many} if fee else {}
        return Bill(field_cost=known(field_weight(self._marks, found)), keys=keys, fees=fees)

    def _value(self, found: FieldPlan, shape: Shape, place: Place) -> Bill:
        if isinstance(shape, Leaf):
            return Bill(type_cost=known(type_weight(self._marks, shape.type)))
        if not isinstance(shape, Composite) or found.name.startswith("__"):  # the schema answers for itself, and is no longer than it is
            return Bill()
        if shape.only is not None:
            return self._object(shape.only, place)
        return self._dearest([self._object(shape.selection(kind), place) for kind in _possible(found, shape)])

    def _persons(self, found: FieldPlan) -> Amount:
        """Count the people that a root field names by their keys."""
        shape, lists = _innermost(found.shape)
        if not isinstance(shape, Composite) or not any(self._marks.subject(kind.name) for kind in _possible(found, shape)):
            return NOTHING
        several = lists > 0 and (found.link is None or found.link.each)
        return self.sizes.get(found, NOTHING) if several else known(1)

    def _list_size(self, found: FieldPlan) -> ListSize | None:
        directives = self._marks.of_field(f"{found.parent.name}.{found.name}")
        return next((directive for directive in directives if isinstance(directive, ListSize)), None)


def _added_each(tables: Iterable[Mapping[Wave, Amount]]) -> dict[Wave, Amount]:
    gathered: dict[Wave, list[Amount]] = {}
    for wave, amount in chain.from_iterable(table.items() for table in tables):
        gathered.setdefault(wave, []).append(amount)
    return {wave: added(amounts) for wave, amounts in gathered.items()}


def _innermost(shape: Shape) -> tuple[Shape, int]:
    lists = 0
    while isinstance(shape, Sequence):
        shape, lists = shape.item, lists + 1
    return shape, lists


def _possible(found: FieldPlan, shape: Composite) -> list[GraphQLObjectType]:
    if isinstance(shape.type, GraphQLObjectType):
        return [shape.type]
    return found.planner.schema.get_possible_types(shape.type)
