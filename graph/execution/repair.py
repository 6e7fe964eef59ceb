"""Repair: where something failed, the answer gets its nulls and errors as the specification says.

Runs only when a failure was placed in the tree. It walks the answer in the order of the query, copies what it changes (one object may
stand in several places), and writes an error with its path for each failure that is not hidden by a null above it.
"""

from typing import Any

from graphql import GraphQLError
from graphql.error import located_error

from graph.execution.plan import Composite, FieldPlan, Leaf, Selection, Sequence, Shape

PathList = list[str | int]


class Failure:
    """Stands in the tree where a value could not be had; with `ends`, it is the whole list that broke off here."""

    __slots__ = ("ends", "error")

    def __init__(self, error: Exception, *, ends: bool = False) -> None:
        self.error = error
        self.ends = ends


class _Null(Exception):
    """A null that moves up, because its place must not be null; carries the error that goes with it."""

    def __init__(self, error: GraphQLError) -> None:
        super().__init__()
        self.error = error


class Repair:
    """One walk; `selections` tells for each answer under an interface or union which selection made it."""

    def __init__(self, selections: dict[int, Selection]) -> None:
        self.selections = selections
        self.errors: list[GraphQLError] = []

    def root(self, selection: Selection, answer: dict[str, Any]) -> dict[str, Any] | None:
        """Repair a whole answer; None where a null reached the root."""
        try:
            return self._object(selection, answer, [])
        except _Null as null:
            self.errors.append(null.error)
            return None

    def field(self, found: FieldPlan, value: Any) -> bool:
        """Tell whether a root field, repaired alone, would null the whole answer."""
        try:
            self._field(found, value, [found.response_name])
        except _Null:
            return True
        return False

    def _object(self, selection: Selection, answer: dict[str, Any], path: PathList) -> dict[str, Any]:
        return {
            found.response_name: self._field(found, answer[found.response_name], [*path, found.response_name]) for found in selection.fields
        }

    def _field(self, found: FieldPlan, value: Any, path: PathList) -> Any:
        return value if found.kind == "typename" else self._value(found, found.shape, value, path)

    def _value(self, found: FieldPlan, shape: Shape, value: Any, path: PathList) -> Any:
        """Repair one value; what cannot be null passes its null on."""
        try:
            if isinstance(value, Failure):
                raise _Null(_located(value.error, found, path))  # noqa: TRY301 - it moves up like any other null
            return self._inner(found, shape, value, path)
        except _Null as null:
            if shape.nonnull:
                raise
            self.errors.append(null.error)
            return None

    def _inner(self, found: FieldPlan, shape: Shape, value: Any, path: PathList) -> Any:
        if value is None or isinstance(shape, Leaf):
            return value
        if isinstance(shape, Sequence):
            return [self._item(found, shape.item, item, [*path, index]) for index, item in enumerate(value)]
        return self._object(self._selection(shape, value), value, path)

    def _item(self, found: FieldPlan, shape: Shape, value: Any, path: PathList) -> Any:
        if isinstance(value, Failure) and value.ends:
            raise _Null(_located(value.error, found, path[:-1]))
        return self._value(found, shape, value, path)

    def _selection(self, shape: Composite, answer: dict[str, Any]) -> Selection:
        return shape.only or self.selections[id(answer)]


def _located(error: Exception, found: FieldPlan, path: PathList) -> GraphQLError:
    return located_error(error, found.nodes, path)
