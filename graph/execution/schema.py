"""The schema as the gateway serves it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import strawberry
from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import MaxTokensLimiter, ParserCache, SchemaExtension, ValidationCache

if TYPE_CHECKING:
    from strawberry.types import ExecutionContext


class OperationIsNamed(SchemaExtension):
    """Refuses a document with several operations and no name; Strawberry alone would run the first."""

    def on_validate(self) -> Iterator[None]:
        """Add the refusal to what validation found."""
        context = self.execution_context
        operations = [found for found in getattr(context.graphql_document, "definitions", ()) if isinstance(found, OperationDefinitionNode)]
        unnamed = context._provided_operation_name is None  # noqa: SLF001 - there is no public way to ask what the request itself named
        if unnamed and len(operations) > 1 and not context.pre_execution_errors:
            context.pre_execution_errors = [GraphQLError("The document has several operations; expected the name of one of them")]
        yield


class ServedSchema(strawberry.Schema):
    """A Strawberry schema whose documents are parsed and validated once, and whose errors the gateway logs in its own way."""

    def bound(self, *, documents: int, tokens: int) -> None:
        """Keep that many documents; refuse one with more tokens while it is being read."""
        self.extensions = (
            lambda: MaxTokensLimiter(tokens),
            lambda: ParserCache(documents),
            lambda: ValidationCache(documents),
            OperationIsNamed,
        )

    def process_errors(self, errors: list[GraphQLError], execution_context: "ExecutionContext | None" = None) -> None:
        """Log nothing: Strawberry would write a traceback for each, and with it the values that the query held."""
