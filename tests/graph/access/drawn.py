"""Directives for a schema, drawn from a seed, as if its authors had thought of anything."""

from random import Random
from typing import Any

from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLSchema, get_named_type

from graph.access.directives import Cost, Directive, ListSize, Subject

WEIGHTS = ["0", "0.5", "2", "3.25", "10", "-1.5"]


class Drawn:
    """Directives on some types and fields, the same for one seed however often one looks."""

    def __init__(self, schema: GraphQLSchema, seed: int) -> None:
        self.schema = schema
        self.seed = seed

    def of_type(self, name: str) -> tuple[Directive, ...]:
        random = self._random(name)
        return (Cost(weight=random.choice(WEIGHTS)),) if random.random() < 0.3 else ()

    def of_field(self, coordinate: str) -> tuple[Directive, ...]:
        random = self._random(coordinate)
        weight: list[Directive] = [Cost(weight=random.choice(WEIGHTS))] if random.random() < 0.3 else []
        parent, _, name = coordinate.partition(".")
        kind = self.schema.type_map[parent]
        if name.startswith("__") or not isinstance(kind, GraphQLObjectType) or random.random() < 0.5:
            return tuple(weight)
        return (*weight, self._list_size(kind, name, random))

    def subject(self, type_name: str) -> Subject | None:
        return Subject(field="id") if self._random(f"subject {type_name}").random() < 0.4 else None

    def fee(self, coordinate: str) -> int:
        random = self._random(f"fee {coordinate}")
        return random.randint(1, 500) if random.random() < 0.4 else 0

    def _list_size(self, kind: GraphQLObjectType, name: str, random: Random) -> ListSize:
        field = kind.fields[name]
        sizing = [given for given, argument in field.args.items() if is_list(argument.type) or str(argument.type).startswith("Int")]
        below = get_named_type(field.type)
        lists = [other for other, its in below.fields.items() if is_list(its.type)] if isinstance(below, GraphQLObjectType) else []
        return ListSize(
            assumed_size=random.choice([None, 0, 3, 25]),
            slicing_arguments=sizing or None if random.random() < 0.8 else None,
            sized_fields=lists[:1] or None if random.random() < 0.3 else None,
            require_one_slicing_argument=False,
        )

    def _random(self, what: str) -> Random:
        return Random(f"{self.seed} {what}")  # noqa: S311 - a draw that can be repeated


def is_list(kind: Any) -> bool:
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)
