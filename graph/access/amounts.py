"""Amounts that depend on how long some lists are: short sums of products, written down once and worked out for each request."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from graphql.execution.values import VariableValues

# No list is counted as longer, and no amount as larger: then it is refused anyway.
LONGEST: Final = 1_000_000
MOST: Final = 10**12

Term = tuple[int, ...]
Length = Callable[[VariableValues], int]


class Amount:
    """A sum of products: under each term, the numbers of the lists whose lengths are multiplied, stands how often it counts."""

    __slots__ = ("terms",)

    def __init__(self, terms: Mapping[Term, int]) -> None:
        self.terms = {term: count for term, count in terms.items() if count}

    @property
    def constant(self) -> int | None:
        """The amount where it depends on nothing; None where it does."""
        return None if any(self.terms) else self.terms.get((), 0)

    def __add__(self, other: "Amount") -> "Amount":
        terms = dict(self.terms)
        for term, count in other.terms.items():
            terms[term] = terms.get(term, 0) + count
        return Amount(terms)

    def __mul__(self, other: "Amount") -> "Amount":
        terms: dict[Term, int] = {}
        for mine, count in self.terms.items():
            for its, factor in other.terms.items():
                term = tuple(sorted(mine + its))
                terms[term] = terms.get(term, 0) + count * factor
        return Amount(terms)

    def under(self, lengths: Sequence[int]) -> int:
        """Work it out for the lengths of a request; at most MOST."""
        total = 0
        for term, count in self.terms.items():
            for number in term:
                count *= lengths[number]  # noqa: PLW2901 - the product so far
            total += count
        return min(total, MOST)


def known(count: int) -> Amount:
    """Make an amount that depends on nothing."""
    return Amount({(): count})


NOTHING: Final = known(0)


def added(amounts: Iterable[Amount]) -> Amount:
    """Add amounts up."""
    terms: dict[Term, int] = {}
    for amount in amounts:
        for term, count in amount.terms.items():
            terms[term] = terms.get(term, 0) + count
    return Amount(terms)


class Lengths:
    """The lengths on which the amounts of one plan depend, numbered in the order in which they are found out."""

    def __init__(self) -> None:
        self._found: list[Callable[[VariableValues, Sequence[int]], int]] = []
        self._named: dict[Hashable, Amount] = {}

    def new(self, length: Length, name: Hashable) -> Amount:
        """Take in a length that the variables of a request tell; one of the same name is the same."""
        found = self._named.get(name)
        if found is None:
            found = self._named[name] = self._numbered(lambda variables, _so_far: min(length(variables), LONGEST))
        return found

    def largest(self, amounts: Sequence[Amount]) -> Amount:
        """Make the larger of several amounts, whichever that will be."""
        differing = list({tuple(sorted(amount.terms.items())): amount for amount in amounts}.values())
        if len(differing) < 2:  # noqa: PLR2004 - one alone is the largest
            return differing[0] if differing else NOTHING
        constants = [amount.constant for amount in differing]
        if None not in constants:
            return known(max(constant for constant in constants if constant is not None))
        return self._numbered(lambda _variables, so_far: max(amount.under(so_far) for amount in differing))

    def __len__(self) -> int:
        return len(self._found)

    def of(self, variables: VariableValues) -> list[int]:
        """Find them out for a request."""
        so_far: list[int] = []
        for length in self._found:
            so_far.append(length(variables, so_far))
        return so_far

    def _numbered(self, length: Callable[[VariableValues, Sequence[int]], int]) -> Amount:
        self._found.append(length)
        return Amount({(len(self._found) - 1,): 1})


def merged(several: Iterable[Mapping[str, Amount]]) -> Iterator[tuple[str, list[Amount]]]:
    """Gather the amounts of several tables under their names."""
    gathered: dict[str, list[Amount]] = {}
    for table in several:
        for name, amount in table.items():
            gathered.setdefault(name, []).append(amount)
    yield from gathered.items()
