"""Writes random documents for a schema: aliases, fragments, merged fields, `@skip` and `@include`, arguments, variables."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    get_named_type,
    is_composite_type,
)

SCALARS: dict[str, list[Any]] = {
    "Int": [0, 1, 2, 3, -1, 7, 2**31],
    "Float": [0.5, 2, -1.25],
    "String": ["a", "", 'é " \\'],
    "Boolean": [True, False],
    "ID": ["id1", 4],
    "Picky": ["fine", "bad"],
    "Code": ["c1"],
}


@dataclass
class Author:
    """Writes one operation; `depth` bounds how deep, `scalars` says what stands for a scalar."""

    schema: GraphQLSchema
    random: Random
    depth: int = 5
    width: int = 6
    scalars: dict[str, list[Any]] = field(default_factory=lambda: SCALARS)
    variables: dict[str, Any] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)
    fragments: dict[str, tuple[str, str]] = field(default_factory=dict)
    budget: int = 60
    names: int = 0

    def document(self, operation: str = "query") -> str:
        """Write the operation and its fragments."""
        kind = self.schema.query_type if operation == "query" else self.schema.mutation_type
        assert kind is not None
        body = self._selection(kind, self.depth)
        head = f"({', '.join(self.declared)})" if self.declared else ""
        written = [f"{operation} Written{head} {body}", *(f"fragment {name} on {on} {text}" for name, (on, text) in self.fragments.items())]
        self.random.shuffle(written)
        return "\n".join(written)

    def _name(self, letter: str) -> str:
        self.names += 1
        return f"{letter}{self.names}"

    def _chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def _selection(self, kind: Any, depth: int) -> str:
        parts = [self._part(kind, depth) for _ in range(self.random.randint(1, self.width))]
        if self._chance(4):
            parts.append(self.random.choice(parts))
        return "{ " + " ".join(parts) + " }"

    def _part(self, kind: Any, depth: int) -> str:
        self.budget -= 1
        choice = self.random.randrange(12)
        if choice == 0 or (isinstance(kind, GraphQLUnionType) and choice < 3):
            return f"{self._alias() if self._chance(3) else ''}__typename{self._steering()}"
        if choice == 1 or not self._fields(kind, depth):
            on = self.random.choice(self._narrower(kind))
            return f"... on {on.name}{self._steering()} {self._selection(on, depth - 1)}" if depth > 0 else "__typename"
        if choice == 2 and depth > 0:
            return f"...{self._steering()} {self._selection(kind, depth - 1)}"
        if choice == 3 and depth > 0:
            return f"...{self._fragment(kind, depth)}{self._steering()}"
        return self._field(kind, depth)

    def _narrower(self, kind: Any) -> list[Any]:
        if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
            return [*self.schema.get_possible_types(kind), *([kind] if isinstance(kind, GraphQLInterfaceType) else [])]
        return [kind, *kind.interfaces]

    def _fragment(self, kind: Any, depth: int) -> str:
        on = self.random.choice(self._narrower(kind))
        known = [name for name, (its, _) in self.fragments.items() if its == on.name]
        if known and self._chance(2):
            return self.random.choice(known)
        name = self._name("F")
        text = self._selection(on, depth - 1)
        self.fragments[name] = (on.name, text)
        return name

    def _fields(self, kind: Any, depth: int) -> list[tuple[str, Any]]:
        if isinstance(kind, GraphQLUnionType):
            return []
        deeper = depth > 0 and self.budget > 0
        return [(name, found) for name, found in kind.fields.items() if deeper or not is_composite_type(get_named_type(found.type))]

    def _field(self, kind: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
        fields = self._fields(kind, depth)
        composite = [pair for pair in fields if is_composite_type(get_named_type(pair[1].type))]
        name, found = self.random.choice(composite if composite and self._chance(2) else fields)
        arguments = [
            f"{given}: {self._value(argument.type, 2, has_default=argument.default_value is not Undefined)}"
            for given, argument in found.args.items()
            if (isinstance(argument.type, GraphQLNonNull) and argument.default_value is Undefined) or self._chance(3)
        ]
        alias = self._alias() if arguments or self._chance(4) else ""
        text = f"{alias}{name}{'(' + ', '.join(arguments) + ')' if arguments else ''}{self._steering()}"
        named = get_named_type(found.type)
        return f"{text} {self._selection(named, depth - 1)}" if is_composite_type(named) else text

    def _alias(self) -> str:
        return f"{self._name('a')}: "

    def _steering(self) -> str:
        text = ""
        for directive in ("skip", "include"):
            if self._chance(9):
                text += f" @{directive}(if: {self._boolean()})"
        return text

    def _boolean(self) -> str:
        if self._chance(3):
            return self.random.choice(["true", "false"])
        known = [name for name in self.variables if name.startswith("b")]
        if known and self._chance(2):
            return f"${self.random.choice(known)}"
        name = self._name("b")
        value = self.random.choice([True, False])
        form = self.random.randrange(4)
        self.declared.append(f"${name}: Boolean{'! = true' if form == 1 else ' = false' if form == 2 else '!'}")
        self.variables[name] = value
        if form in {1, 2} and self._chance(2):
            self.variables.pop(name)
        elif form == 2 and self._chance(6):
            self.variables[name] = None
        return f"${name}"

    def _value(self, kind: Any, depth: int, *, has_default: bool) -> str:
        """Write a literal, or declare a variable of the type."""
        if self._chance(3):
            name = self._name("v")
            required = isinstance(kind, GraphQLNonNull) and not has_default
            written = kind if required or not isinstance(kind, GraphQLNonNull) else kind.of_type
            self.declared.append(f"${name}: {written}{'' if required or self._chance(2) else self._default(kind)}")
            if required or not self._chance(4):
                self.variables[name] = self._plain(kind, depth)
            return f"${name}"
        return literal(self._plain(kind, depth))

    def _default(self, kind: Any) -> str:
        return f" = {literal(self._plain(kind, 1))}"

    def _plain(self, kind: Any, depth: int) -> Any:
        """Draw an input value, as a variable would give it; an enum's name is a Name."""
        if isinstance(kind, GraphQLNonNull):
            return self._plain(kind.of_type, depth)
        if self._chance(8) and not isinstance(kind, GraphQLNonNull):
            return None if self._chance(2) else self._some(kind, depth)
        return self._some(kind, depth)

    def _some(self, kind: Any, depth: int) -> Any:
        if isinstance(kind, GraphQLList):
            return [self._some(get_named_type(kind), depth - 1) for _ in range(self.random.randrange(4))]
        if isinstance(kind, GraphQLNonNull):
            return self._some(kind.of_type, depth)
        if isinstance(kind, GraphQLEnumType):
            return Name(self.random.choice(list(kind.values)))
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(kind, depth)
        return self.random.choice(self.scalars[kind.name])

    def _object(self, kind: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        fields = list(kind.fields.items())
        if kind.is_one_of:
            name, found = self.random.choice(fields)
            return {name: self._some(found.type, depth - 1)}
        return {name: self._some(found.type, depth - 1) for name, found in fields if depth > 0 and self._chance(2)}


class Name(str):
    """The name of an enum's value."""

    __slots__ = ()


def literal(value: Any) -> str:
    """Write a value as GraphQL does."""
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {literal(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else repr(value)
