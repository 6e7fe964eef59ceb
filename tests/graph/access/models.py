"""Models: small schemas with directives anywhere, drawn from a seed, with data for them and queries over them."""

import enum
import functools
import operator
import types
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, NamedTuple, NewType

import strawberry
from strawberry.schema.config import StrawberryConfig

from graph.access.directives import Authenticated, Mask, Personal, Policy, PurposeIn, RequiresScopes
from graph.execution.schema import FastSchema

WORDS: Final = ("a", "b", "c")
PURPOSES: Final = ("p0", "p1")
OBJECTS: Final = ("T0", "T1", "T2", "T3")
MEMBERS: Final = {"I0": ("T0", "T1"), "U0": ("T1", "T2", "T3")}
LEAVES: Final = ("String", "Int", "S0", "E0")
ROOT: Final = "Query"

Guard = tuple[str, Any]


@dataclass
class Field:
    """A field: how its type is wrapped ("!" and "[" from the outside in), the name of that type, and its directives."""

    wraps: str
    named: str
    guards: list[Guard] = field(default_factory=list)
    resolved: bool = False


@dataclass
class Model:
    """A schema as plain values: the fields of each type, and the directives on types."""

    fields: dict[str, dict[str, Field]] = field(default_factory=dict)
    guards: dict[str, list[Guard]] = field(default_factory=dict)

    def possible(self, name: str) -> tuple[str, ...]:
        """Return the object types that a type can be."""
        return MEMBERS.get(name, (name,))

    @property
    def coordinates(self) -> list[str]:
        """All fields of object types."""
        return [f"{parent}.{name}" for parent in (*OBJECTS, ROOT) for name in self.fields[parent]]


def words(random: Random) -> list[list[str]]:
    """Draw an outer list of inner lists, either of which may be empty."""
    return [random.sample(WORDS, random.choice([0, 1, 1, 2])) for _ in range(random.choice([0, 1, 1, 2]))]


def guards(random: Random, *kinds: str) -> list[Guard]:
    """Draw directives; most places have none."""
    drawn = [kind for kind in kinds if random.random() < 0.1]
    return [
        (
            kind,
            words(random)
            if kind in {"scopes", "policies"}
            else random.sample(PURPOSES, random.randrange(3))
            if kind == "purpose"
            else None,
        )
        for kind in drawn
    ]


def drawn_model(random: Random) -> Model:
    """Draw a model: four objects, an interface over two of them and a union over three."""
    model = Model()
    every = ("authenticated", "scopes", "policies", "purpose", "personal")
    shared = {f"s{number}": _field(random) for number in range(2)}
    for name in OBJECTS:
        own = {f"f{number}": _field(random) for number in range(random.randint(1, 4))}
        inherited = {each: Field(its.wraps, its.named, []) for each, its in shared.items()} if name in MEMBERS["I0"] else {}
        model.fields[name] = {**inherited, **own}
        model.guards[name] = guards(random, *every)
    model.fields["I0"] = shared
    model.fields[ROOT] = {f"f{number}": _field(random, ("T0", "T1", "I0", "U0", "T3", "String")) for number in range(4)}
    for parent in (*OBJECTS, ROOT):
        for found in model.fields[parent].values():
            maskable = found.named in LEAVES and not found.wraps.startswith("!")
            found.guards = guards(random, *every, *(["mask"] * maskable))
            found.resolved = random.random() < 0.2
    for name in ("S0", "E0"):
        model.guards[name] = guards(random, "authenticated", "scopes", "policies")
    return model


def _field(random: Random, kinds: tuple[str, ...] = (*LEAVES, *OBJECTS, "I0", "U0")) -> Field:
    return Field(random.choice(["", "", "!", "[", "[!", "![", "![!", "[["]), random.choice(kinds))


# ── as Strawberry has it ─────────────────────────────────────────────────────────────────────────────────────────────────


class Made(NamedTuple):
    """The schema of a model, the classes of its objects, and its enum."""

    schema: FastSchema
    classes: dict[str, type]
    shade: type[enum.Enum]


def made(model: Model) -> Made:
    """Make the schema of a model."""
    scalar, shade = NewType("scalar", str), _enum(model)
    kinds: dict[str, Any] = {"String": str, "Int": int, "S0": scalar, "E0": shade}
    classes: dict[str, type] = {name: types.new_class(name) for name in OBJECTS}
    interface = types.new_class("I0")
    for name in MEMBERS["I0"]:
        classes[name] = types.new_class(name, (interface,))
    kinds |= {**classes, "I0": interface}
    kinds["U0"] = functools.reduce(operator.or_, [classes[name] for name in MEMBERS["U0"]])
    for name, kind in {"I0": interface, **classes}.items():
        _declare(kind, model.fields[name], kinds)
    strawberry.interface(interface, name="I0")
    for name, kind in classes.items():
        strawberry.type(kind, name=name, directives=_directives(model.guards[name]))
    root = types.new_class(ROOT)
    _declare(root, model.fields[ROOT], kinds)
    strawberry.type(root, name=ROOT)
    scalars: dict[object, Any] = {scalar: strawberry.scalar(name="S0", serialize=str, directives=_directives(model.guards["S0"]))}
    schema = FastSchema(root, types=list(classes.values()), config=StrawberryConfig(scalar_map=scalars))
    return Made(schema, {**classes, ROOT: root}, shade)


def _enum(model: Model) -> type[enum.Enum]:
    class Shade(enum.Enum):  # a class of its own for each model, as its directives are
        DARK = "d"
        PALE = "p"

    return strawberry.enum(Shade, name="E0", directives=_directives(model.guards["E0"]))


def _declare(kind: type, fields: dict[str, Field], kinds: dict[str, Any]) -> None:
    kind.__annotations__ = {name: _annotation(found.wraps, kinds[found.named]) for name, found in fields.items()}
    kind.__module__ = __name__
    for name, found in fields.items():
        setattr(kind, name, _strawberry_field(name, found, kind.__annotations__[name]))


def _strawberry_field(name: str, found: Field, annotation: Any) -> Any:
    if not found.resolved:
        return strawberry.field(directives=_directives(found.guards))

    def resolve(root: Any) -> Any:
        return root.held[name]

    resolve.__annotations__ = {"root": Any, "return": annotation}
    return strawberry.field(resolver=resolve, directives=_directives(found.guards))


def _annotation(wraps: str, kind: Any) -> Any:
    if wraps.startswith("!"):
        return _bare(wraps[1:], kind)
    return _bare(wraps, kind) | None


def _bare(wraps: str, kind: Any) -> Any:
    return list[_annotation(wraps[1:], kind)] if wraps.startswith("[") else kind  # type: ignore[misc]  # made at run time


def _directives(drawn: list[Guard]) -> list[Any]:
    makers: dict[str, Any] = {
        "authenticated": lambda _: Authenticated(),
        "scopes": lambda value: RequiresScopes(scopes=value),
        "policies": lambda value: Policy(policies=value),
        "purpose": lambda value: PurposeIn(purposes=value),
        "personal": lambda _: Personal(),
        "mask": lambda _: Mask(),
    }
    return [makers[kind](value) for kind, value in drawn]


# ── data and queries ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Data:
    """Two objects of each type that hold one another, and the root."""

    def __init__(self, model: Model, made: Made, random: Random) -> None:
        self.model = model
        self.random = random
        self.leaves = {"String": "text", "Int": 7, "S0": "code", "E0": next(iter(made.shade))}
        self.pool: dict[str, list[Any]] = {name: [object.__new__(kind) for _ in range(2)] for name, kind in made.classes.items()}
        for name, objects in self.pool.items():
            for each in objects:
                each.held = {}
                for wanted, found in model.fields[name].items():
                    value = self._value(found.wraps, found.named)
                    each.held[wanted] = value
                    if not found.resolved:
                        setattr(each, wanted, value)

    @property
    def root(self) -> Any:
        """The root object."""
        return self.pool[ROOT][0]

    def _value(self, wraps: str, named: str) -> Any:
        if not wraps.startswith("!") and self.random.random() < 0.1:
            return None
        wraps = wraps.removeprefix("!")
        if wraps.startswith("["):
            return [self._value(wraps[1:], named) for _ in range(self.random.randrange(3))]
        return self.leaves[named] if named in self.leaves else self.random.choice(self.pool[self.random.choice(self.model.possible(named))])


class Writer:
    """Writes a query over a model: aliases, merged fields, fragments with names and without, interfaces and unions."""

    def __init__(self, model: Model, random: Random) -> None:
        self.model = model
        self.random = random
        self.fragments: list[str] = []
        self.count = 0

    def query(self) -> str:
        """Write it."""
        body = self._selection(ROOT, 3)
        if self.random.random() < 0.03:
            body = body[:-1] + "__schema { queryType { name } } }"
        return "\n".join([f"query {body}", *self.fragments])

    def _selection(self, name: str, depth: int) -> str:
        parts = [self._part(name, name, depth) for _ in range(self.random.randint(1, 3))]
        return "{ " + " ".join(parts) + " }"

    def _part(self, kind: str, around: str, depth: int) -> str:
        """Write a field of `kind`, or a fragment, where objects of `around` are expected."""
        choice = self.random.random()
        if choice < 0.1 or (kind == "U0" and choice < 0.3):
            return "__typename"
        if kind == "U0" or choice < 0.3:
            return self._fragment(kind, around, depth)
        fields = [(name, found) for name, found in self.model.fields[kind].items() if depth > 0 or found.named in LEAVES]
        return self._field(kind, around, *self.random.choice(fields), depth) if fields else "__typename"

    def _fragment(self, kind: str, around: str, depth: int) -> str:
        on = self.random.choice([*self.model.possible(kind), *(["I0"] if kind == "I0" or kind in MEMBERS["I0"] else [])])
        body = "{ " + " ".join(self._part(on, around, depth) for _ in range(self.random.randint(1, 2))) + " }"
        if self.random.random() < 0.6:
            return f"... on {on} {body}"
        self.count += 1
        self.fragments.append(f"fragment F{self.count} on {on} {body}")
        return f"...F{self.count}"

    def _field(self, kind: str, around: str, name: str, found: Field, depth: int) -> str:
        # Fields of one name may give different types on the types that an interface or union can be, and then cannot be merged.
        alias = "" if kind == around or name.startswith("s") else f"{kind.lower()}_{name}: "
        if self.random.random() < 0.2:
            self.count += 1
            alias = f"x{self.count}: "
        body = "" if found.named in LEAVES else f" {self._selection(found.named, depth - 1)}"
        return f"{alias}{name}{body}"
