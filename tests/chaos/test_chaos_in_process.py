"""The chaos on the whole stack in one process and in virtual time: several seeds, exact deadlines, and not one task left behind."""

import asyncio
import logging

import msgspec
import pytest

from graph.settings import BatchSettings, ClassSettings
from graph.system_settings import BreakerSettings, SystemSettings
from sandbox.faults import KINDS as KINDS_OF_FAULT
from tests import virtual
from tests.chaos.course import Course
from tests.chaos.questions import CLASS_MOST, CLASS_SECONDS, KINDS, Question, Questions
from tests.chaos.schedule import Step, schedule
from tests.chaos.truth import chance, town
from tests.servers import SYSTEMS
from tests.stack import NOTHING_KEPT, Heard, Stack, stack

SECONDS, PER_SECOND = 60.0, 12.0
# What a connection does as a whole cannot be shown to a client that calls the sandbox as a function.
OF_CONNECTIONS = frozenset({"cut_body", "reset", "expired_certificate"})
FAULTS = {system: [kind for kind in KINDS_OF_FAULT if kind not in OF_CONNECTIONS] for system in SYSTEMS}
NEARLY_NOTHING = msgspec.structs.replace(NOTHING_KEPT, quarantine_seconds=1.0)
A_SHORT_WHILE = msgspec.structs.replace(NEARLY_NOTHING, ttl_seconds=0.5, stale_if_error_seconds=30.0)


def hasty(system: SystemSettings) -> SystemSettings:
    """Wait for a system hardly longer than a second, and leave it alone for no longer than two."""
    breaker = BreakerSettings(window_seconds=5.0, calls=10, open_seconds=0.5, longest_open_seconds=2.0, probe_seconds=0.2)
    bounds = {"connect_seconds": 0.5, "read_seconds": 0.8, "total_seconds": 1.2, "max_answer_bytes": 262_144}
    return msgspec.structs.replace(system, breaker=breaker, **bounds)


async def ask(stack: Stack, question: Question) -> Heard:
    """Ask the gateway in this process."""
    headers = {name.replace("-", "_"): value for name, value in question.headers.items()}
    return await stack.ask(question.query, dict(question.variables), leaves_after=question.leaves_after, **headers)


async def take(stack: Stack, step: Step) -> None:
    """Make a step true; what operators purge is left out, because nobody listens to them here."""
    if step.what == "fault":
        await stack.fault(step.system, **step.spec)
    elif step.what == "heal":
        await stack.heal(step.system)
    elif step.what == "bound":
        await stack.bound(step.system, **step.spec)
    elif step.what == "drain":
        stack.admissions[step.system].drain()
    elif step.what == "resume":
        stack.admissions[step.system].resume()


@pytest.mark.parametrize(
    ("seed", "keeps"), [(0, NEARLY_NOTHING), (1, A_SHORT_WHILE), (2, NEARLY_NOTHING)], ids=["nothing", "a while", "nothing again"]
)  # fmt: skip
def test_tr8_chaos_moves_no_row_passes_no_deadline_and_leaves_no_task(
    caplog: pytest.LogCaptureFixture, seed: int, keeps: BatchSettings
) -> None:
    classes = {name: ClassSettings(seconds, CLASS_MOST[name]) for name, seconds in CLASS_SECONDS.items()}

    async def story() -> None:
        async with stack(keeps=keeps, systems=hasty, classes=classes) as all_of_it:
            course = Course(seed, SECONDS, FAULTS, lambda question: ask(all_of_it, question), lambda step: take(all_of_it, step), 0.05)
            before = len(asyncio.all_tasks())
            await course.run(PER_SECOND)
            assert not course.wrong, str(course)
            assert min(course.heard[how] for how in ("full", "partial", "left")) > 5
            await asyncio.sleep(10)
            assert [(one.under_way, one.waiting) for one in all_of_it.admissions.values()] == [(0, 0)] * 6
            assert len(asyncio.all_tasks()) == before

    virtual.run(story())
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_seed_is_all_that_questions_and_schedule_depend_on() -> None:
    def drawn(seed: int) -> object:
        questions = Questions(seed, town(chance(f"town of {seed}")))
        return [questions.question(number) for number in (7, 3, 200)], schedule(seed, 120, questions.town, FAULTS)

    assert drawn(5) == drawn(5)
    assert drawn(5) != drawn(6)


def test_every_system_meets_each_kind_of_fault() -> None:
    steps = schedule(3, 60, town(chance("town of 3")), FAULTS)
    met = {(step.system, step.spec["kind"]) for step in steps if step.what == "fault"}
    assert met == {(system, kind) for system in SYSTEMS for kind in FAULTS[system]}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_taken_for_right_is_what_a_sound_stack_answers(kind: str) -> None:
    async def story() -> None:
        async with stack() as all_of_it:
            draws = chance(kind)
            questions = Questions(1, town(draws))
            for _ in range(15):
                question = questions.plain(kind, draws)
                assert (await ask(all_of_it, question)).answer == {"data": question.right}

    virtual.run(story())
