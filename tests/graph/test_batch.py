"""Batch functions: what is not asked for is never given, whatever a system sends (T-B4)."""

import random
from collections.abc import Mapping, Sequence

import pytest

from graph.errors import ContractBroken
from graph.loading.batch import Batch, batch_many, batch_one, counted, keyed
from graph.upstream.connection import Upstream
from graph.upstream.record import Record, wire
from tests.lines import REGISTER, line


class Row(Record):
    code: str = wire("MA")


def echo(rows: Sequence[Row]) -> Batch[str, Row]:
    @batch_one(REGISTER, max_keys=10)
    async def row_by_code(_upstream: Upstream, _codes: Sequence[str]) -> Mapping[str, Row]:
        return keyed(REGISTER, rows, lambda row: row.code)

    return row_by_code


NOWHERE = line(lambda _request: pytest.fail("no call was expected"))


async def test_a_key_without_a_record_is_left_out() -> None:
    assert await echo([Row(code="a")])(NOWHERE, ["a", "b"]) == {"a": Row(code="a")}


async def test_a_record_that_was_not_asked_for_spoils_the_whole_answer() -> None:
    with pytest.raises(ContractBroken, match="not asked for"):
        await echo([Row(code="a"), Row(code="z")])(NOWHERE, ["a", "b"])


async def test_two_records_for_one_key_break_the_contract() -> None:
    with pytest.raises(ContractBroken, match="two records"):
        await echo([Row(code="a"), Row(code="a")])(NOWHERE, ["a"])


async def test_no_shuffling_cutting_or_adding_ever_puts_a_record_under_another_key() -> None:
    draw = random.Random(20261123)  # noqa: S311
    everyone = [Row(code=f"{n:03}") for n in range(40)]
    for _ in range(2_000):
        asked = [row.code for row in draw.sample(everyone, 10)]
        sent = draw.choices(everyone, k=draw.randrange(12))
        try:
            answer = await echo(sent)(NOWHERE, asked)
        except ContractBroken:
            assert len({row.code for row in sent}) < len(sent) or not {row.code for row in sent} <= set(asked)
        else:
            assert answer == {row.code: row for row in sent}


def test_keys_are_split_into_as_few_calls_as_the_system_allows() -> None:
    assert [len(chunk) for chunk in echo([]).chunks([str(n) for n in range(25)])] == [10, 10, 5]


def test_a_batch_knows_its_key_and_its_record_from_its_annotations() -> None:
    @batch_many(REGISTER, max_keys=1)
    async def rows_by_owner(_upstream: Upstream, _owners: Sequence[str]) -> Mapping[str, tuple[Row, ...]]:
        return {}

    assert (rows_by_owner.key_type, rows_by_owner.record, rows_by_owner.many, rows_by_owner.name) == (str, Row, True, "rows_by_owner")
    assert rows_by_owner.absent() == ()


def test_a_batch_that_does_not_return_records_is_named_when_it_is_declared() -> None:
    with pytest.raises(TypeError, match="rows_by_owner"):

        @batch_many(REGISTER, max_keys=1)
        async def rows_by_owner(_upstream: Upstream, _owners: Sequence[str]) -> Mapping[str, Row]:
            return {}


def test_a_promised_number_of_rows_must_come() -> None:
    counted(REGISTER, 2, ["a", "b"])
    counted(REGISTER, None, ["a", "b"])
    with pytest.raises(ContractBroken, match="promised 3 rows and sent 2"):
        counted(REGISTER, 3, ["a", "b"])
