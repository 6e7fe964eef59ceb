"""The schema as the gateway serves it."""

from typing import TYPE_CHECKING

import strawberry
from strawberry.extensions import MaxTokensLimiter, ParserCache, ValidationCache

if TYPE_CHECKING:
    from graphql import GraphQLError
    from strawberry.types import ExecutionContext


class ServedSchema(strawberry.Schema):
    """A Strawberry schema whose documents are parsed and validated once, and whose errors the gateway logs in its own way."""

    def bound(self, *, documents: int, tokens: int) -> None:
        """Keep that many documents; refuse one with more tokens while it is being read."""
        self.extensions = (lambda: MaxTokensLimiter(tokens), lambda: ParserCache(documents), lambda: ValidationCache(documents))

    def process_errors(self, errors: "list[GraphQLError]", execution_context: "ExecutionContext | None" = None) -> None:
        """Log nothing: Strawberry would write a traceback for each, and with it the values that the query held."""
