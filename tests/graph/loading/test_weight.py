"""Tests of the weight of entries: against the memory that a process really grows by, and by parts."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from graph.loading.batch import batch_many, batch_one
from graph.loading.weight import weigher
from graph.seam import Record, System, Upstream
from graph.upstream.record import Provenance
from resolvers.identifiers import PersonalId
from resolvers.population import CitizenRecord, citizen_by_id
from tests.graph.loading.filling import Book, Place, book_by_id, books_by_id
from tests.servers import PROJECT

SYSTEM = System("register", title="A register", owner="An agency", protocol="REST")
KEY = PersonalId("099000000001")


@pytest.mark.parametrize(
    ("policy", "megabytes", "largest", "many"),
    [
        ("s3fifo", 150, 300_000, "one"),
        ("lru", 150, 300_000, "one"),
        ("s3fifo", 40, 1_000, "one"),
        ("lfu", 40, 1_000, "one"),
        ("s3fifo", 40, 3_000, "many"),
    ],
)
def test_tc9_a_process_grows_by_what_its_cache_accounts_for(policy: str, megabytes: int, largest: int, many: str) -> None:
    command = [sys.executable, "-m", "tests.graph.loading.filling", policy, str(megabytes), str(largest), many]
    said = json.loads(subprocess.run(command, cwd=PROJECT, capture_output=True, check=True, timeout=60).stdout)

    assert said["evictions"] > said["entries"] / 5
    assert 0.99 * (megabytes << 20) < said["accounted"] <= megabytes << 20
    assert said["grown"] == pytest.approx(said["accounted"], rel=0.15)


def book(text: str = "", *, places: int = 0) -> Book:
    return Book(owner=KEY, name="A", text=text, pages=1, places=(Place(code="1", street="1"),) * places, partner=None)


def test_a_longer_text_weighs_more_by_what_its_letters_take() -> None:
    weigh = weigher(book_by_id)
    assert weigh(KEY, book("a" * 1_000)) - weigh(KEY, book("a" * 500)) == 500
    assert weigh(KEY, book("ă" * 500)) - weigh(KEY, book("ắ" * 1_000)) == -1_000


def test_what_stands_inside_a_record_is_weighed_with_it() -> None:
    weigh = weigher(book_by_id)
    bare, one, two = (weigh(KEY, book(places=places)) for places in range(3))
    assert 150 < one - bare == two - one < 250


def test_a_list_of_records_weighs_as_much_as_they_do() -> None:
    weigh, weigh_one = weigher(books_by_id), weigher(book_by_id)
    own = weigh_one(KEY, book()) - weigh_one(KEY, None)
    assert weigh(KEY, (book(),) * 5) - weigh(KEY, (book(),) * 4) == pytest.approx(own, abs=100)


def test_nothing_weighs_less_than_a_record_and_still_something() -> None:
    assert 500 < weigher(books_by_id)(KEY, ()) == weigher(book_by_id)(KEY, None) < weigher(book_by_id)(KEY, book())


def test_where_a_record_comes_from_is_weighed_once_for_all_under_a_key() -> None:
    weigh = weigher(books_by_id)
    before = weigh(KEY, (book(), book()))
    here = Provenance("register", 0.0, None, "m" * 100)  # type: ignore[arg-type]  # nobody asks for its age
    stamped = Book(owner=KEY, name="A", text="", pages=1, places=(), partner=None, provenance=here)
    assert 180 < weigh(KEY, (stamped, stamped)) - before < 260


class Pair(NamedTuple):
    """A compound key."""

    first: str
    second: str | None


class Sum(Record):
    """A record of kinds that are weighed as the objects that they are."""

    amount: Decimal | None
    numbers: tuple[int, ...]
    open: bool
    share: float


@batch_one(SYSTEM, max_keys=1)
async def sum_by_pair(_upstream: Upstream, _pairs: Sequence[Pair]) -> Mapping[Pair, Sum]:
    """Nobody calls it."""
    return {}


@batch_many(SYSTEM, max_keys=1, personal=False)
async def sums_by_number(_upstream: Upstream, _numbers: Sequence[int]) -> Mapping[int, tuple[Sum, ...]]:
    """Nobody calls it."""
    return {}


def test_compound_keys_and_other_kinds_of_values_are_weighed() -> None:
    weigh = weigher(sum_by_pair)
    small = weigh(Pair("a", None), Sum(amount=None, numbers=(), open=True, share=0.5))
    assert weigh(Pair("a", "b"), Sum(amount=None, numbers=(), open=True, share=0.5)) - small == pytest.approx(58, abs=8)
    assert weigh(Pair("a", None), Sum(amount=Decimal(1), numbers=(1, 2), open=True, share=0.5)) - small > 100
    assert weigher(sums_by_number)(1, ()) > 500


def test_a_citizen_weighs_between_one_and_four_thousand_bytes() -> None:
    said: dict[str, Any] = {**dict.fromkeys(CitizenRecord.__struct_fields__), "personal_id": KEY, "full_name": "Nguyễn Thị A"}
    assert 1_000 < weigher(citizen_by_id)(KEY, CitizenRecord(**said)) < 4_000
