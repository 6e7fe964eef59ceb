"""What the engine leans on in Strawberry and graphql-core beyond their public promises.

An update that changes one of these fails here, by name, before it fails anywhere else:

- Strawberry: `Schema._schema`, `Schema._get_execute_function`, `Schema._process_errors`, `GraphQLSchema._strawberry_schema`,
  `execution_context_class`, the two resolvers' `_is_default`, `extensions["strawberry-definition"]`, `StrawberryField.extensions`,
  `schema_converter.{scalar_registry, config, exception_handlers}`, `validate_document`, `optimized_is_awaitable`,
  the parameters of `StrawberryGraphQLCoreExecutionContext`, `convert_arguments`, `is_scalar`, `wrapped_cls` of an enum.
- graphql-core: `collect_fields` and `collect_subfields` and what they return, `Executor.{__init__, build_resolve_info, complete_leaf_value,
  ensure_valid_runtime_type, is_awaitable, is_async_iterable}`, `invalid_return_type_error`, `default_type_resolver`,
  `get_argument_values`, `get_variable_values` and `VariableValues`, `MiddlewareManager.middlewares`, `located_error`, `Path`.
"""

import enum
import inspect
from importlib.metadata import version
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError, GraphQLSchema, parse
from graphql.error import located_error
from graphql.execution import Executor
from graphql.execution.collect_fields import CollectedFields, FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.executor import default_field_resolver, default_type_resolver, invalid_return_type_error
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.middleware import MiddlewareManager
from graphql.execution.values import VariableValues, VariableValueSource, get_argument_values, get_variable_values
from graphql.pyutils import Path, is_iterable
from strawberry.execution import optimized_is_awaitable
from strawberry.extensions import FieldExtension
from strawberry.schema._graphql_core import execution_context_class_kwargs
from strawberry.schema.compat import is_scalar
from strawberry.schema.schema import DEFAULT_ALLOWED_OPERATION_TYPES, StrawberryGraphQLCoreExecutionContext, validate_document
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from graph.execution.schema import FastSchema


@strawberry.enum
class Size(enum.Enum):
    SMALL = "s"


class Nothing(FieldExtension):
    def resolve(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        return next_(source, info, **kwargs)


@strawberry.type
class Query:
    plain: str | None
    size: Size
    guarded: str | None = strawberry.field(extensions=[Nothing()])

    @strawberry.field
    def written(self, x: int = 1) -> int:
        return x


SCHEMA = strawberry.Schema(Query)
CORE = SCHEMA._schema
DOCUMENT = parse("query($s: Boolean!) { plain @skip(if: $s) ...F written(x: 2) } fragment F on Query { plain size }")
OPERATION: Any = DOCUMENT.definitions[0]
FRAGMENT: Any = DOCUMENT.definitions[1]


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_the_versions_are_those_that_were_read() -> None:
    assert version("graphql-core").startswith("3.3.2")
    assert version("strawberry-graphql").startswith("0.341.2")


def test_a_schema_and_its_core_know_each_other() -> None:
    assert isinstance(CORE, GraphQLSchema)
    assert CORE._strawberry_schema is SCHEMA  # type: ignore[attr-defined]
    assert SCHEMA.execution_context_class is StrawberryGraphQLCoreExecutionContext
    assert SCHEMA.config.default_resolver is getattr
    assert (SCHEMA.extensions, SCHEMA.directives) == ((), ())
    assert len(DEFAULT_ALLOWED_OPERATION_TYPES) == 3


def test_strawberry_asks_for_its_execute_function_on_every_way() -> None:
    for way in (strawberry.Schema.execute, strawberry.Schema.execute_sync, strawberry.Schema._stream_non_subscription):
        assert "self._get_execute_function()" in inspect.getsource(way)
    assert parameters(FastSchema.execute) == parameters(strawberry.Schema.execute)
    assert parameters(strawberry.Schema._process_errors)[:2] == ["self", "errors"]
    assert parameters(strawberry.Schema._get_execute_function) == ["self"]
    assert execution_context_class_kwargs(StrawberryGraphQLCoreExecutionContext) == {
        "executor_class": StrawberryGraphQLCoreExecutionContext
    }


def test_a_field_leads_to_its_definition_and_says_whether_it_is_plain() -> None:
    fields = CORE.query_type.fields  # type: ignore[union-attr]
    known = {name: found.extensions["strawberry-definition"] for name, found in fields.items()}

    assert all(isinstance(found, StrawberryField) for found in known.values())
    assert {name: getattr(found.resolve, "_is_default", False) for name, found in fields.items()} == {
        "plain": True, "size": True, "guarded": True, "written": False,
    }  # fmt: skip
    assert {name: bool(found.extensions) for name, found in known.items()} == {
        "plain": False,
        "size": False,
        "guarded": True,
        "written": False,
    }
    assert known["plain"].python_name == "plain"
    assert [argument.python_name for argument in known["written"].arguments] == ["x"]
    assert inspect.getsource(StrawberryField.get_result).count("self.default_resolver(source, self.python_name)") == 1


def test_the_converter_knows_scalars_arguments_and_handlers() -> None:
    converter = SCHEMA.schema_converter

    assert converter.exception_handlers == ()
    assert converter.config is SCHEMA.config
    assert is_scalar(str, converter.scalar_registry)
    written = CORE.query_type.fields["written"].extensions["strawberry-definition"]  # type: ignore[union-attr]
    assert convert_arguments({"x": 3}, written.arguments, converter.scalar_registry, converter.config) == {"x": 3}
    assert converter.config.name_converter.from_argument(written.arguments[0]) == "x"


def test_an_enum_knows_its_class_and_writes_its_members() -> None:
    kind: Any = CORE.type_map["Size"]

    assert kind.wrapped_cls is Size
    assert kind.coerce_output_value(Size.SMALL) == "SMALL"


def test_fields_are_collected_in_groups_of_their_nodes() -> None:
    variables = get_variable_values(CORE, OPERATION.variable_definitions, {"s": False}, max_errors=50)
    assert isinstance(variables, VariableValues)
    fragments = {"F": FragmentDetails(FRAGMENT)}
    collected = collect_fields(CORE, fragments, variables, CORE.query_type, OPERATION)  # type: ignore[arg-type]

    assert isinstance(collected, CollectedFields)
    assert {name: len(details) for name, details in collected.grouped_field_set.items()} == {"plain": 2, "size": 1, "written": 1}
    [details, _] = collected.grouped_field_set["plain"]
    assert isinstance(details, FieldDetails)
    assert details.node.name.value == "plain"
    assert parameters(collect_subfields)[:6] == [
        "schema", "fragments", "variable_values", "operation", "return_type", "field_details_list",
    ]  # fmt: skip


def test_variables_are_coerced_values_beside_their_sources() -> None:
    assert VariableValues._fields[:2] == ("sources", "coerced")
    assert VariableValueSource._fields[:2] == ("signature", "value")
    [definition] = OPERATION.variable_definitions
    signature = get_variable_signature(CORE, definition)
    assert isinstance(signature, GraphQLVariableSignature)
    assert (signature.name, str(signature.type)) == ("s", "Boolean!")
    assert isinstance(get_variable_values(CORE, [definition], {}, max_errors=50), list)
    written = CORE.query_type.fields["written"]  # type: ignore[union-attr]
    assert get_argument_values(written, OPERATION.selection_set.selections[2], VariableValues({}, {})) == {"x": 2}


def test_the_executor_is_made_and_asked_as_it_was() -> None:
    assert parameters(Executor.__init__) == [
        "self", "schema", "fragment_definitions", "fragments", "root_value", "context_value", "operation", "variable_values",
        "field_resolver", "type_resolver", "subscribe_field_resolver", "enable_early_execution", "middleware_manager", "is_awaitable",
        "is_async_iterable", "hide_suggestions", "abort_signal", "hooks",
    ]  # fmt: skip
    made = StrawberryGraphQLCoreExecutionContext(
        CORE, {}, {}, "root", "context", OPERATION, VariableValues({}, {"s": True}), default_field_resolver, default_type_resolver,
        default_field_resolver, is_awaitable=optimized_is_awaitable, operation_extensions={"a": 1},
    )  # fmt: skip
    path = Path(None, "plain", "Query")
    info: Any = made.build_resolve_info(CORE.query_type.fields["plain"], [OPERATION.selection_set.selections[0]], CORE.query_type, path)  # type: ignore[union-attr,arg-type]

    assert (info.field_name, info.path, info.root_value, info.context) == ("plain", path, "root", "context")
    assert (info.variable_values, info.operation_extensions) == ({"s": True}, {"a": 1})
    assert not made.is_awaitable(3)
    assert not made.is_async_iterable(3)
    assert parameters(made.ensure_valid_runtime_type) == ["runtime_type_name", "return_type", "field_details_list", "info", "result"]
    assert parameters(default_type_resolver) == ["value", "info", "abstract_type"]


def test_a_leaf_is_completed_without_an_executor() -> None:
    assert Executor.complete_leaf_value(CORE.type_map["String"], 3) == "3"  # type: ignore[arg-type]
    with pytest.raises(GraphQLError, match="cannot represent"):
        Executor.complete_leaf_value(CORE.query_type.fields["written"].type.of_type, "x")  # type: ignore[union-attr]


def test_errors_are_worded_and_placed_by_graphql_core() -> None:
    node = OPERATION.selection_set.selections[0]
    error = invalid_return_type_error(CORE.query_type, 3, [FieldDetails(node, None)])  # type: ignore[arg-type]

    assert error.message == "Expected value of type 'Query' but got: 3."
    assert located_error(error, [node], ["plain"]).path == ["plain"]
    assert located_error(ValueError("x"), [node], ["plain"]).original_error.args == ("x",)  # type: ignore[union-attr]
    assert (is_iterable([]), is_iterable("a"), is_iterable({})) == (True, False, False)


def test_hooked_fields_are_told_by_their_middleware() -> None:
    assert MiddlewareManager().middlewares == ()
    assert len(MiddlewareManager(lambda *_: None).middlewares) == 1
    assert "_implements_resolve" in inspect.getsource(strawberry.Schema._get_middleware_manager)


def test_documents_are_validated_as_strawberry_does() -> None:
    assert parameters(validate_document) == ["schema", "document", "validation_rules"]
