"""Documents: read, bounded, validated and planned once, and kept.

A hostile document is refused by its number of tokens while it is read, and by depth, aliases and directives before it is validated, because
validation is what costs most.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    parse,
    specified_rules,
)
from graphql.execution.values import VariableValues
from strawberry.schema.schema import validate_document

from graph.execution.plan import Plan, Planner
from graph.execution.variables import Variables

RULES = tuple(specified_rules)  # Strawberry adds its own: for @oneOf, and for what may be left out but not be null
STEERING = frozenset({"skip", "include"})
INCREMENTAL = frozenset({"defer", "stream"})


@dataclass(frozen=True)
class Limits:
    """What a document may hold at most; `plans` bounds the plans that are kept for all documents together."""

    tokens: int = 2_000
    depth: int = 20
    aliases: int = 50
    directives: int = 50
    documents: int = 512
    plans: int = 1_024


@dataclass
class Figures:
    """How often a document or a plan was there already."""

    document_hits: int = 0
    document_misses: int = 0
    plan_hits: int = 0
    plan_misses: int = 0


class Document:
    """A document that may be run, or the errors why not."""

    def __init__(self, node: DocumentNode | None, errors: list[GraphQLError]) -> None:
        self.node = node
        self.errors = errors
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
        directives = [directive for found in _selections(node) for directive in found.directives or ()]
        self.is_incremental = any(directive.name.value in INCREMENTAL for directive in directives)
        steering = {
            argument.value.name.value
            for directive in directives
            if directive.name.value in STEERING
            for argument in directive.arguments or ()
            if isinstance(argument.value, VariableNode)
        }
        self.steering = tuple(sorted(steering))


@dataclass
class Documents:
    """The documents and plans of one schema."""

    schema: GraphQLSchema
    limits: Limits = field(default_factory=Limits)
    figures: Figures = field(default_factory=Figures)

    def __post_init__(self) -> None:
        """Begin empty."""
        self._documents: LRUCache[str | int, Document] = LRUCache(self.limits.documents)
        self._plans: LRUCache[tuple[Any, ...], tuple[Document, Plan]] = LRUCache(self.limits.plans)

    def document(self, text: str) -> Document:
        """Read and validate a text, once."""
        try:
            found = self._documents[text]
        except KeyError:
            self.figures.document_misses += 1
            found = self._documents[text] = self._read(text)
        else:
            self.figures.document_hits += 1
        return found

    def of_node(self, node: DocumentNode) -> Document:
        """Find what is known of a document that somebody else has read and validated."""
        key = id(node)
        found = self._documents.get(key)
        if found is None or found.node is not node:
            found = self._documents[key] = Document(node, [])
        return found

    def plan(self, document: Document, operation: OperationDefinitionNode, variables: VariableValues, allowed: Hashable = None) -> Plan:
        """Plan an operation, once for all values of the variables that steer it and for all callers who are `allowed` the same.

        The document is kept with its plan, so that the ids which make the key stay its own.
        """
        coerced = variables.coerced
        steered = tuple(coerced.get(name) for name in document.steering) if document.steering else ()
        key = (id(document), id(operation), steered, allowed)
        try:
            plan = self._plans[key][1]
        except KeyError:
            self.figures.plan_misses += 1
            plan = Planner(self.schema, operation, document.fragments, document.steering_alone(variables)).plan()
            self._plans[key] = (document, plan)
        else:
            self.figures.plan_hits += 1
        return plan

    def __len__(self) -> int:
        """Count the documents that are kept."""
        return len(self._documents)

    @property
    def plans(self) -> int:
        """How many plans are kept."""
        return len(self._plans)

    def _read(self, text: str) -> Document:
        try:
            node = parse(text, max_tokens=self.limits.tokens)
            refused = bounded(node, self.limits)
            return Document(None, [refused]) if refused is not None else Document(node, validate_document(self.schema, node, RULES))
        except GraphQLError as error:
            return Document(None, [error])
        except RecursionError:
            return Document(None, [GraphQLError("The document is nested too deeply.")])


def bounded(node: DocumentNode, limits: Limits) -> GraphQLError | None:
    """Refuse a document that is larger than allowed; takes time in proportion to its tokens, however its fragments are nested."""
    found = list(_selections(node))
    aliases = sum(isinstance(selection, FieldNode) and selection.alias is not None for selection in found)
    if aliases > limits.aliases:
        return GraphQLError(f"The document has {aliases} aliases; at most {limits.aliases} are allowed.")
    directives = sum(len(selection.directives or ()) for selection in found)
    if directives > limits.directives:
        return GraphQLError(f"The document has {directives} directives; at most {limits.directives} are allowed.")
    return _too_deep(node, limits.depth)


def _selections(node: DocumentNode) -> Iterator[Any]:
    """Walk all selections of a document, fragments not followed."""
    waiting: list[SelectionSetNode] = [
        definition.selection_set
        for definition in node.definitions
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode)
    ]
    while waiting:
        for selection in waiting.pop().selections:
            yield selection
            inner = getattr(selection, "selection_set", None)
            if inner is not None:
                waiting.append(inner)


def _too_deep(node: DocumentNode, most: int) -> GraphQLError | None:  # noqa: C901 - two small functions that lead to one another
    """Measure each definition once; a fragment that leads back to itself is as deep as can be."""
    fragments = {found.name.value: found for found in node.definitions if isinstance(found, FragmentDefinitionNode)}
    depths: dict[str, int] = {}
    under_way: set[str] = set()

    def of_fragment(name: str) -> int:
        if name in under_way:
            return most + 1
        if name not in depths:
            under_way.add(name)
            depths[name] = of_set(fragments[name].selection_set) if name in fragments else 0
            under_way.discard(name)
        return depths[name]

    def of_set(selected: SelectionSetNode) -> int:
        deepest = 0
        for selection in selected.selections:
            if isinstance(selection, FragmentSpreadNode):
                depth = of_fragment(selection.name.value)
            elif isinstance(selection, FieldNode):
                depth = 1 + (of_set(selection.selection_set) if selection.selection_set else 0)
            else:
                depth = of_set(selection.selection_set)  # type: ignore[attr-defined]  # an inline fragment, the only kind that is left
            deepest = max(deepest, depth)
            if deepest > most:
                break
        return deepest

    for definition in node.definitions:
        if isinstance(definition, OperationDefinitionNode) and of_set(definition.selection_set) > most:
            return GraphQLError(f"The document is nested more than {most} levels deep, or its fragments lead back to themselves.")
    return None
