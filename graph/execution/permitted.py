"""Permitted: graphql-core's executor, for what the engine does not run, held to what the caller may read."""

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from graphql import GraphQLObjectType, Undefined
from graphql.execution import Executor
from graphql.pyutils import Path

from graph.execution.permits import EVERYTHING, Permits
from graph.loading.batch import Batch
from graph.loading.screening import Screen


def permits_of(context: Any) -> Permits:
    """Return what the caller of a request may read; everything where nothing is said about that."""
    return getattr(context, "allowed", None) or EVERYTHING


def screened(context: Any, screens: Mapping[Batch[Any, Any], Screen]) -> None:
    """Let the loaders of a request look at the records that they give."""
    loaders = getattr(context, "loaders", None)
    if loaders is not None:
        loaders.screens = screens


def permitted(executor: Any) -> type[Executor[Any]]:
    """Return an executor that refuses fields: null and the refusal in their places, without looking at their arguments."""
    return _permitted(executor)


@cache
def _permitted(executor: Any) -> type[Executor[Any]]:
    class Permitted(executor):  # type: ignore[misc]  # the class is a parameter
        def execute_field(self, parent_type: GraphQLObjectType, source: Any, details: Any, path: Path, position: Any) -> Any:
            name = details[0].node.name.value
            refusal = None if name == "__typename" else permits_of(self.context_value).refusal(parent_type.name, name)
            if refusal is None:
                return super().execute_field(parent_type, source, details, path, position)
            definition = self.schema.get_field(parent_type, name)
            if definition is None:
                return Undefined
            self.handle_field_error(refusal, definition.type, details, path)
            return None

    return cast("type[Executor[Any]]", Permitted)
