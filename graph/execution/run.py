"""Run: a plan against records, breadth first.

Each field is completed for all objects of its level together, as a *column*: values, and beside them the places in the answer where they
go. A link gathers the keys of its column and asks its batch function once. What the caches hold comes back at once, so a query that they
can answer never touches the event loop. What has to be waited for goes on in columns of whatever arrived together: no level waits for
another.
"""

from collections.abc import Callable, Coroutine, Hashable, Iterator
from collections.abc import Sequence as Seq
from typing import Any

from graphql import ExecutionResult, GraphQLSchema
from graphql.execution.executor import Executor, default_field_resolver
from graphql.execution.values import VariableValues
from graphql.pyutils import Path

from graph.execution.columns import Paths, Places, attempt
from graph.execution.compile import compiled
from graph.execution.links import follow, follow_swiftly
from graph.execution.plan import FieldPlan, Plan, Selection
from graph.execution.repair import Failure, Repair
from graph.execution.values import complete
from graph.execution.waiting import NeedsLoop, Waiting
from graph.loading.batch import Batch

Note = Callable[[Hashable, Batch[Any, Any], Seq[Any]], None]


class Run:
    """One execution of a plan."""

    def __init__(  # noqa: PLR0913 - what an execution stands on
        self, plan: Plan, schema: GraphQLSchema, variables: VariableValues, *,
        root: Any, context: Any, executor: Callable[[], Executor[Any]], note: Note | None = None,
    ) -> None:  # fmt: skip
        """Prepare one execution.

        `executor` makes graphql-core's own, for what resolvers are told of where they are; it is called when first needed. `note` is told
        of the keys of each link before they are loaded, for an execution that is analysed.
        """
        self.plan = plan
        self.schema = schema
        self.variables = variables
        self.root = root
        self.context = context
        self.failed = False
        self.note = note
        self.waiting = Waiting(getattr(context, "loaders", None))
        self.selections: dict[int, Selection] = {}
        self._make_executor = executor
        self._executor: Executor[Any] | None = None

    def start(self) -> ExecutionResult | Coroutine[Any, Any, ExecutionResult]:
        """Run as far as possible without waiting; the result, or a coroutine that ends with it."""
        try:
            if self.plan.serial:
                return self._serially()
            root_paths: Paths = None if self.plan.root.is_pure else [None]
            [answer] = self.select(self.plan.root, [self.root], root_paths)
        except NeedsLoop:  # what Strawberry says where something has to be waited for
            message = "GraphQL execution failed to complete synchronously."
            raise RuntimeError(message) from None
        return self._after(answer) if self.waiting.pending else self._result(self.plan.root, answer)

    async def _after(self, answer: dict[str, Any]) -> ExecutionResult:
        await self.waiting.settle()
        return self._result(self.plan.root, answer)

    def _result(self, selection: Selection, answer: dict[str, Any]) -> ExecutionResult:
        if not self.failed:
            return ExecutionResult(answer, None)
        repair = Repair(self.selections)
        data = repair.root(selection, answer)
        return ExecutionResult(data, repair.errors or None)

    # ── mutations ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _serially(self) -> ExecutionResult | Coroutine[Any, Any, ExecutionResult]:
        """Run root fields one after the other, each with all that is under it."""
        answer: dict[str, Any] = {}
        fields = iter(self.plan.root.fields)
        for found in fields:
            if self._root_field(found, answer):
                return self._rest_serially(found, fields, answer)
            if self._nulled(found, answer):
                break
        return self._serial_result(answer)

    async def _rest_serially(self, found: FieldPlan, fields: Iterator[FieldPlan], answer: dict[str, Any]) -> ExecutionResult:
        await self.waiting.settle()
        while not self._nulled(found, answer) and (following := next(fields, None)) is not None:
            found = following
            if self._root_field(found, answer):
                await self.waiting.settle()
        return self._serial_result(answer)

    def _root_field(self, found: FieldPlan, answer: dict[str, Any]) -> bool:
        """Start one root field; true where it has to be waited for."""
        answer[found.response_name] = None
        if found.kind == "typename":
            answer[found.response_name] = found.parent.name
        else:
            self._fill(found, [self.root], [answer], [None])
        return self.waiting.pending > 0

    def _nulled(self, found: FieldPlan, answer: dict[str, Any]) -> bool:
        return self.failed and Repair(self.selections).field(found, answer[found.response_name])

    def _serial_result(self, answer: dict[str, Any]) -> ExecutionResult:
        done = Selection(self.plan.root.type, [found for found in self.plan.root.fields if found.response_name in answer])
        return self._result(done, answer)

    # ── selections ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def select(self, selection: Selection, sources: Seq[Any], paths: Paths) -> list[dict[str, Any]]:
        """Complete a selection for a column of objects; places that are filled later stand in the answers already."""
        complete = selection.complete or compiled(selection)
        try:
            answers = complete(sources)
        except Exception:  # noqa: BLE001 - whatever the generated code stumbled over, the general way finds it again, in its place
            return self._select_one_by_one(selection, sources, paths)
        for found in selection.deferred:
            if found.swift is None or not follow_swiftly(self, found, found.swift, sources, answers):
                self._fill(found, sources, answers, paths)
        return answers

    def _select_one_by_one(self, selection: Selection, sources: Seq[Any], paths: Paths) -> list[dict[str, Any]]:
        """Complete a selection field by field and value by value."""
        blank = {found.response_name: found.parent.name if found.kind == "typename" else None for found in selection.fields}
        answers = [dict(blank) for _ in sources]
        for found in selection.fields:
            if found.kind != "typename":
                self._fill(found, sources, answers, paths)
        return answers

    def _fill(self, found: FieldPlan, sources: Seq[Any], answers: list[dict[str, Any]], paths: Paths) -> None:
        """Fill the places of one field in a column of answers."""
        if paths is not None:
            paths = [Path(path, found.response_name, found.parent.name) for path in paths]
        if found.kind == "link":
            follow(self, found, sources, answers, paths)
        elif found.refusal is not None:
            for answer in answers:
                answer[found.response_name] = self.failure(found.refusal)
        elif found.kind == "plain":
            complete(self, found, found.shape, self._attributes(found, sources), Places(answers, found.response_name, paths))
        else:
            self._resolve(found, sources, answers, paths)

    def _attributes(self, found: FieldPlan, sources: Seq[Any]) -> list[Any]:
        values: list[Any] = []
        for source in sources:
            try:
                values.append(getattr(source, found.attribute))
            except Exception as error:  # noqa: BLE001 - it belongs to this one field
                values.append(error)
        return values

    def distinct(self, selection: Selection, records: Seq[Any]) -> list[dict[str, Any]]:
        """Complete records, each distinct one once."""
        if len(records) < 2:  # noqa: PLR2004 - one cannot stand twice
            return self.select(selection, records, None) if records else []
        distinct = {id(record): record for record in records}
        if len(distinct) == len(records):
            return self.select(selection, records, None)
        made = dict(zip(distinct, self.select(selection, list(distinct.values()), None), strict=True))
        return [made[id(record)] for record in records]

    # ── resolvers ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _resolve(self, found: FieldPlan, sources: Seq[Any], answers: list[dict[str, Any]], paths: Paths) -> None:
        """Call a hand-written resolver for each object, as graphql-core would."""
        resolve: Any = found.definition.resolve or default_field_resolver
        places = Places(answers, found.response_name, paths)
        try:
            arguments = found.arguments(self.variables)
        except Exception as error:  # noqa: BLE001 - it belongs to this one field
            values: list[Any] = [error] * len(sources)
        else:
            values = [attempt(resolve, source, self.info(found, places.path(index)), **arguments) for index, source in enumerate(sources)]
        complete(self, found, found.shape, values, places)

    def info(self, found: FieldPlan, path: Path | None) -> Any:
        """Tell a resolver where it is; under a list, its type is asked in the name of the field."""
        while path is not None and not isinstance(path.key, str):
            path = path.prev
        return self.core.build_resolve_info(found.definition, found.nodes, found.parent, path)  # type: ignore[arg-type]  # no path where none is kept

    @property
    def core(self) -> Executor[Any]:
        """Return graphql-core's executor for this execution."""
        if self._executor is None:
            self._executor = self._make_executor()
        return self._executor

    def failure(self, error: Exception, *, ends: bool = False) -> Failure:
        """Make the marker of a failure; with one in the tree the answer is repaired at the end."""
        self.failed = True
        return Failure(error, ends=ends)

    def null(self, found: FieldPlan) -> Failure:
        """Make the marker of a null that may not be."""
        return self.failure(TypeError(f"Cannot return null for non-nullable field {found.parent}.{found.name}."))
