"""Varies a document that somebody else wrote: aliases, merged fields, inline fragments, `@skip` and `@include` with variables."""

from random import Random

from graphql import FieldNode, InlineFragmentNode, OperationDefinitionNode, SelectionSetNode, parse, print_ast


class Variation:
    """One variation; `variables` are what the new variables stand for."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.variables: dict[str, bool] = {}
        self.names = 0

    def of(self, text: str) -> str:
        """Vary a document of one operation without fragments and variables."""
        [operation] = parse(text, no_location=True).definitions
        assert isinstance(operation, OperationDefinitionNode)
        body = self._set(operation.selection_set)
        declared = ", ".join(f"${name}: Boolean!" for name in self.variables)
        return f"{operation.operation.value} Varied{f'({declared})' if declared else ''} {body}"

    def _set(self, selected: SelectionSetNode) -> str:
        parts = [text for node in selected.selections for text in self._selection(node)]
        if self._chance(5):
            parts.insert(self.random.randrange(len(parts) + 1), "__typename")
        return "{ " + " ".join(parts) + " }"

    def _selection(self, node: object) -> list[str]:
        if isinstance(node, InlineFragmentNode):
            on = f" on {node.type_condition.name.value}" if node.type_condition else ""
            return [f"...{on}{self._steering()} {self._set(node.selection_set)}"]
        assert isinstance(node, FieldNode)
        made = [self._field(node)]
        if self._chance(4):  # the same field again, merged with the first
            made.append(self._field(node, "again: " if self._chance(2) and not self.names else ""))
        if self._chance(5):
            made = [f"...{self._steering()} {{ {' '.join(made)} }}"]
        return made

    def _field(self, node: FieldNode, alias: str = "") -> str:
        head = f"{node.alias.value}: " if node.alias else alias
        if not head and self._chance(5):
            self.names += 1
            head = f"other{self.names}: "
        arguments = f"({', '.join(map(print_ast, node.arguments))})" if node.arguments else ""
        body = f" {self._set(node.selection_set)}" if node.selection_set else ""
        return f"{head}{node.name.value}{arguments}{self._steering()}{body}"

    def _chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def _steering(self) -> str:
        if not self._chance(8):
            return ""
        name = f"steer{len(self.variables)}"
        self.variables[name] = self._chance(2)
        return f" @{self.random.choice(['skip', 'include'])}(if: ${name})"
