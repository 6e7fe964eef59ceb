"""Explain: which links a plan will follow, wave by wave, and how many keys and calls that takes; after a traced run also what it took."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from graphql import GraphQLError, OperationDefinitionNode
from graphql.execution.values import VariableValues

from graph.execution.documents import Document
from graph.execution.explanation import BatchStep, Call, Explanation, LinkFigures, LinkStep, Measured, Quote, Wave
from graph.execution.permits import EVERYTHING, Permits
from graph.execution.plan import Composite, FieldPlan, Plan, Planner, Selection, Sequence, Shape
from graph.execution.schema import FastSchema
from graph.loading.calls import CallRecord
from graph.loading.link import Link
from graph.loading.trace import TracedLoaders

ASSUMED_ITEMS = 10

Items = Callable[[FieldPlan, VariableValues], int]


@dataclass(frozen=True)
class Step:
    """A field of a plan on its way from the root: `depth` links and `items` parents above it, `listed` where a list is among them.

    `length` is how long its own list can be, where it is one. Under a `free` one nobody is asked.
    """

    found: FieldPlan
    path: str
    depth: int
    items: int
    listed: bool
    length: int
    free: bool


@dataclass(frozen=True)
class Traced:
    """A run that was traced, and when it began (seconds of `time.perf_counter`); its length and its processor time in milliseconds."""

    loaders: TracedLoaders
    began: float
    milliseconds: float
    processor_milliseconds: float

    def since(self, moment: float) -> float:
        """Tell how many milliseconds after the beginning something happened."""
        return round((moment - self.began) * 1_000, 2)


class Quoting(Protocol):
    """What is known of a plan's cost beforehand, and so of the lengths of its lists."""

    def quote(self, variables: VariableValues) -> Quote:
        """Say what it may cost at most."""

    def items_of(self, found: FieldPlan, variables: VariableValues) -> int:
        """Say how long a list can be."""


def explained(  # noqa: PLR0913 - each is an option of what is explained
    schema: FastSchema, text: str, given: dict[str, object] | None = None, operation_name: str | None = None, run: Traced | None = None,
    *, quoting: Callable[[Plan], Quoting] | None = None, permits: Permits = EVERYTHING,
) -> Explanation | list[GraphQLError]:  # fmt: skip
    """Explain an operation of a document to who has these permits, or say why it cannot be run.

    Variables may be missing; those that steer are taken as true.
    """
    document = schema.documents.document(text)
    if document.errors:
        return document.errors
    operation = document.operation(operation_name)
    if isinstance(operation, GraphQLError):
        return [operation]
    plan, variables, assumed = planned(schema, document, operation, given, permits)
    reason = schema.reason_for_reference(document, operation)
    quoted = None if quoting is None else quoting(plan)
    return explain(plan, variables, reason=reason, assumed=assumed, run=run, quoting=quoted)


def planned(
    schema: FastSchema, document: Document, operation: OperationDefinitionNode, given: dict[str, object] | None,
    permits: Permits = EVERYTHING,
) -> tuple[Plan, VariableValues, tuple[str, ...]]:  # fmt: skip
    """Plan an operation with the variables that are given; where some are missing, also name the steering ones that had to be assumed."""
    coerced = document.variables_of(operation, schema.documents.schema).coerce(given)
    if not isinstance(coerced, list) and not document.steered_by_null(coerced):
        return schema.documents.plan(document, operation, coerced, permits), coerced, ()
    known = {name: value for name, value in (given or {}).items() if isinstance(value, bool)}
    assumed = tuple(name for name in document.steering if name not in known)
    variables = VariableValues({}, {**dict.fromkeys(assumed, True), **known})
    return Planner(schema.documents.schema, operation, document.fragments, variables, permits).plan(), variables, assumed


def explain(
    plan: Plan, variables: VariableValues, *, reason: str | None = None, assumed: tuple[str, ...] = (),
    run: Traced | None = None, quoting: Quoting | None = None,
) -> Explanation:  # fmt: skip
    """Explain a plan without running it; `run` adds what happened when it was run, `reason` is why it runs on graphql-core."""
    items = items_of if quoting is None else quoting.items_of
    steps = list(walk(plan, variables, items))
    waves = tuple(_waves(steps, run))
    written = sorted({coordinate(step.found) for step in steps if step.found.kind == "resolver"})
    return Explanation(
        kind=plan.operation.operation.value,
        operation=plan.operation.name.value if plan.operation.name else None,
        engine="fast" if reason is None else "reference",
        reason=reason,
        fields=len(steps),
        resolvers=tuple(written),
        refused=tuple(sorted(coordinate for coordinate, _ in plan.refused)),
        assumed_items=ASSUMED_ITEMS,
        assumed_variables=assumed,
        calls=sum(wave.calls for wave in waves),
        waves=waves,
        quote=None if quoting is None else quoting.quote(variables),
        measured=None if run is None else _measured(run),
    )


def items_of(found: FieldPlan, variables: VariableValues) -> int:
    """Say how many items a list is expected to have: as many as the keys that an argument lists, else the assumed number."""
    if found.link is not None and found.link.each:
        try:
            lists = [value for value in found.arguments(variables).values() if isinstance(value, list)]
        except GraphQLError:
            lists = []
        if len(lists) == 1:
            return len(lists[0])
    return ASSUMED_ITEMS


def walk(plan: Plan, variables: VariableValues, items_of: Items = items_of) -> Iterator[Step]:
    """Walk all fields of a plan, parents first; under an interface or union the fields of every object type that it can be."""

    def under(selection: Selection, path: str, depth: int, items: int, listed: bool) -> Iterator[Step]:  # noqa: FBT001 - only called here
        for found in selection.fields:
            where = f"{path}.{found.response_name}" if path else found.response_name
            step = Step(found, where, depth, items, listed, items_of(found, variables), plan.is_free(found))
            yield step
            shape, lists = _innermost(found.shape)
            below = items * step.length ** min(lists, 1) * ASSUMED_ITEMS ** max(lists - 1, 0)
            for inner in _selections(found, shape):
                yield from under(inner, step.path + "[]" * lists, depth + (found.kind == "link"), below, listed or lists > 0)

    yield from under(plan.root, "", 1, 1, listed=False)


def coordinate(found: FieldPlan) -> str:
    """Name a field as the schema does."""
    return f"{found.parent.name}.{found.name}"


def _innermost(shape: Shape) -> tuple[Shape, int]:
    lists = 0
    while isinstance(shape, Sequence):
        shape, lists = shape.item, lists + 1
    return shape, lists


def _selections(found: FieldPlan, shape: Shape) -> list[Selection]:
    if not isinstance(shape, Composite) or found.kind == "typename":
        return []
    if shape.only is not None:
        return [shape.only]
    return [shape.selection(kind) for kind in found.planner.schema.get_possible_types(shape.type)]  # type: ignore[arg-type]  # abstract without `only`


def _waves(steps: list[Step], run: Traced | None) -> Iterator[Wave]:
    links = [(step, step.found.link) for step in steps if step.found.link is not None]
    for number in sorted({step.depth for step, _ in links}):
        by_batch: dict[object, list[tuple[Step, Link]]] = {}
        for step, link in links:
            if step.depth == number:
                by_batch.setdefault(link.batch, []).append((step, link))
        batches = tuple(_batch_step(group, run) for group in by_batch.values())
        yield Wave(number=number, calls=sum(step.calls for step in batches), batches=batches)


def _batch_step(group: list[tuple[Step, Link]], run: Traced | None) -> BatchStep:
    batch = group[0][1].batch
    links = tuple(_link_step(step, link, run) for step, link in group)
    keys = sum(step.keys for step in links)
    return BatchStep(
        batch=batch.name,
        system=batch.system.name,
        protocol=batch.system.protocol,
        max_keys=batch.max_keys,
        keys=keys,
        calls=math.ceil(keys / batch.max_keys),
        links=links,
    )


def _link_step(step: Step, link: Link, run: Traced | None) -> LinkStep:
    found, each = step.found, step.length if link.each else 1
    return LinkStep(
        path=step.path,
        field=coordinate(found),
        keys=0 if step.free else step.items * each,
        under_list=step.listed or link.each,
        free=step.free,
        measured=None if run is None else _figures(found, run),
    )


def _figures(found: FieldPlan, run: Traced) -> LinkFigures | None:
    """Say what a link did; None where it was never reached, or ran on graphql-core, which keeps no such figures."""
    trace = run.loaders.links.get(found)
    if trace is None:
        return None
    calls = run.loaders.calls_of(trace)
    return LinkFigures(
        keys=trace.keys,
        distinct=len(trace.distinct),
        known=trace.known,
        cached=trace.cached,
        calls=len(calls),
        start=run.since(trace.began),
        end=run.since(max([trace.ended, *(call.ended for call in calls)])),
    )


def _measured(run: Traced) -> Measured:
    return Measured(
        milliseconds=round(run.milliseconds, 2),
        processor_milliseconds=round(run.processor_milliseconds, 2),
        calls=tuple(_call(record, run) for record in sorted(run.loaders.calls, key=lambda record: record.began)),
    )


def _call(record: CallRecord, run: Traced) -> Call:
    return Call(
        system=record.batch.system.name,
        batch=record.batch.name,
        keys=record.keys,
        start=run.since(record.began),
        milliseconds=round((record.ended - record.began) * 1_000, 2),
        outcome=record.outcome,
    )
