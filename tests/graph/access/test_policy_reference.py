"""T-P1: what the compiled policy and the engine refuse is what a slow reader of the rules refuses, on schemas that nobody thought of.

The reader goes through the text of a query with the model of its schema in hand and shares no code with what it checks.
"""

import enum
import os
from collections.abc import Iterator
from random import Random
from typing import Any, cast

import pytest
from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, OperationDefinitionNode, parse

from graph.access.policy import Policy, Told
from graph.access.registry import Consumer, Identity, Purpose, Registry
from graph.access.screens import Screening
from graph.context import RequestContext
from graph.errors import MotcuaError
from graph.execution.permits import Permits
from graph.execution.schema import FastSchema
from graph.loading.loaders import Loaders, Sources
from tests.graph.access.models import LEAVES, PURPOSES, ROOT, WORDS, Data, Field, Guard, Model, Writer, drawn_model, made

TIMES = int(os.environ.get("MOTCUA_EXAMPLES", "1"))
PORTIONS = 10
SCHEMAS, QUERIES, CALLERS = 5, 20, 10  # in each portion; 10,000 cases in all
NOTHING = Told(None, None, None)
Answer = tuple[Any, set[tuple[tuple[Any, ...], str]]]


class _NoScreens:
    """Looks at no records: the objects of these schemas come from no system."""

    def of(self, _consumer: Consumer | None, _purpose: Purpose | None) -> Any:
        return lambda _coordinates: {}


def drawn_registry(model: Model, random: Random, number: int) -> Registry:
    """Draw who may read what."""
    coordinates = model.coordinates

    def some(share: float) -> frozenset[str]:
        return frozenset(each for each in coordinates if random.random() < share)

    share = random.choice([0.5, 0.9, 1.0])
    purposes = {name: Purpose(name, name, "statutory", f"law {name}", some(share), some(0.2), protected="show") for name in PURPOSES}
    consumers = {
        name: Consumer(
            name, name, "state", dict.fromkeys(PURPOSES), explorer=random.random() < 0.5,
            scopes=frozenset(random.sample(WORDS, random.randrange(4))), policies=frozenset(random.sample(WORDS, random.randrange(4))),
        )
        for name in ("c0", "c1")
    }  # fmt: skip
    return Registry(1, str(number), some(random.choice([0.5, 1.0])), purposes, consumers)


class Caller:
    """Somebody who asks: nobody known, or a consumer with a purpose and some of its scopes."""

    def __init__(self, registry: Registry, random: Random) -> None:
        self.registry = registry
        self.consumer = random.choice([None, *registry.consumers.values(), *registry.consumers.values()])
        self.purpose = None if self.consumer is None else random.choice(PURPOSES)
        held = frozenset() if self.consumer is None else self.consumer.scopes
        self.scopes = frozenset(scope for scope in held if random.random() < 0.8)

    @property
    def identity(self) -> Identity | None:
        return None if self.consumer is None else Identity(self.consumer, "key", self.scopes, float("inf"))


# ── the reader of the rules ──────────────────────────────────────────────────────────────────────────────────────────────


class Null(Exception):
    """A null where none may be: it moves up."""


class Reader:
    """Answers a query as the rules say, field by field."""

    def __init__(self, model: Model, document: DocumentNode, caller: Caller) -> None:
        self.model = model
        self.caller = caller
        self.errors: set[tuple[tuple[Any, ...], str]] = set()
        self.fragments = {found.name.value: found for found in document.definitions if isinstance(found, FragmentDefinitionNode)}
        [self.operation] = [found for found in document.definitions if isinstance(found, OperationDefinitionNode)]

    def answer(self, root: Any) -> Answer:
        try:
            return self.object(ROOT, root, [self.operation], ()), self.errors
        except Null:
            return None, self.errors

    def object(self, kind: str, value: Any, nodes: list[Any], path: tuple[Any, ...]) -> dict[str, Any]:
        grouped: dict[str, list[FieldNode]] = {}
        for node in nodes:
            for found in self.selected(kind, node):
                grouped.setdefault(found.alias.value if found.alias else found.name.value, []).append(found)
        return {key: self.field(kind, value, found, (*path, key)) for key, found in grouped.items()}

    def selected(self, kind: str, node: Any) -> Iterator[FieldNode]:
        for found in node.selection_set.selections:
            if isinstance(found, FieldNode):
                yield found
                continue
            inner = self.fragments[found.name.value] if isinstance(found, FragmentSpreadNode) else found
            assert isinstance(inner, InlineFragmentNode | FragmentDefinitionNode)
            assert inner.type_condition is not None
            if kind in self.model.possible(inner.type_condition.name.value):
                yield from self.selected(kind, inner)

    def field(self, kind: str, value: Any, nodes: list[FieldNode], path: tuple[Any, ...]) -> Any:
        name = nodes[0].name.value
        if name == "__typename":
            return kind
        if name == "__schema":
            if self.caller.consumer is not None and self.caller.consumer.explorer:
                return {"queryType": {"name": ROOT}}
            self.errors.add((path, "FORBIDDEN_FIELD"))
            raise Null
        found = self.model.fields[kind][name]
        if not self.may_read(kind, name, found):
            self.errors.add((path, "FORBIDDEN_FIELD"))
            if found.wraps.startswith("!"):
                raise Null
            return None
        return self.value(found.wraps, found.named, value.held[name], nodes, path)

    def value(self, wraps: str, named: str, value: Any, nodes: list[FieldNode], path: tuple[Any, ...]) -> Any:
        if wraps.startswith("!"):
            return self.inner(wraps[1:], named, value, nodes, path)
        try:
            return None if value is None else self.inner(wraps, named, value, nodes, path)
        except Null:
            return None

    def inner(self, wraps: str, named: str, value: Any, nodes: list[FieldNode], path: tuple[Any, ...]) -> Any:
        if wraps.startswith("["):
            return [self.value(wraps[1:], named, item, nodes, (*path, index)) for index, item in enumerate(value)]
        if named in LEAVES:
            return value.name if isinstance(value, enum.Enum) else value
        return self.object(type(value).__name__, value, nodes, path)

    def may_read(self, kind: str, name: str, found: Field) -> bool:
        """Read the rules for a field: all directives about it hold, and it is covered."""
        about = [*self.model.guards.get(kind, []), *found.guards, *self.model.guards.get(found.named, [])]
        if not all(self.holds(guard) for guard in about):
            return False
        coordinate = f"{kind}.{name}"
        if self.caller.purpose is None:
            return coordinate in self.caller.registry.open
        purpose = self.caller.registry.purposes[self.caller.purpose]
        has_mask = any(word == "mask" for word, _ in found.guards)
        return coordinate in purpose.fields or (coordinate in purpose.masked and has_mask)

    def holds(self, guard: Guard) -> bool:
        word, value = guard
        consumer = self.caller.consumer
        if word in {"authenticated", "personal"}:
            return consumer is not None
        if word == "purpose":
            return self.caller.purpose in value
        if word == "scopes":
            return any(all(scope in self.caller.scopes for scope in inner) for inner in value)
        if word == "policies":
            return any(all(consumer is not None and each in consumer.policies for each in inner) for inner in value)
        return True


# ── the proof ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def policy_of(schema: FastSchema, registry: Registry) -> Policy:
    return Policy(schema._schema, (), lambda: registry, cast("Screening", _NoScreens()))


async def given(schema: FastSchema, text: str, root: Any, permits: Permits) -> Answer:
    context = RequestContext(Loaders(Sources({}, {})), allowed=permits)
    result = await schema.execute(text, context_value=context, root_value=root)
    errors = set()
    for error in result.errors or ():
        assert isinstance(error.original_error, MotcuaError), error
        errors.add((tuple(error.path or ()), error.original_error.code))
    return result.data, errors


@pytest.mark.timeout(120 * TIMES)
@pytest.mark.parametrize("portion", range(PORTIONS * TIMES))
async def test_what_is_refused_is_what_the_rules_refuse(portion: int) -> None:
    random = Random(f"policy {portion}")  # noqa: S311 - a draw that can be repeated
    outcomes: set[str] = set()
    for _ in range(SCHEMAS):
        model = drawn_model(random)
        schema = (known := made(model)).schema
        data = Data(model, known, random)
        registries = [drawn_registry(model, random, number) for number in range(2)]
        policies = [policy_of(schema, registry) for registry in registries]
        for _ in range(QUERIES):
            text = Writer(model, random).query()
            document = parse(text)
            for number in range(CALLERS):
                caller = Caller(registries[number % 2], random)
                permits = policies[number % 2].rights(caller.identity, caller.purpose, NOTHING)
                expected = Reader(model, document, caller).answer(data.root)
                schema.engine = "reference" if random.random() < 0.1 else "fast"
                assert await given(schema, text, data.root, permits) == expected, (portion, text)
                outcomes.add("whole" if not expected[1] else "nothing" if expected[0] is None else "part")

    assert outcomes == {"whole", "part", "nothing"}
