"""Documents: read, bounded, validated and planned once, and kept.

Whoever sends texts without end drives out neither the documents that are registered, which have a place of their own, nor with what is
refused those that may be run.
"""

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
)
from graphql.execution.values import VariableValues

from graph.execution.bounds import Limits, bounded, read, selections, validated
from graph.execution.permits import EVERYTHING, Permits
from graph.execution.plan import Plan, Planner
from graph.execution.variables import Variables

__all__ = ["Document", "Documents", "Figures", "Limits"]

STEERING = frozenset({"skip", "include"})
INCREMENTAL = frozenset({"defer", "stream"})
# Refused documents are remembered too, so that who repeats one costs little; but only as many as this part of those that are kept.
REFUSED_SHARE: Final = 8
# A longer document takes the place of several, so that what is kept is bounded in bytes too.
LETTERS_A_PLACE: Final = 2_048

PlanKey = tuple[Any, ...]
K = TypeVar("K")


@dataclass
class Figures:
    """How often a document or a plan was there already."""

    document_hits: int = 0
    document_misses: int = 0
    plan_hits: int = 0
    plan_misses: int = 0


class Document:
    """A document that may be run, or the errors why not; `trusted` where it is registered, `letters` long."""

    def __init__(self, node: DocumentNode | None, errors: list[GraphQLError], *, trusted: bool = False, letters: int = 0) -> None:
        self.node = node
        self.errors = errors
        self.trusted = trusted
        self.places = max(1, letters // LETTERS_A_PLACE)
        self.operations: dict[str | None, OperationDefinitionNode] = {}
        self.variables: dict[int, Variables] = {}
        self.fragments: dict[str, FragmentDefinitionNode] = {}
        self.steering: tuple[str, ...] = ()
        self.is_incremental = False
        if node is not None and not errors:
            self._look_through(node)

    def operation(self, name: str | None) -> OperationDefinitionNode | GraphQLError:
        """Find the operation to run by name; without one there must be only one."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None:
            more = "Must provide operation name if query contains multiple operations."
            return GraphQLError(more if self.operations else "Must provide an operation.")
        return self.operations.get(name) or GraphQLError(f"Unknown operation named '{name}'.")

    def steering_alone(self, variables: VariableValues) -> VariableValues:
        """Take what steers out of a request's variables: a plan outlives its request and must not keep what was asked about whom."""
        sources = {name: source for name, source in variables.sources.items() if name in self.steering}
        return VariableValues(sources, {name: value for name, value in variables.coerced.items() if name in self.steering})

    def variables_of(self, operation: OperationDefinitionNode, schema: GraphQLSchema) -> Variables:
        """Return what coerces the variables of one of its operations."""
        found = self.variables.get(id(operation))
        if found is None:
            found = self.variables[id(operation)] = Variables(schema, operation)
        return found

    def steered_by_null(self, variables: VariableValues) -> bool:
        """Tell whether a variable of `@skip` or `@include` is null, which is an error for graphql-core to word and to place."""
        return any(variables.coerced.get(name, True) is None for name in self.steering)

    def _look_through(self, node: DocumentNode) -> None:
        for definition in node.definitions:
            if isinstance(definition, OperationDefinitionNode):
                self.operations[definition.name.value if definition.name else None] = definition
            elif isinstance(definition, FragmentDefinitionNode):
                self.fragments[definition.name.value] = definition
        directives = [directive for found in selections(node) for directive in found.directives or ()]
        self.is_incremental = any(directive.name.value in INCREMENTAL for directive in directives)
        steering = {
            argument.value.name.value
            for directive in directives
            if directive.name.value in STEERING
            for argument in directive.arguments or ()
            if isinstance(argument.value, VariableNode)
        }
        self.steering = tuple(sorted(steering))


Planned = tuple[Document, Plan]


@dataclass
class Documents:
    """The documents and plans of one schema; `trusted` holds the texts that are registered, and is asked only about those that are new."""

    schema: GraphQLSchema
    limits: Limits = field(default_factory=Limits)
    figures: Figures = field(default_factory=Figures)
    trusted: Container[str] = frozenset()

    def __post_init__(self) -> None:
        """Begin empty."""
        kept, plans = self.limits.documents, self.limits.plans
        self._trusted: LRUCache[str, Document] = _room(kept)
        self._free: LRUCache[str | int, Document] = _room(kept)
        self._refused: LRUCache[str, Document] = _room(max(1, kept // REFUSED_SHARE))
        self._plans: LRUCache[PlanKey, Planned] = LRUCache(plans, lambda planned: min(plans, planned[0].places))
        self._trusted_plans: LRUCache[PlanKey, Planned] = LRUCache(plans, lambda planned: min(plans, planned[0].places))

    def document(self, text: str) -> Document:
        """Read and validate a text, once."""
        found = self._trusted.get(text) or self._free.get(text) or self._refused.get(text)
        if found is not None:
            self.figures.document_hits += 1
            return found
        self.figures.document_misses += 1
        found = self._read(text, trusted=text in self.trusted)
        if found.errors:
            self._refused[text] = found
        elif found.trusted:
            self._trusted[text] = found
        else:
            self._free[text] = found
        return found

    def of_node(self, node: DocumentNode) -> Document:
        """Find what is known of a document that somebody else has read and validated."""
        key = id(node)
        found = self._free.get(key)
        if found is None or found.node is not node:
            found = self._free[key] = Document(node, [])
        return found

    def plan(
        self, document: Document, operation: OperationDefinitionNode, variables: VariableValues, permits: Permits = EVERYTHING
    ) -> Plan:
        """Plan an operation, once for all values of the variables that steer it and for all callers who have the same permits.

        The document is kept with its plan, so that the ids which make the key stay its own.
        """
        coerced = variables.coerced
        steered = tuple(coerced.get(name) for name in document.steering) if document.steering else ()
        key = (id(document), id(operation), steered, permits)
        kept = self._trusted_plans if document.trusted else self._plans
        try:
            plan = kept[key][1]
        except KeyError:
            self.figures.plan_misses += 1
            plan = Planner(self.schema, operation, document.fragments, document.steering_alone(variables), permits).plan()
            kept[key] = (document, plan)
        else:
            self.figures.plan_hits += 1
        return plan

    def __len__(self) -> int:
        """Count the documents that are kept."""
        return len(self._trusted) + len(self._free) + len(self._refused)

    @property
    def plans(self) -> int:
        """How many plans are kept."""
        return len(self._plans) + len(self._trusted_plans)

    def _read(self, text: str, *, trusted: bool) -> Document:
        try:
            node = read(text, self.limits)
        except GraphQLError as error:
            return Document(None, [error])
        refused = bounded(node, self.limits)
        errors = validated(self.schema, node) if refused is None else [refused]
        return Document(node if refused is None else None, errors, trusted=trusted, letters=len(text))


def _room(most: int) -> "LRUCache[K, Document]":
    """Make room for so many documents of the usual length."""
    return LRUCache(most, lambda document: min(most, document.places))
