"""FastSchema: a Strawberry schema whose documents are read once and whose operations run by plan.

What the engine does not do runs on graphql-core, on the same schema: `@defer` and `@stream`, subscriptions, extensions with a `resolve`
hook, an execution context class of one's own, and directives on the operation itself. Nothing is lost by asking for them.
"""

from collections.abc import Callable, Iterable
from inspect import isawaitable
from typing import Any, Literal, NamedTuple

import strawberry
from graphql import (
    ExecutionResult,
    ExperimentalIncrementalExecutionResults,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.executor import default_field_resolver, default_type_resolver
from graphql.execution.middleware import MiddlewareManager
from graphql.execution.values import VariableValues
from strawberry.exceptions import MissingQueryError
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.schema.schema import DEFAULT_ALLOWED_OPERATION_TYPES, StrawberryGraphQLCoreExecutionContext
from strawberry.types import ExecutionResult as Answer
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType as Kind

from graph.execution.documents import Document, Documents, Limits
from graph.execution.permits import Permits
from graph.execution.permitted import permits_of, permitted, screened
from graph.execution.plan import Plan
from graph.execution.run import Run
from graph.loading.trace import TracedLoaders

Engine = Literal["fast", "reference"]
KINDS = {OperationType.QUERY: Kind.QUERY, OperationType.MUTATION: Kind.MUTATION, OperationType.SUBSCRIPTION: Kind.SUBSCRIPTION}


class Prepared(NamedTuple):
    """An operation that may be run: as it was asked for, and as it is planned."""

    document: Document
    operation: OperationDefinitionNode
    given: dict[str, Any] | None
    variables: VariableValues
    plan: Plan


class FastSchema(strawberry.Schema):
    """A Strawberry schema with the breadth-first engine behind its `execute`; `configure` says otherwise."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Take what `strawberry.Schema` takes."""
        super().__init__(*arguments, **named)
        self.configure()

    def configure(self, *, engine: Engine = "fast", limits: Limits | None = None) -> None:
        """Choose the engine and bound the documents; what was kept is forgotten."""
        self.engine: Engine = engine
        self.documents = Documents(self._schema, limits or Limits())

    async def execute(  # noqa: PLR0913, PLR0917 - the signature is Strawberry's
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[Kind] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> Answer:
        """Run an operation; without extensions the way is short, with them Strawberry leads it and calls the engine in its midst."""
        if self.extensions or self.directives:
            return await super().execute(
                query, variable_values, context_value, root_value, operation_name, allowed_operation_types, operation_extensions
            )  # fmt: skip
        found = self._found(query, operation_name, allowed_operation_types)
        if isinstance(found, list):
            return self._refused(found)
        document, operation = found
        result = self._run(document, operation, variable_values, root=root_value, context=context_value, extensions=operation_extensions)
        done = await result if isawaitable(result) else result
        if isinstance(done, ExperimentalIncrementalExecutionResults):
            return done  # type: ignore[return-value]  # as Strawberry does: @defer and @stream give an initial result and what follows
        if done.errors:
            self._process_errors(done.errors)
        return Answer(data=done.data, errors=done.errors, extensions={})

    def prepare(
        self, query: str | None, given: dict[str, Any] | None, operation_name: str | None, allowed: Iterable[Kind], permits: Permits
    ) -> "Prepared | list[GraphQLError]":
        """Read and plan an operation for somebody with these permits, or say what is wrong with it; raises as `execute` does."""
        found = self._found(query, operation_name, allowed)
        if isinstance(found, list):
            return found
        document, operation = found
        variables = document.variables_of(operation, self._schema).coerce(given)
        if isinstance(variables, list):
            return variables
        if document.steered_by_null(variables):
            return [GraphQLError("A variable that steers @skip or @include must not be null.")]
        return Prepared(document, operation, given, variables, self.documents.plan(document, operation, variables, permits))

    def run(self, prepared: "Prepared", context: Any) -> Any:
        """Run what was prepared with the same permits as those of the context; a result with data and errors, or an awaitable of one."""
        document, operation = prepared.document, prepared.operation
        if self.runs_fast(document, operation):
            return self._start(prepared, root=None, context=context, extensions=None)
        return self._run(document, operation, prepared.given, root=None, context=context, extensions=None)

    def _found(
        self, query: str | None, operation_name: str | None, allowed: Iterable[Kind] | None
    ) -> tuple[Document, OperationDefinitionNode] | list[GraphQLError]:
        """Find the operation that is meant, in a document that may be run."""
        if not query:
            raise MissingQueryError
        document = self.documents.document(query)
        if document.errors:
            return document.errors
        operation = document.operation(operation_name)
        if isinstance(operation, GraphQLError):
            if operation_name is not None:
                raise CannotGetOperationTypeError(operation_name)
            return [operation]
        kind = KINDS[operation.operation]
        if kind not in (DEFAULT_ALLOWED_OPERATION_TYPES if allowed is None else allowed):
            raise InvalidOperationTypeError(kind)
        return document, operation

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Log nothing: Strawberry would write a traceback for each, and with it the values that the query held."""

    def runs_fast(self, document: Document, operation: OperationDefinitionNode) -> bool:
        """Tell whether the engine takes an operation, or graphql-core."""
        return self.reason_for_reference(document, operation) is None

    def reason_for_reference(self, document: Document, operation: OperationDefinitionNode) -> str | None:
        """Say why an operation runs on graphql-core; None where the engine takes it."""
        if self.engine != "fast":
            return "the settings say so"
        if self.execution_context_class is not StrawberryGraphQLCoreExecutionContext:
            return "the schema has an execution context class of its own"
        if document.is_incremental:
            return "@defer or @stream"
        if operation.directives:
            return "a directive on the operation"
        return "a subscription" if operation.operation is OperationType.SUBSCRIPTION else None

    def _refused(self, errors: list[GraphQLError]) -> PreExecutionError:
        self._process_errors(errors)
        return PreExecutionError(data=None, errors=errors)

    def _run(  # noqa: PLR0913 - what an execution stands on
        self, document: Document, operation: OperationDefinitionNode, given: dict[str, Any] | None, *,
        root: Any, context: Any, extensions: Any, is_async_iterable: Callable[[Any], bool] | None = None,
    ) -> Any:  # fmt: skip
        """Run on the engine or, where that does not take the operation, on graphql-core."""
        permits = permits_of(context)
        variables = document.variables_of(operation, self._schema).coerce(given) if self.runs_fast(document, operation) else None
        if isinstance(variables, list):
            return ExecutionResult(None, variables)
        if variables is None or document.steered_by_null(variables):
            name = operation.name.value if operation.name else None
            screened(context, permits.screens(None))
            return super()._get_execute_function()(
                self._schema, document.node, root_value=root, context_value=context, variable_values=given, operation_name=name,
                executor_class=permitted(self.execution_context_class), is_awaitable=optimized_is_awaitable,
                is_async_iterable=is_async_iterable, operation_extensions=extensions,
            )  # fmt: skip
        prepared = Prepared(document, operation, given, variables, self.documents.plan(document, operation, variables, permits))
        return self._start(prepared, root=root, context=context, extensions=extensions, is_async_iterable=is_async_iterable)

    def _start(
        self, prepared: Prepared, *, root: Any, context: Any, extensions: Any, is_async_iterable: Callable[[Any], bool] | None = None
    ) -> Any:
        """Run what is planned on the engine."""
        document = prepared.document
        screened(context, prepared.plan.screens)

        def core() -> Executor[Any]:
            fragments = {name: FragmentDetails(found) for name, found in document.fragments.items()}
            return StrawberryGraphQLCoreExecutionContext(
                self._schema, document.fragments, fragments, root, context, prepared.operation, prepared.variables,
                default_field_resolver, default_type_resolver, default_field_resolver,
                is_awaitable=optimized_is_awaitable, is_async_iterable=is_async_iterable, operation_extensions=extensions,
            )  # fmt: skip

        loaders = getattr(context, "loaders", None)
        note = loaders.note if isinstance(loaders, TracedLoaders) else None
        return Run(prepared.plan, self._schema, prepared.variables, root=root, context=context, executor=core, note=note).start()

    def _get_execute_function(self) -> Callable[..., Any]:
        """Take the place of graphql-core's `execute` wherever Strawberry calls it."""
        reference = super()._get_execute_function()

        def execute_fast(schema: GraphQLSchema, node: Any, **named: Any) -> Any:
            middleware = named.get("middleware")
            hooked = isinstance(middleware, MiddlewareManager) and bool(middleware.middlewares)
            document = self.documents.of_node(node)
            operation = document.operation(named.get("operation_name"))
            if hooked or isinstance(operation, GraphQLError) or not self.runs_fast(document, operation):
                context = named.get("context_value")
                screened(context, permits_of(context).screens(None))
                named["executor_class"] = permitted(named.get("executor_class") or self.execution_context_class)
                return reference(schema, node, **named)
            return self._run(
                document, operation, named.get("variable_values"),
                root=named.get("root_value"), context=named.get("context_value"), extensions=named.get("operation_extensions"),
                is_async_iterable=named.get("is_async_iterable"),
            )  # fmt: skip

        return execute_fast
