"""Fees: what the owners of data charge for the values in an answer, counted after it is complete, for each consumer and system."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graph.access.bills import FREE, NO_SYSTEM
from graph.access.usage import ConsumerFigures
from graph.access.weights import Priced
from graph.execution.plan import Composite, FieldPlan, Plan, Selection, Sequence, Shape


@dataclass(frozen=True)
class Charge:
    """A field of an answer that has a fee, or has such fields under it: for each type that its objects can be, what is charged there."""

    place: str
    vnd: int
    system: str
    under: tuple["Tariff", ...]


@dataclass(frozen=True)
class Tariff:
    """What is charged in an object of a type; `names` are the places in the answer that tell which type an object is."""

    kind: str
    names: tuple[str, ...]
    charges: tuple[Charge, ...]


class Fees:
    """Counts fees by plan. A plan without any costs a look-up."""

    def __init__(self, marks: Priced) -> None:
        """Take what the directives of the schema say."""
        self._marks = marks

    def counted(self, figures: ConsumerFigures, plan: Plan, data: Mapping[str, Any] | None) -> int:
        """Count the fees for an answer among a consumer's figures, and return them in VND."""
        tariff = self._tariff(plan)
        if tariff is None or data is None:
            return 0
        total = charged(tariff, data)
        figures.charged(total)
        return sum(total.values())

    def _tariff(self, plan: Plan) -> Tariff | None:
        if self not in plan.derived:
            plan.derived[self] = tariff_of(plan, self._marks)
        tariff: Tariff | None = plan.derived[self]
        return tariff


def tariff_of(plan: Plan, marks: Priced) -> Tariff | None:
    """Find what can be charged under a plan; None where nothing can."""
    made = _tariff(plan.root, marks, NO_SYSTEM)
    return made if made.charges else None


def charged(tariff: Tariff, data: Mapping[str, Any]) -> dict[str, int]:
    """Add up what an answer is charged, by system: each value that is not null, and of a list each entry that is not."""
    total: dict[str, int] = {}
    _add_object((tariff,), data, total)
    return total


def _tariff(selection: Selection, marks: Priced, system: str) -> Tariff:
    names = tuple(found.response_name for found in selection.fields if found.kind == "typename")
    charges = (_charge(found, marks, system) for found in selection.fields if found.kind not in FREE and not found.name.startswith("__"))
    return Tariff(selection.type.name, names, tuple(charge for charge in charges if charge is not None))


def _charge(found: FieldPlan, marks: Priced, system: str) -> Charge | None:
    system = system if found.link is None else found.link.batch.system.name
    vnd = marks.fee(f"{found.parent.name}.{found.name}")
    under = tuple(_tariff(selection, marks, system) for selection in _selections(found, found.shape))
    charged_below = any(tariff.charges for tariff in under)
    return Charge(found.response_name, vnd, system, under if charged_below else ()) if vnd or charged_below else None


def _selections(found: FieldPlan, shape: Shape) -> Iterator[Selection]:
    while isinstance(shape, Sequence):
        shape = shape.item
    if isinstance(shape, Composite):
        if shape.only is not None:
            yield shape.only
        else:
            yield from (shape.selection(kind) for kind in found.planner.schema.get_possible_types(shape.type))  # type: ignore[arg-type]  # abstract without `only`


def _add_object(tariffs: tuple[Tariff, ...], data: Mapping[str, Any], total: dict[str, int]) -> None:
    for charge in (tariffs[0] if len(tariffs) == 1 else _fitting(tariffs, data)).charges:
        _add_value(charge, data.get(charge.place), total)


def _fitting(tariffs: tuple[Tariff, ...], data: Mapping[str, Any]) -> Tariff:
    """Choose the type of an object where there are several: the one that it names, and else the one that charges least."""
    named = [tariff for tariff in tariffs if any(data.get(name) == tariff.kind for name in tariff.names)]
    return named[0] if named else min(tariffs, key=lambda tariff: _amount(tariff, data))


def _amount(tariff: Tariff, data: Mapping[str, Any]) -> int:
    total: dict[str, int] = {}
    _add_object((tariff,), data, total)
    return sum(total.values())


def _add_value(charge: Charge, value: Any, total: dict[str, int]) -> None:
    if value is None:
        return
    if isinstance(value, list):
        for one in value:
            _add_value(charge, one, total)
        return
    if charge.vnd:
        total[charge.system] = total.get(charge.system, 0) + charge.vnd
    if charge.under:
        _add_object(charge.under, value, total)
