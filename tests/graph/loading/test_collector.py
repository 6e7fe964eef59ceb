"""The collector: at once where the system is idle, in full calls where it is busy, once for all who want the same."""

import asyncio
from typing import Any

import pytest
import uvloop

from graph.errors import ContractBroken, SystemRefused, SystemUnavailable, Theirs
from graph.loading.cache import wall_clock
from graph.loading.sharing import Caller
from tests import virtual
from tests.graph.loading.register import Door, Person, Register, down, said


def test_a_key_for_an_idle_system_leaves_at_once() -> None:
    async def story() -> None:
        register = Register(seconds=1.0)
        door = Door(register)
        assert await door.names("a") == ["a v0"]
        assert [call.at for call in register.calls] == [0.0]
        assert asyncio.get_running_loop().time() == 1.0

    virtual.run(story())


def test_keys_of_the_same_moment_leave_together_in_as_few_calls_as_allowed() -> None:
    async def story() -> None:
        register = Register(max_keys=3, seconds=1.0)
        door = Door(register)
        await asyncio.gather(*(door.ask(code) for code in "abcdefg"))
        assert [call.keys for call in register.calls] == [("a", "b", "c"), ("d", "e", "f"), ("g",)]
        assert {call.at for call in register.calls} == {0.0}

    virtual.run(story())


def test_a_lone_caller_never_waits_for_company_not_even_with_a_second_wave_behind_the_first() -> None:
    async def story() -> None:
        register = Register(seconds=1.0)
        door = Door(register, ttl_seconds=0)
        for number in range(20):
            loaders, began = door.request(), asyncio.get_running_loop().time()
            first = loaders.load(register.batch, Person(f"{number}"))
            await asyncio.sleep(0.4)
            await loaders.load(register.batch, Person(f"{number}+"))
            await first
            assert asyncio.get_running_loop().time() - began == pytest.approx(1.4)

    virtual.run(story())


async def steady(door: Door, *, clients: int, each: float, rounds: int) -> None:
    """Let so many clients ask, each for keys that nobody asked for before, one after the other with a pause between."""

    async def client(number: int) -> None:
        await asyncio.sleep(number * each / clients)
        for turn in range(rounds):
            await door.ask(f"{number}/{turn}")
            await asyncio.sleep(each)

    await asyncio.gather(*(client(number) for number in range(clients)))


def test_under_load_calls_fill_up_and_nobody_waits_longer_than_a_call_for_company() -> None:
    async def story() -> None:
        register = Register(max_keys=20, seconds=0.2)
        door = Door(register)
        waits: list[float] = []

        async def client(number: int) -> None:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(number * 0.01)
            for turn in range(20):
                began = loop.time()
                await door.ask(f"{number}/{turn}")
                waits.append(loop.time() - began)
                await asyncio.sleep(0.3)

        await asyncio.gather(*(client(number) for number in range(64)))
        assert len(register.calls) <= 0.15 * 64 * 20
        assert max(waits) <= 0.2 + 0.2 + 0.05

    virtual.run(story())


def test_with_a_patience_of_nought_every_key_leaves_while_there_is_a_slot() -> None:
    async def story() -> None:
        register = Register(max_keys=20, seconds=0.2, slots=64)
        await steady(Door(register, patience=0), clients=64, each=0.3, rounds=10)
        assert len(register.calls) > 0.9 * 64 * 10

    virtual.run(story())


def test_where_no_slot_is_free_keys_gather_and_no_more_calls_are_made_at_once_than_allowed() -> None:
    async def story() -> None:
        register = Register(max_keys=50, seconds=1.0, slots=2)
        door = Door(register, patience=0)
        waiting = []
        for number in range(30):
            waiting.append(asyncio.create_task(door.ask(str(number))))
            await asyncio.sleep(0.01)
        await asyncio.gather(*waiting)
        assert register.most_at_once == 2
        assert [len(call.keys) for call in register.calls] == [1, 1, 28]

    virtual.run(story())


def test_a_key_on_its_way_is_joined_across_requests() -> None:
    async def story() -> None:
        register = Register(seconds=1.0)
        door = Door(register, ttl_seconds=0)
        first = asyncio.create_task(door.names("a"))
        await asyncio.sleep(0.9)
        assert await door.names("a") == ["a v0"]
        assert asyncio.get_running_loop().time() == 1.0
        assert await first == ["a v0"]
        assert register.asked("a") == 1
        assert (door.cache.figures.joined, door.cache.figures.fetched) == (1, 1)

    virtual.run(story())


@pytest.mark.parametrize("leaves", range(4))
@pytest.mark.parametrize("when", [0.0, 0.5])
def test_tb1_one_who_stops_waiting_harms_nobody(leaves: int, when: float) -> None:
    async def story() -> None:
        register = Register(seconds=1.0)
        door = Door(register, ttl_seconds=0)
        waiting = [asyncio.create_task(door.ask("a", "b")) for _ in range(4)]
        await asyncio.sleep(when)
        waiting[leaves].cancel()
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert [isinstance(each, asyncio.CancelledError) for each in done] == [number == leaves for number in range(4)]
        assert [[said(row) for row in each] for number, each in enumerate(done) if number != leaves] == [["a v0", "b v0"]] * 3  # type: ignore[union-attr]  # not cancelled
        assert await door.names("a", "b") == ["a v0", "b v0"]

    virtual.run(story())


def test_tb1_one_whose_time_is_up_harms_nobody() -> None:
    async def story() -> None:
        register = Register(seconds=1.0)
        door = Door(register)
        patient = asyncio.create_task(door.names("a"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await door.names("a")
        assert await patient == ["a v0"]
        assert register.asked("a") == 1

    virtual.run(story())


def test_tb1_when_all_have_left_the_answer_is_kept_for_those_who_come() -> None:
    async def story() -> None:
        register = Register(seconds=1.0)
        door = Door(register)
        alone = asyncio.create_task(door.names("a"))
        await asyncio.sleep(0.1)
        alone.cancel()
        await asyncio.sleep(2.0)
        assert await door.names("a") == ["a v0"]
        assert register.asked("a") == 1

    virtual.run(story())


def test_a_failed_call_never_poisons_a_later_one() -> None:
    async def story() -> None:
        register = Register()
        door = Door(register)
        register.down = down()
        assert await door.names("a", "b") == ["SystemUnavailable"] * 2
        register.down = None
        assert await door.names("a", "b") == ["a v0", "b v0"]

    virtual.run(story())


@pytest.mark.parametrize("refusal", [SystemRefused, ContractBroken, SystemUnavailable])
@pytest.mark.parametrize("bad", [[0], [50], [99], [0, 99], [3, 4], [10, 40, 70], [0, 1, 2, 97, 98]])
def test_tb2_only_bad_keys_fail_and_finding_them_takes_few_calls(refusal: type[Theirs], bad: list[int]) -> None:
    async def story() -> None:
        register = Register(max_keys=100)
        register.poison = {str(number) for number in bad}
        register.refusal = refusal
        door = Door(register, allowance=1_000)
        answers = await door.names(*map(str, range(100)))
        assert [answers.index(answer) for answer in answers if answer == refusal.__name__] == [bad[0]] * len(bad)
        assert [number for number, answer in enumerate(answers) if answer != f"{number} v0"] == bad
        once_more = refusal is SystemUnavailable
        assert len(register.calls) - 1 - once_more <= 2 * len(bad) * 7
        assert door.cache.figures.extra_calls == len(register.calls) - 1

    virtual.run(story())


@pytest.mark.parametrize("position", range(0, 100, 7))
def test_tb2_a_bad_key_is_found_in_every_position(position: int) -> None:
    async def story() -> None:
        register = Register(max_keys=100)
        register.poison = {str(position)}
        door = Door(register, allowance=14)
        answers = await door.names(*map(str, range(100)))
        assert [number for number, answer in enumerate(answers) if answer == "SystemRefused"] == [position]
        assert len(register.calls) - 1 <= 14

    virtual.run(story())


def test_a_bad_key_beside_good_ones_is_not_sent_again_for_a_while() -> None:
    async def story() -> None:
        register = Register(max_keys=10)
        register.poison = {"c"}
        door = Door(register, ttl_seconds=0, quarantine_seconds=60)
        await door.ask(*"abcd")
        sent = register.asked("c")
        assert await door.names(*"abcd") == ["a v0", "b v0", "SystemRefused", "d v0"]
        assert register.asked("c") == sent
        assert door.cache.figures.quarantined == 1

        register.poison.clear()
        await asyncio.sleep(61)
        assert await door.names("c") == ["c v0"]

    virtual.run(story())


def test_a_system_that_fails_for_every_key_is_not_searched_through_beyond_its_allowance_and_no_key_is_blamed() -> None:
    async def story() -> None:
        register = Register(max_keys=100)
        register.down = SystemUnavailable("register", "reports trouble of its own", divisible=True)
        door = Door(register, allowance=5)
        assert await door.names(*map(str, range(100))) == ["SystemUnavailable"] * 100
        assert len(register.calls) <= 1 + 5
        register.down = None
        assert await door.names("1") == ["1 v0"]

    virtual.run(story())


@pytest.mark.parametrize(("error", "calls"), [(down(), 2), (down(SystemRefused), 1)])
def test_what_no_single_key_can_be_to_blame_for_is_not_divided(error: Exception, calls: int) -> None:
    async def story() -> None:
        register = Register()
        register.down = error
        assert await Door(register).names("a", "b") == [type(error).__name__] * 2
        assert [call.keys for call in register.calls] == [("a", "b")] * calls

    virtual.run(story())


def test_tb4_rows_that_nobody_asked_for_spoil_the_answer_and_reach_nobody() -> None:
    async def story() -> None:
        register = Register()
        door = Door(register)
        register.foreign = [register.row("z")]
        assert await door.names("a", "b") == ["ContractBroken"] * 2
        register.foreign = []
        assert await door.names("z", "a") == ["z v0", "a v0"]
        assert register.asked("z") == 1

    virtual.run(story())


def test_callers_who_may_not_share_stand_in_different_calls() -> None:
    async def story() -> None:
        register = Register(seconds=1.0)
        door = Door(register)
        one, other = Caller("ministry", "tax"), Caller("ministry", "pension")
        await asyncio.gather(door.ask("a", caller=one), door.ask("a", "b", caller=other), door.ask("b", caller=one))
        assert sorted(call.keys for call in register.calls) == [("a", "b"), ("a", "b")]
        assert register.asked("a") == 2

    virtual.run(story())


def test_keys_joined_to_one_text_leave_in_portions_of_the_length_that_the_system_takes() -> None:
    async def story() -> None:
        register = Register(max_keys=100, max_text=len("aaaa;bbbb;cccc"))
        await Door(register).ask(*(letter * 4 for letter in "abcdefgh"), "x" * 40)
        assert [len(call.keys) for call in register.calls] == [3, 3, 2, 1]
        assert all(len(";".join(call.keys)) <= 14 for call in register.calls[:3])

    virtual.run(story())


def test_a_fault_of_our_own_while_answering_leaves_nobody_waiting() -> None:
    async def story() -> None:
        register = Register()
        door = Door(register)

        def broken(_key: Any, _value: Any) -> Any:
            raise ZeroDivisionError

        door.cache.labels = broken
        assert await door.names("a") == ["ZeroDivisionError"]

    virtual.run(story())


def test_the_collector_keeps_its_promises_on_the_loop_that_serves() -> None:
    """Timers of uvloop are not those of asyncio: a busy while on it, with keys that wait, gather, and are joined."""

    async def story() -> None:
        register = Register(max_keys=5, seconds=0.005, slots=2)
        door = Door(register, clock=wall_clock)

        async def client(number: int) -> None:
            for turn in range(10):
                code = f"{number % 7}/{turn}"
                assert await door.names(code) == [f"{code} v0"]

        async with asyncio.timeout(20):
            await asyncio.gather(*(client(number) for number in range(40)))
        assert len(register.calls) < 70

    uvloop.run(story())
