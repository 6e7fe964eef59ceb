"""Variables: coerced once for each run, by what was learned of them once for each operation.

Only usual values take the short way. Whatever may be an error is given to graphql-core, which words it.
"""

from typing import Any

from graphql import (
    GraphQLError,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    is_leaf_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values
from graphql.utilities import coerce_input_value

MOST_ERRORS = 50


class _Variable:
    """A variable whose type is a scalar, an enum or a list of those."""

    __slots__ = ("default", "leaf", "name", "nonnull", "signature")

    def __init__(self, signature: GraphQLVariableSignature, default: Any, leaf: GraphQLLeafType | None) -> None:
        self.signature = signature
        self.name = signature.name
        self.default = default
        self.nonnull = isinstance(signature.type, GraphQLNonNull)
        self.leaf = leaf

    def coerce(self, value: Any) -> Any:
        """Return the coerced value, or Undefined where graphql-core has to look."""
        if value is None:
            return Undefined if self.nonnull else None
        if self.leaf is None:
            return coerce_input_value(value, self.signature.type)
        try:
            return self.leaf.coerce_input_value(value)
        except Exception:  # noqa: BLE001 - a scalar's own parsing may raise anything
            return Undefined


class Variables:
    """The variables of one operation."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        """Learn what can be known before any value is."""
        self.schema = schema
        self.definitions = operation.variable_definitions or ()
        self._usual = self._learn()

    def coerce(self, given: dict[str, Any] | None) -> VariableValues | list[GraphQLError]:
        """Coerce the values of a request, or say what is wrong with them."""
        given = given or {}
        if self._usual is None:
            return self._by_core(given)
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for variable in self._usual:
            value = given.get(variable.name, Undefined)
            sources[variable.name] = VariableValueSource(variable.signature, value)
            made = variable.default if value is Undefined else variable.coerce(value)
            if made is not Undefined:
                coerced[variable.name] = made
            elif value is not Undefined or variable.nonnull:
                return self._by_core(given)
        return VariableValues(sources, coerced)

    def _by_core(self, given: dict[str, Any]) -> VariableValues | list[GraphQLError]:
        return get_variable_values(self.schema, self.definitions, given, max_errors=MOST_ERRORS)

    def _learn(self) -> list[_Variable] | None:
        """List the variables, or None where one is of a kind that graphql-core has to coerce."""
        defaults = self._by_core({})
        known: list[_Variable] = []
        for definition in self.definitions:
            signature = get_variable_signature(self.schema, definition)
            if isinstance(signature, GraphQLError):
                return None
            kind = signature.type.of_type if isinstance(signature.type, GraphQLNonNull) else signature.type
            innermost = kind
            while isinstance(innermost, GraphQLList | GraphQLNonNull):
                innermost = innermost.of_type
            if not is_leaf_type(innermost) or (
                definition.default_value is not None and (innermost is not kind or isinstance(defaults, list))
            ):
                return None
            default = Undefined if isinstance(defaults, list) else defaults.coerced.get(signature.name, Undefined)
            known.append(_Variable(signature, default, kind if is_leaf_type(kind) else None))
        return known
