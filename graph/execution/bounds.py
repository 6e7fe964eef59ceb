"""How much a document may hold: found out in one walk, before the document is validated, because validating is what costs most.

However its fragments lead to one another, each definition is walked once. What validation itself may cost is bounded as well: how many
fields it compares with one another, and how many errors it reports.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    SelectionSetNode,
    ValidationContext,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

MOST_ERRORS: Final = 10
# In the units that graphql-core counts in: two for each pair of fields, and each pair of fragments, that meet in the same place.
MOST_COMPARISONS: Final = 5_000
# As many fields as any document that is written by a person or a program could want: then counting stops.
MANY: Final = 1_000_000
ABORTED: Final = "Validation aborted."


@dataclass(frozen=True)
class Limits:
    """What a document may hold at most; `plans` bounds the plans that are kept for all documents together.

    `fields` counts those of an operation with its fragments written out, `root_fields` those of them that stand at the top.
    """

    bytes: int = 16_384
    tokens: int = 2_000
    depth: int = 20
    aliases: int = 50
    directives: int = 50
    fields: int = 1_000
    root_fields: int = 50
    operations: int = 20
    fragments: int = 100
    documents: int = 512
    plans: int = 1_024


class MergeableFields(OverlappingFieldsCanBeMergedRule):
    """graphql-core's rule that fields of one name can be one, with a budget that fits documents of a few thousand tokens."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = MOST_COMPARISONS


RULES: Final = (
    *(MergeableFields if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules),
    # Strawberry's own: for what may be left out but not be null, and for @oneOf.
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)


class Extent(NamedTuple):
    """How far a selection reaches: how deep, how many fields in all, how many of them right here."""

    depth: int = 0
    fields: int = 0
    here: int = 0

    def beside(self, other: "Extent") -> "Extent":
        """Take both together."""
        return Extent(max(self.depth, other.depth), min(self.fields + other.fields, MANY), min(self.here + other.here, MANY))


ENDLESS: Final = Extent(MANY, MANY, MANY)


def read(text: str, limits: Limits) -> DocumentNode:
    """Parse a text of a bounded size; GraphQLError where it is larger, or no document."""
    if not _is_short(text, limits.bytes):
        raise GraphQLError(f"The document is longer than {limits.bytes} bytes.")
    try:
        return parse(text, max_tokens=limits.tokens)
    except RecursionError:
        raise GraphQLError("The document is nested too deeply.") from None


def bounded(node: DocumentNode, limits: Limits) -> GraphQLError | None:
    """Refuse a document that is larger than allowed; takes time in proportion to its tokens, however its fragments are nested."""
    for what, many, most in _counted(node, limits):
        if many > most:
            return GraphQLError(f"The document has {many} {what}; at most {most} are allowed.")
    try:
        return next(filter(None, (_too_large(extent, limits) for extent in _extents(node))), None)
    except RecursionError:
        return GraphQLError("The document is nested too deeply.")


def validated(schema: GraphQLSchema, node: DocumentNode) -> list[GraphQLError]:
    """Validate a document, and say in words of our own where that would take too long."""
    found = validate(schema, node, RULES, max_errors=MOST_ERRORS)
    if found and found[-1].message == ABORTED:
        found[-1] = GraphQLError(
            "The document is too intricate to be checked: too many of its fields and fragments meet in the same place."
        )
    return found


def selections(node: DocumentNode) -> Iterator[Any]:
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


def _counted(node: DocumentNode, limits: Limits) -> Iterator[tuple[str, int, int]]:
    """Count each kind of thing that a document may hold only so many of."""
    operations = sum(isinstance(definition, OperationDefinitionNode) for definition in node.definitions)
    yield "operations", operations, limits.operations
    yield "fragments", len(node.definitions) - operations, limits.fragments
    found = list(selections(node))
    yield "aliases", sum(isinstance(selection, FieldNode) and selection.alias is not None for selection in found), limits.aliases
    yield "directives", sum(len(selection.directives or ()) for selection in found), limits.directives


def _is_short(text: str, most: int) -> bool:
    """Measure a text in UTF-8, without writing it out where its length alone tells; a lone surrogate counts as three bytes."""
    return len(text) <= most and (len(text) * 4 <= most or len(text.encode(errors="surrogatepass")) <= most)


def _too_large(extent: Extent, limits: Limits) -> GraphQLError | None:
    if extent.depth > limits.depth:
        return GraphQLError(f"The document is nested more than {limits.depth} levels deep, or its fragments lead back to themselves.")
    if extent.here > limits.root_fields:
        return GraphQLError(f"The operation has {extent.here} fields at the top; at most {limits.root_fields} are allowed.")
    if extent.fields > limits.fields:
        return GraphQLError(f"The operation has more than {limits.fields} fields when its fragments are written out.")
    return None


def _extents(node: DocumentNode) -> Iterator[Extent]:
    """Measure each operation; a fragment is measured once, and one that leads back to itself has no end."""
    fragments = {found.name.value: found for found in node.definitions if isinstance(found, FragmentDefinitionNode)}
    known: dict[str, Extent] = {}

    def of_fragment(name: str) -> Extent:
        if name not in known:
            # As long as it is being measured, it is endless for whoever comes back to it from inside.
            known[name] = ENDLESS
            known[name] = of_set(fragments[name].selection_set) if name in fragments else Extent()
        return known[name]

    def of_set(selected: SelectionSetNode) -> Extent:
        whole = Extent()
        for selection in selected.selections:
            whole = whole.beside(of_selection(selection))
        return whole

    def of_selection(selection: Any) -> Extent:
        if isinstance(selection, FragmentSpreadNode):
            return of_fragment(selection.name.value)
        inner = of_set(selection.selection_set) if selection.selection_set else Extent()
        return Extent(1 + inner.depth, min(1 + inner.fields, MANY), 1) if isinstance(selection, FieldNode) else inner

    for definition in node.definitions:
        if isinstance(definition, OperationDefinitionNode):
            yield of_set(definition.selection_set)
