"""Values: a column of them, completed as its type wants and put into its places.

This is the general way, value by value: it knows nulls, failures, lists of lists, interfaces and unions, and what has to be waited for.
Leaves, runtime types and the words of errors are graphql-core's own.
"""

from collections.abc import Callable
from collections.abc import Sequence as Seq
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, Undefined
from graphql.execution.executor import Executor, default_type_resolver, invalid_return_type_error
from graphql.pyutils import is_iterable

from graph.execution.columns import BrokenOff, Items, Places, attempt, is_special, may_wait
from graph.execution.plan import Composite, FieldPlan, Leaf, Selection, Sequence, Shape

if TYPE_CHECKING:
    from graph.execution.run import Run


def complete(run: "Run", found: FieldPlan, shape: Shape, values: list[Any], places: Places, *, awaited: bool = False) -> None:
    """Complete a column of values and put them into their places; what was `awaited` is not waited for again."""
    kinds: set[Any] = set(map(type, values))
    if any(is_special(kind) for kind in kinds):
        values, places = without_special(run, found, shape, values, places, awaited=awaited)
        if not values:
            return
    if isinstance(shape, Composite):
        complete_objects(run, found, shape, values, places)
    elif isinstance(shape, Sequence):
        complete_lists(run, found, shape, values, places)
    else:
        places.put([leaf(run, shape, value) for value in values])


def without_special(
    run: "Run", found: FieldPlan, shape: Shape, values: list[Any], places: Places, *, awaited: bool
) -> tuple[list[Any], Places]:
    """Take out of a column what is no plain value: nulls, failures, and what has to be waited for."""
    usual: list[int] = []
    waiting: list[int] = []
    for index, value in enumerate(values):
        if value is None or value is Undefined:
            places.put_one(index, run.null(found) if shape.nonnull else None)
        elif isinstance(value, Exception):
            places.put_one(index, run.failure(value))
        elif not awaited and may_wait(value.__class__) and run.core.is_awaitable(value):
            waiting.append(index)
        else:
            usual.append(index)
    if waiting:
        column = places.part(waiting)

        def arrived(numbers: list[int], done: list[Any]) -> None:
            complete(run, found, shape, done, column.part(numbers), awaited=True)

        run.waiting.wait([values[index] for index in waiting], arrived)
    return [values[index] for index in usual], places.part(usual)


def leaf(run: "Run", shape: Leaf, value: Any) -> Any:
    """Complete a scalar or enum value."""
    try:
        return Executor.complete_leaf_value(shape.type, value)
    except Exception as error:  # noqa: BLE001 - a scalar's own serialisation may raise anything
        return run.failure(error)


def complete_lists(run: "Run", found: FieldPlan, shape: Sequence, values: list[Any], places: Places) -> None:
    """Put empty lists into their places and complete all items of all of them as one column."""
    column = Items(places)
    for index, value in enumerate(values):
        if hasattr(value, "__aiter__") and run.core.is_async_iterable(value):
            collect(run, found, shape, value, places.part([index]))
            continue
        items, broken = listed(value)
        if items is None:
            error = GraphQLError(f"Expected Iterable, but did not find one for field '{found.parent}.{found.name}'.")
            places.put_one(index, run.failure(error))
            continue
        place = column.add(index, items)
        if broken is not None:
            place.append(run.failure(broken, ends=True))
    if column.values:
        complete(run, found, shape.item, column.values, column.places())


def listed(value: Any) -> tuple[Seq[Any] | None, Exception | None]:
    """Take the items of a list, and the exception that ended it; None for what is no list."""
    if isinstance(value, list | tuple):
        return value, None
    if isinstance(value, BrokenOff):
        return value.items, value.error
    if not is_iterable(value):
        return None, None
    items: list[Any] = []
    try:
        items.extend(value)
    except Exception as error:  # noqa: BLE001 - a generator of the resolver's
        return items, error
    return items, None


def collect(run: "Run", found: FieldPlan, shape: Sequence, value: Any, places: Places) -> None:
    """Wait for all items of an asynchronous list."""

    async def collected() -> list[Any] | BrokenOff:
        items: list[Any] = []
        try:
            async for item in value:
                items.append(item)  # noqa: PERF401 - what came before an exception counts
        except Exception as error:  # noqa: BLE001 - a generator of the resolver's
            return BrokenOff(items, error)
        return items

    run.waiting.wait([collected()], lambda _arrived, done: complete(run, found, shape, done, places, awaited=True))


def complete_objects(run: "Run", found: FieldPlan, shape: Composite, values: list[Any], places: Places) -> None:
    """Complete values that are objects, each by the selection of its type."""
    selection = shape.only
    if selection is None:
        by_runtime_type(run, found, shape, values, places)
    elif selection.type.is_type_of is not None:
        checked(run, found, selection, values, places)
    else:
        objects(run, selection, values, places)


def objects(run: "Run", selection: Selection, values: list[Any], places: Places) -> list[dict[str, Any]]:
    """Complete objects of one type; where nothing but records decides, each distinct record once."""
    made = run.distinct(selection, values) if selection.is_pure else run.select(selection, values, places.paths)
    places.put(made)
    return made


def checked(run: "Run", found: FieldPlan, selection: Selection, values: list[Any], places: Places) -> None:
    """Ask a type whether the objects are its own before it is trusted that they are."""
    is_type_of: Any = selection.type.is_type_of

    def decided(indices: list[int], verdicts: list[Any]) -> None:
        mine = []
        for index, verdict in zip(indices, verdicts, strict=True):
            if isinstance(verdict, Exception):
                places.put_one(index, run.failure(verdict))
            elif verdict:
                mine.append(index)
            else:
                error = invalid_return_type_error(selection.type, values[index], found.details)
                places.put_one(index, run.failure(error))
        if mine:
            made = objects(run, selection, [values[index] for index in mine], places.part(mine))
            run.selections.update((id(answer), selection) for answer in made)

    asked(run, [attempt(is_type_of, value, run.info(found, places.path(index))) for index, value in enumerate(values)], decided)


def by_runtime_type(run: "Run", found: FieldPlan, shape: Composite, values: list[Any], places: Places) -> None:
    """Sort values of an interface or union by their object type, and complete each kind as a column of its own."""
    kind: Any = shape.type
    resolve_type: Any = kind.resolve_type or default_type_resolver

    def decided(indices: list[int], names: list[Any]) -> None:
        by_name: dict[str, list[int]] = {}
        for index, name in zip(indices, names, strict=True):
            if isinstance(name, Exception):
                places.put_one(index, run.failure(name))
                continue
            try:
                info = run.info(found, places.path(index))
                known = run.core.ensure_valid_runtime_type(name, kind, found.details, info, values[index])
            except GraphQLError as error:
                places.put_one(index, run.failure(error))
            else:
                by_name.setdefault(known.name, []).append(index)
        for name, mine in by_name.items():
            selection = shape.selection(run.schema.type_map[name])  # type: ignore[arg-type]  # checked above
            mixed(run, found, selection, [values[index] for index in mine], places.part(mine))

    asked(run, [attempt(resolve_type, value, run.info(found, places.path(index)), kind) for index, value in enumerate(values)], decided)


def mixed(run: "Run", found: FieldPlan, selection: Selection, values: list[Any], places: Places) -> None:
    """Complete objects under an interface or union, and note for the repair which selection made them."""
    if selection.type.is_type_of is not None:
        checked(run, found, selection, values, places)
    else:
        made = objects(run, selection, values, places)
        run.selections.update((id(answer), selection) for answer in made)


def asked(run: "Run", replies: list[Any], decided: Callable[[list[int], list[Any]], None]) -> None:
    """Go on with replies that are there, and with the others when they come."""
    core = run.core
    there = [index for index, reply in enumerate(replies) if isinstance(reply, Exception) or not core.is_awaitable(reply)]
    if there:
        decided(there, [replies[index] for index in there])
    if len(there) < len(replies):
        waiting = [index for index in range(len(replies)) if index not in set(there)]
        run.waiting.wait([replies[index] for index in waiting], lambda arrived, done: decided([waiting[index] for index in arrived], done))
