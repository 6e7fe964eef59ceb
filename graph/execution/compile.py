"""Compile: a selection of attributes becomes one generated function from a column of records to a column of answers.

A loop over fields costs about a microsecond for each field of each object, generated code a tenth of that. The code does only what is
usual: a value of the expected class is taken as it is. Whatever is not usual (another class, a missing attribute, null where none may be)
raises Unusual, and that column is completed value by value instead, as the specification says.
"""

from collections.abc import Callable, Iterable
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLString,
)
from graphql.execution.executor import Executor

from graph.execution.columns import is_special
from graph.execution.plan import Composite, FieldPlan, Leaf, Selection, Sequence, Shape, is_inline

Completed = Callable[[Iterable[Any]], list[dict[str, Any]]]
INT_MIN, INT_MAX = -(2**31), 2**31 - 1


class Unusual(Exception):
    """Something that the generated code leaves to the general way."""


def unusual(*_values: Any) -> Any:
    """Leave the generated code."""
    raise Unusual


def usual(kind: type) -> type:
    """Return a class whose values are plain, and leave the generated code for any other."""
    if is_special(kind):
        raise Unusual
    return kind


def compiled(selection: Selection) -> Completed:
    """Return the function of a selection; fields that are filled later get their place in the order of the query."""
    if selection.complete is None:
        selection.complete = _Writer().function(selection)
    return selection.complete


class _Writer:
    """Writes the source of one function, line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.seen: list[str] = []
        self.names: dict[str, Any] = {"unusual": unusual, "usual": usual}
        self.count = 0

    def function(self, selection: Selection) -> Completed:
        answer = self._object(selection, "s", 2)
        begin = ["def complete(sources):", "    answers = []", "    append = answers.append", *(f"    {name} = None" for name in self.seen)]
        source = "\n".join([*begin, "    for s in sources:", *self.lines, f"        append({answer})", "    return answers"])
        try:
            exec(source, self.names)  # noqa: S102 - written here, from names that GraphQL and Python allow
        except (SyntaxError, RecursionError, MemoryError):  # Python allows twenty loops in one another, GraphQL any number of lists
            return unusual
        made: Completed = self.names["complete"]
        return made

    def _line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def _name(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def _constant(self, value: Any) -> str:
        name = self._name("k")
        self.names[name] = value
        return name

    def _object(self, selection: Selection, source: str, depth: int) -> str:
        """Write what computes the fields of one object, and return the dict display that joins them."""
        parts = [f"{found.response_name!r}: {self._field(found, source, depth)}" for found in selection.fields]
        return "{" + ", ".join(parts) + "}"

    def _field(self, found: FieldPlan, source: str, depth: int) -> str:
        if found.kind == "typename":
            return repr(found.parent.name)
        if not is_inline(found):
            return "None"
        value = self._name("v")
        self._line(depth, f"{value} = {source}.{found.attribute}")
        return self._value(found.shape, value, depth)

    def _value(self, shape: Shape, value: str, depth: int) -> str:
        """Write what turns a variable into its answer, and return the expression for it."""
        if isinstance(shape, Leaf):
            self._leaf(shape, value, depth)
            return value
        answer = self._name("a")
        if shape.nonnull:
            self._line(depth, f"if {value} is None: unusual()")
        else:
            self._line(depth, f"if {value} is None: {answer} = None")
            self._line(depth, "else:")
            depth += 1
        if isinstance(shape, Sequence):
            self._list(shape, value, answer, depth)
        else:
            self._composite(shape, value, answer, depth)
        return answer

    def _list(self, shape: Sequence, value: str, answer: str, depth: int) -> None:
        item = self._name("i")
        self._line(depth, f"if {value}.__class__ is not tuple and {value}.__class__ is not list: unusual()")
        self._line(depth, f"{answer} = []")
        self._line(depth, f"for {item} in {value}:")
        self._line(depth + 1, f"{answer}.append({self._value(shape.item, item, depth + 1)})")

    def _composite(self, shape: Composite, value: str, answer: str, depth: int) -> None:
        selection = shape.only
        if selection is None:
            raise TypeError(str(shape.type))
        seen = self._name("c")  # a column of objects is mostly of one class, which is looked at once
        self.seen.append(seen)
        self._line(depth, f"if {value}.__class__ is not {seen}: {seen} = usual({value}.__class__)")
        self._line(depth, f"{answer} = {self._object(selection, value, depth)}")

    def _leaf(self, shape: Leaf, value: str, depth: int) -> None:
        """Write the check of one value; what passes it is the answer as it stands."""
        empty = "" if shape.nonnull else f"{value} is not None and "
        expected, condition = _expectation(shape)
        if expected is not None:
            name = self._constant(expected)
            self._line(depth, f"if {empty}{value}.__class__ is not {name}: {value} = {self._constant(_converter(shape))}({value})")
            if condition:
                self._line(depth, f"elif {empty}not ({condition.format(value)}): unusual()")
        elif isinstance(shape.type, GraphQLEnumType) and (members := _members(shape.type)):
            self._line(depth, f"if {empty or ''}{value}.__class__ is not {self._constant(type(next(iter(members))))}: unusual()")
            guard = "" if shape.nonnull else f"if {value} is not None: "
            self._line(depth, f"{guard}{value} = {self._constant(members)}[{value}]")
        else:
            guard = "" if shape.nonnull else f"if {value} is not None: "
            self._line(depth, f"{guard}{value} = {self._constant(_converter(shape))}({value})")


def _expectation(shape: Leaf) -> tuple[type | None, str]:
    """Name the class whose values need no conversion, and a further condition on them."""
    known = {
        id(GraphQLString): (str, ""),
        id(GraphQLID): (str, ""),
        id(GraphQLBoolean): (bool, ""),
        id(GraphQLInt): (int, f"{INT_MIN} <= {{0}} <= {INT_MAX}"),
        id(GraphQLFloat): (float, "{0} - {0} == 0.0"),
    }
    if (found := known.get(id(shape.type))) is not None:
        return found
    return shape.native, ""


def _members(kind: GraphQLEnumType) -> dict[Any, str] | None:
    """Map the members of a Python enum to the names that the schema gives them; None where that cannot be known beforehand."""
    wrapped = getattr(kind, "wrapped_cls", None)
    try:
        return {member: kind.coerce_output_value(member) for member in wrapped} if wrapped is not None else None
    except Exception:  # noqa: BLE001 - then each value is converted on its own
        return None


def _converter(shape: Leaf) -> Callable[[Any], Any]:
    """Make the function for a value of another class: graphql-core's own conversion, or Unusual where that fails."""
    kind, complete = shape.type, Executor.complete_leaf_value

    def convert(value: Any) -> Any:
        if is_special(value.__class__):
            raise Unusual
        try:
            return complete(kind, value)
        except Exception:  # noqa: BLE001 - a scalar's own serialisation may raise anything
            raise Unusual from None

    return convert
