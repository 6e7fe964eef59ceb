"""What a query may cost at most, known before it is run: its weight, the people it names, keys and calls, and the fees of the owners.

The weight follows IBM's specification of the cost of a query, whose two figures are bounded by one limit: the type cost (how much can be
given) and the field cost (how much has to be done for it); `cost` is the larger. All of it is worked out once for a plan; what is left for
a request is to look at the arguments that say how long lists are.
"""

from collections.abc import Mapping
from typing import Any

from graphql.execution.values import VariableValues

from graph.access.amounts import added, merged
from graph.access.bills import Billing
from graph.access.weights import PARTS, Priced
from graph.execution.explain import ASSUMED_ITEMS
from graph.execution.explanation import Quote
from graph.execution.plan import FieldPlan, Plan


class Costing:
    """What one plan may cost, for the variables of a request; `wrong` is what makes every request for it a bad one, where that is so."""

    def __init__(self, plan: Plan, marks: Priced) -> None:
        """Work out what does not depend on variables."""
        billing = Billing(marks, plan)
        bill = billing.bill
        self.wrong = billing.wrong
        self._lengths = billing.lengths
        self._sizes = billing.sizes
        self._type_cost, self._field_cost, self._persons = bill.type_cost, bill.field_cost, billing.persons
        by_system = merged({batch.system.name: amount} for (_, batch), amount in bill.keys.items())
        self._keys = {system: added(amounts) for system, amounts in sorted(by_system)}
        self._calls = [(amount, batch.max_keys) for (_, batch), amount in bill.keys.items()]
        self._fees = dict(sorted(bill.fees.items()))
        self._fixed = None if len(self._lengths) else (self._cost_under(()), self._persons.under(()))

    def judged(self, variables: VariableValues) -> tuple[int, int]:
        """Return cost and persons, which every request is judged by."""
        if self._fixed is not None:
            return self._fixed
        lengths = self._lengths.of(variables)
        return self._cost_under(lengths), self._persons.under(lengths)

    def cost(self, variables: VariableValues) -> int:
        """Return the weight: the larger of type cost and field cost, rounded up."""
        return self.judged(variables)[0]

    def persons(self, variables: VariableValues) -> int:
        """Return how many people its root fields name, one who is named twice counted twice."""
        return self.judged(variables)[1]

    def type_cost(self, variables: VariableValues) -> float:
        """Return what all that can be given weighs."""
        return self._type_cost.under(self._lengths.of(variables)) / PARTS

    def field_cost(self, variables: VariableValues) -> float:
        """Return what all fields weigh that can have to be worked for."""
        return self._field_cost.under(self._lengths.of(variables)) / PARTS

    def keys(self, variables: VariableValues) -> Mapping[str, int]:
        """Return how many keys it can ask each system for."""
        lengths = self._lengths.of(variables)
        return {system: amount.under(lengths) for system, amount in self._keys.items()}

    def calls(self, variables: VariableValues) -> int:
        """Return how many calls that takes."""
        lengths = self._lengths.of(variables)
        return sum(-(-amount.under(lengths) // most) for amount, most in self._calls)

    def fees(self, variables: VariableValues) -> Mapping[str, int]:
        """Return what the owner of each system can charge for it, in VND."""
        lengths = self._lengths.of(variables)
        return {system: amount.under(lengths) for system, amount in self._fees.items()}

    def fee(self, variables: VariableValues) -> int:
        """Return what all of it can be charged, in VND."""
        return sum(self.fees(variables).values())

    def quote(self, variables: VariableValues) -> Quote:
        """Say what it may cost at most."""
        cost, persons = self.judged(variables)
        return Quote(cost, persons, {system: vnd for system, vnd in self.fees(variables).items() if vnd})

    def items_of(self, found: FieldPlan, variables: VariableValues) -> int:
        """Return how long the list of a field of the plan can be."""
        size = self._sizes.get(found)
        return ASSUMED_ITEMS if size is None else size.under(self._lengths.of(variables))

    def _cost_under(self, lengths: Any) -> int:
        return -(-max(self._type_cost.under(lengths), self._field_cost.under(lengths), 0) // PARTS)


class Costings:
    """The costing of each plan that is run, made once and kept with it."""

    def __init__(self, marks: Priced) -> None:
        """Take what the directives of the schema say."""
        self._marks = marks

    def of(self, plan: Plan) -> Costing:
        """Return the costing of a plan."""
        found: Costing | None = plan.derived.get(self)
        if found is None:
            found = plan.derived[self] = costing(plan, self._marks)
        return found


def costing(plan: Plan, marks: Priced) -> Costing:
    """Make the costing of a plan."""
    return Costing(plan, marks)
