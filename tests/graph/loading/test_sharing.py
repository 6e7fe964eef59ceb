"""T-C2: what a caller is told never depends on who asked before, and nobody shares with whom they may not."""

import asyncio
import os
import random
from collections import Counter
from typing import Any, get_args

import pytest

from graph.loading.batch import Batch, Sharing
from graph.loading.sharing import Caller, Share, narrowed, share_of
from graph.upstream.errand import NOBODYS, Errand
from graph.upstream.system import System
from tests import virtual
from tests.graph.loading.register import Door, Person, Register, Row, said

CASES = 10_000 * int(os.environ.get("MOTCUA_EXAMPLES", "1"))
SHARINGS: tuple[Sharing, ...] = get_args(Sharing)
CALLERS = [
    Caller(consumer, purpose, official)
    for consumer in ("ministry", "province")
    for purpose in ("tax", "pension", "ministry")
    for official in (None, "o1", "o2", "tax")
]


class PerOfficial(Register):
    """A register that answers each official in their own way."""

    def __init__(self, *, per_official: bool, **declared: Any) -> None:
        super().__init__(**declared)
        system = System("register", title="A register", owner="An agency", protocol="REST", per_official=per_official)

        async def row_by_code(upstream: Any, codes: Any) -> Any:
            await self.arrive(codes, upstream.official)
            return {code: told(code, upstream.official) for code in codes if code not in self.absent}

        self.batch = Batch(system, "row_by_code", row_by_code, 10, many=False, key_type=Person, record=Row, sharing=declared["sharing"])

    def call(self, errand: Errand = NOBODYS, *, revalidates: bool = False) -> "PerOfficial":
        """Make a view of one call, as a real line does: several are under way at once."""
        view = super().call(errand, revalidates=revalidates)
        made = object.__new__(type(view))
        made.__dict__.update(view.__dict__)
        return made


def told(code: str, official: str | None) -> Row:
    """Say what such a register tells an official; whom it has nothing to tell apart, it tells the same."""
    return Row(code=Person(code), name=f"{code} for {official}", partner=None)


@pytest.mark.parametrize("per_official", [False, True])
@pytest.mark.parametrize("sharing", SHARINGS)
def test_tc2_with_warm_caches_everybody_is_told_what_they_would_be_told_with_none(sharing: Sharing, *, per_official: bool) -> None:
    async def story() -> None:
        drawn = random.Random(f"{sharing}{per_official}")  # noqa: S311 - a repeatable test
        register = PerOfficial(sharing=sharing, per_official=per_official)
        register.seconds = 0.01
        register.absent = {"7", "8"}
        door = Door(register, ttl_seconds=1e6, negative_ttl_seconds=86_400, jitter=0, max_bytes=1 << 30)
        wanted: Counter[tuple[Share, str]] = Counter()
        requests = CASES // (len(SHARINGS) * 2)

        async def request() -> None:
            await asyncio.sleep(drawn.random() * requests / 500)
            caller, codes = drawn.choice(CALLERS), drawn.sample([str(number) for number in range(300)], drawn.randrange(1, 4))
            share = share_of(door.cache.batch, door.cache.sharing, caller)
            rows = await door.ask(*codes, caller=caller)
            for code, row in zip(codes, rows, strict=True):
                official = caller.official if share is None else share.official
                expected = None if code in register.absent else f"{code} for {official}"
                assert said(row) == expected
                if share is None:
                    wanted[Share(), code] += 1
                else:
                    wanted[share, code] = 1

        await asyncio.gather(*(request() for _ in range(requests)))
        fetched = Counter(code for call in register.calls for code in call.keys)
        for code in {code for _, code in wanted}:
            assert fetched[code] == sum(count for (_, of), count in wanted.items() if of == code), code

    virtual.run(story())


def test_the_class_says_what_callers_must_have_in_common() -> None:
    batch = Register().batch
    caller = Caller("ministry", "tax", "o1")

    assert share_of(batch, "shared", caller) == Share()
    assert share_of(batch, "purpose", caller) == Share("ministry", "tax")
    assert share_of(batch, "caller", caller) == Share("ministry", "tax", "o1")
    assert share_of(batch, "none", caller) is None
    # A consumer may not choose words that make it look like another.
    assert share_of(batch, "purpose", Caller("a", "b/c")) != share_of(batch, "purpose", Caller("a/b", "c"))


def test_where_each_message_carries_the_official_nothing_is_shared_between_officials_whatever_the_class() -> None:
    batch = PerOfficial(sharing="shared", per_official=True).batch

    for sharing in ("shared", "purpose", "caller"):
        one, other = (share_of(batch, sharing, Caller("m", "p", official)) for official in ("o1", "o2"))
        assert one != other


def test_settings_may_only_narrow_what_a_resolver_declares() -> None:
    assert narrowed("shared", "caller") == "caller"
    assert narrowed("purpose", None) == "purpose"
    for declared, wanted in (("purpose", "shared"), ("none", "caller")):
        with pytest.raises(ValueError, match="or narrower"):
            narrowed(declared, wanted)  # type: ignore[arg-type]  # one of the classes


def test_a_class_narrowed_live_counts_for_what_is_kept_already() -> None:
    async def story() -> None:
        register = Register(sharing="shared")
        door = Door(register)
        await door.ask("a", caller=CALLERS[0])
        await door.ask("a", caller=CALLERS[5])
        assert register.asked("a") == 1
        door.cache.retune(type(door.cache.settings)(sharing="purpose"))
        await door.ask("a", caller=CALLERS[0])
        await door.ask("a", caller=CALLERS[5])
        assert register.asked("a") == 3

    virtual.run(story())
