"""Links: the keys of a column gathered, and what is under them completed, at once where it is known and else as it arrives."""

from collections.abc import Sequence as Seq
from typing import TYPE_CHECKING, Any

from graph.execution.columns import Items, Paths, Places, attempt, hashable
from graph.execution.plan import FieldPlan, Selection, Shape
from graph.execution.values import complete
from graph.execution.waiting import NeedsLoop, in_loop
from graph.loading.cache import MISSING
from graph.loading.link import Link
from graph.loading.masked import NOT_GIVEN, Masked, NotGiven, key_of

if TYPE_CHECKING:
    from graph.execution.run import Run


def follow(run: "Run", found: FieldPlan, sources: Seq[Any], answers: list[dict[str, Any]], paths: Paths) -> None:
    """Gather the keys of a column and load what is under them."""
    link = found.link
    if link is None:
        raise TypeError(found.response_name)
    keys, places = keys_of(run, found, sources), Places(answers, found.response_name, paths)
    if link.each:
        follow_each(run, found, keys, places)
    else:
        load(run, found, found.shape, keys, places)


def follow_swiftly(run: "Run", found: FieldPlan, selection: Selection, sources: Seq[Any], answers: list[dict[str, Any]]) -> bool:
    """Follow a link to records whose column is as usual; False where it is not, and then the general way begins anew."""
    if run.note is not None or (run.context.loaders.screens and Masked in map(type, sources)):
        return False
    if len(sources) == 1:
        return follow_one(run, found, selection, sources[0], answers[0])
    try:
        gathered = gather(run, found, sources, answers)
    except Exception:  # noqa: BLE001 - found again on the general way, in its place
        return False
    if gathered is None:
        return False
    records, places, late, late_places = gathered
    name = found.response_name
    if found.link is not None and found.link.batch.many:
        made = iter(run.distinct(selection, [record for listed in records for record in listed]))
        for place, listed in zip(places, records, strict=True):
            place[name] = [next(made) for _ in listed]
    else:
        for place, answer in zip(places, run.distinct(selection, records), strict=True):
            place[name] = answer
    if late:
        load(run, found, found.shape, late, Places(late_places, name, None))
    return True


def gather(run: "Run", found: FieldPlan, sources: Seq[Any], answers: list[dict[str, Any]]) -> tuple[list[Any], ...] | None:
    """Sort a column of keys into records that are there, with their places, and keys that are not, with theirs; None where unusual."""
    link: Any = found.link
    loads = run.context.loaders.of(link.batch)
    known, cached = loads.known, loads.cached
    key_under, expected = link.key, tuple if link.batch.many else link.batch.record
    arguments = found.constant if found.constant is not None else found.key_arguments(run.variables)
    records: list[Any] = []
    places: list[Any] = []
    late: list[Any] = []
    late_places: list[Any] = []
    for source, answer in zip(sources, answers, strict=True):
        key = key_under(source, **arguments) if arguments else key_under(source)
        record = known.get(key, MISSING) if key is not None else link.batch.absent()
        if record is MISSING:
            record = cached(key)
            if record is MISSING:
                late.append(key)
                late_places.append(answer)
                continue
            known[key] = record
            loads.hits += 1
        if record.__class__ is expected or record.__class__ is Masked:
            records.append(record)
            places.append(answer)
        elif record is not None:
            return None
    return records, places, late, late_places


def follow_one(run: "Run", found: FieldPlan, selection: Selection, source: Any, answer: dict[str, Any]) -> bool:
    """Do the same for a column of one, which most columns of a query about one person are."""
    link: Any = found.link
    batch = link.batch
    try:
        arguments = found.constant if found.constant is not None else found.key_arguments(run.variables)
        key = link.key(source, **arguments) if arguments else link.key(source)
        loads = run.context.loaders.of(batch)
        record = loads.known.get(key, MISSING) if key is not None else batch.absent()
        if record is MISSING and (record := loads.cached(key)) is not MISSING:
            loads.known[key] = record
            loads.hits += 1
    except Exception:  # noqa: BLE001 - found again on the general way, in its place
        return False
    if record is MISSING:
        load(run, found, found.shape, [key], Places([answer], found.response_name, None))
    elif record.__class__ is batch.record or record.__class__ is Masked:
        answer[found.response_name] = run.select(selection, [record], None)[0]
    elif record.__class__ is tuple and batch.many:
        answer[found.response_name] = run.distinct(selection, record)
    elif record is not None:
        return False
    return True


def keys_of(run: "Run", found: FieldPlan, sources: Seq[Any]) -> list[Any]:
    """Compute the key of each object; what goes wrong with one stands in its place."""
    link: Any = found.link
    try:
        arguments = found.key_arguments(run.variables)
    except Exception as error:  # noqa: BLE001 - it belongs to this one field
        return [error] * len(sources)
    if run.context.loaders.screens:
        return [attempt(key_of, source, found.attribute, link.key, arguments) for source in sources]
    try:
        return [link.key(source, **arguments) for source in sources] if arguments else [link.key(source) for source in sources]
    except Exception:  # noqa: BLE001 - found again below, in its place
        return [attempt(link.key, source, **arguments) for source in sources]


def follow_each(run: "Run", found: FieldPlan, lists: list[Any], places: Places) -> None:
    """Load the keys of several lists as one column."""
    shape: Any = found.shape
    column = Items(places)
    for index, given in enumerate(lists):
        listed = given if given is None or isinstance(given, list | tuple | Exception | NotGiven) else attempt(list, given)
        if listed is None or isinstance(listed, NotGiven):
            places.put_one(index, run.null(found) if shape.nonnull else None)
        elif isinstance(listed, Exception):
            places.put_one(index, run.failure(listed))
        else:
            column.add(index, listed)
    if column.values:
        load(run, found, shape.item, column.values, column.places())


def load(run: "Run", found: FieldPlan, shape: Shape, keys: list[Any], places: Places) -> None:
    """Complete what is known of a column of keys, and the rest as it arrives."""
    link: Any = found.link
    # Where records are looked at before they are given, nothing stands in for one.
    stand_in = None if link.batch in run.context.loaders.screens else found.stand_in
    if run.note is not None and stand_in is None:
        run.note(found, link.batch, [hashable(key) for key in keys if key is not NOT_GIVEN])
    if stand_in is not None:
        values = [key if key is None or isinstance(key, Exception) else stand_in(key) for key in _given(keys)]
        complete(run, found, shape, values, places)
        return
    values, coming = fetched(run, link, keys)
    if not coming:
        complete(run, found, shape, values, places)
        return
    here = [index for index, value in enumerate(values) if value is not MISSING]
    if here:
        complete(run, found, shape, [values[index] for index in here], places.part(here))
    waiting: dict[Any, list[int]] = {}
    for index, value in enumerate(values):
        if value is MISSING:
            waiting.setdefault(keys[index], []).append(index)
    awaited = list(waiting.values())
    loaders = run.context.loaders
    loads = loaders.of(link.batch)

    def arrived(numbers: list[int], records: list[Any]) -> None:
        spread = [(index, record) for number, record in zip(numbers, records, strict=True) for index in awaited[number]]
        loaders.siblings = loads.pending
        try:
            complete(run, found, shape, [record for _, record in spread], places.part([index for index, _ in spread]), awaited=True)
        finally:
            loaders.siblings = 0

    run.waiting.wait([coming[key] for key in waiting], arrived)


def _given(keys: list[Any]) -> list[Any]:
    """Take masked links for those that lead nowhere."""
    return [None if key is NOT_GIVEN else key for key in keys]


def fetched(run: "Run", link: Link, keys: list[Any]) -> tuple[list[Any], dict[Any, Any]]:
    """Fetch a column of keys; a key that is none is an error in its own place, and without an event loop nothing can be fetched."""
    try:
        return run.context.loaders.fetch(link.batch, keys)  # type: ignore[no-any-return]
    except TypeError:
        return run.context.loaders.fetch(link.batch, [hashable(key) for key in keys])  # type: ignore[no-any-return]
    except RuntimeError:
        if in_loop():
            raise
        raise NeedsLoop from None
