"""Keys that no query before has asked for, so that nothing about them can be cached.

Each source has families of its own: a citizen, their parents, and the representatives of a business are never those of another source.
"""

from collections.abc import Iterator
from itertools import islice

from sandbox.families import BLOCKS, FATHER, SEATS
from sandbox.world import World

SEED = 2026
HOUSEHOLDERS = range(20_000)
MEMBERS = range(20_000, 40_000)
REPRESENTATIVES = range(40_000, BLOCKS)


def citizens_with_parents(world: World) -> Iterator[str]:
    """Give the father of each family, whose own parents the population system knows."""
    for family in HOUSEHOLDERS:
        yield world.people.personal_id(family * SEATS + FATHER)


def insured_citizens(world: World) -> Iterator[str]:
    """Give everybody who has an insurance book: that somebody has none is kept only for seconds, too short to be asked again."""
    return (world.people.personal_id(index) for index in _insured(world))


def insurance_numbers(world: World) -> Iterator[str]:
    """Give the numbers of the same people's books."""
    return (world.books.number(index) for index in _insured(world))


def _insured(world: World) -> Iterator[int]:
    people = range(MEMBERS.start * SEATS, MEMBERS.stop * SEATS)
    return (index for index in people if world.people.families.exists(index) and world.books.status(index))


def businesses(world: World) -> Iterator[str]:
    """Give businesses of which no two have a representative in common."""
    for company in range(BLOCKS):
        code = world.companies.code(company)
        if code and world.companies.signers(company).people[0] // SEATS in REPRESENTATIVES:
            yield code


def living_communes(world: World) -> Iterator[str]:
    """Give the communes of today."""
    return iter(world.places.living)


def groups(keys: Iterator[str], size: int) -> Iterator[list[str]]:
    """Give the keys by so many at a time, leaving out an incomplete rest."""
    while len(group := list(islice(keys, size))) == size:
        yield group
