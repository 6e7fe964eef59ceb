"""What is checked of a query between its plan and its run: its fields, what it may cost, whom it names, what its consumer has left."""

from collections.abc import Awaitable, Sequence
from typing import NamedTuple

from graphql.execution.values import VariableValues

from graph.access.allowances import Meter
from graph.access.asker import Asker
from graph.access.cost import Costing, Costings
from graph.access.fees import Fees
from graph.access.usage import Usage
from graph.access.weights import Priced
from graph.errors import MotcuaError, TooCostly
from graph.execution.plan import Plan
from graph.loading.budget import Budget


class Admitted(NamedTuple):
    """A query that may run: what it may use, and what it was estimated to cost."""

    costing: Costing
    cost: int
    budget: Budget


class Refused(NamedTuple):
    """A query that may not, and all that stands against it."""

    errors: Sequence[MotcuaError]


class Checks:
    """What stands between a plan and its run; made once."""

    def __init__(self, marks: Priced, meter: Meter, fees: Fees, usage: Usage) -> None:
        """Stand on what fields weigh and cost, and on what consumers have used."""
        self.usage = usage
        self.costings = Costings(marks)
        self.meter = meter
        self.fees = fees

    def checked(
        self, asker: Asker, plan: Plan, variables: VariableValues, *, trusted: bool
    ) -> Admitted | Refused | Awaitable[Admitted | Refused]:
        """Let a query run or not; to be awaited where the consumer's minute is counted elsewhere.

        A registered document is refused as a whole where a field of it is: its registration is wrong, and half an answer would hide that.
        Of a free query only those fields are refused, each in its place.
        """
        if trusted and plan.refused:
            return Refused([error for _, error in plan.refused])
        costing, consumer = self.costings.of(plan), asker.consumer
        if costing.wrong is not None:
            return Refused([costing.wrong])
        cost, persons = costing.judged(variables)
        refused = self.meter.judged(consumer, cost, persons)
        if refused is not None:
            return Refused([refused])
        admitted = Admitted(costing, cost, self.meter.budget(consumer))
        drawn = self.meter.draw(consumer, cost)
        if drawn is None:
            return admitted
        return Refused([drawn]) if isinstance(drawn, TooCostly) else _drawn(drawn, admitted)


async def _drawn(drawn: Awaitable[TooCostly | None], admitted: Admitted) -> Admitted | Refused:
    refused = await drawn
    return admitted if refused is None else Refused([refused])
