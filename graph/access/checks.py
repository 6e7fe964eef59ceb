"""What is checked of a query between its plan and its run: its fields, what it may cost, whom it names, what its consumer has left."""

from collections.abc import Awaitable, Sequence
from typing import NamedTuple

from graphql.execution.values import VariableValues

from graph.access.allowances import Account, Meter
from graph.access.cost import Costing, Costings
from graph.access.fees import Fees
from graph.access.weights import Priced
from graph.errors import MotcuaError, TooCostly
from graph.execution.plan import Plan
from graph.loading.budget import Budget


class Admitted(NamedTuple):
    """A query that may run: on whose account, what it was estimated to cost, and what it may use."""

    account: Account
    costing: Costing
    cost: int
    budget: Budget


class Refused(NamedTuple):
    """A query that may not, and all that stands against it."""

    errors: Sequence[MotcuaError]


class Checks:
    """What stands between a plan and its run; made once."""

    def __init__(self, marks: Priced, meter: Meter) -> None:
        """Stand on what fields weigh and cost, and on what consumers may use."""
        self.costings = Costings(marks)
        self.fees = Fees(marks)
        self.meter = meter

    def checked(
        self, account: Account, plan: Plan, variables: VariableValues, *, trusted: bool
    ) -> Admitted | Refused | Awaitable[Admitted | Refused]:
        """Let a query run or not; to be awaited where the consumer's minute is counted elsewhere.

        A registered document is refused as a whole where a field of it is: its registration is wrong, and half an answer would hide that.
        Of a free query only those fields are refused, each in its place.
        """
        if trusted and plan.refused:
            return Refused([error for _, error in plan.refused])
        costing = self.costings.of(plan)
        if costing.wrong is not None:
            return Refused([costing.wrong])
        cost, persons = costing.judged(variables)
        refused = account.judged(cost, persons)
        if refused is not None:
            return Refused([refused])
        admitted = Admitted(account, costing, cost, account.budget())
        drawn = account.draw(cost)
        if drawn is None:
            return admitted
        return Refused([drawn]) if isinstance(drawn, TooCostly) else _drawn(drawn, admitted)


async def _drawn(drawn: Awaitable[TooCostly | None], admitted: Admitted) -> Admitted | Refused:
    refused = await drawn
    return admitted if refused is None else Refused([refused])
