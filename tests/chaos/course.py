"""The course of one seed: steps are taken at their times while clients ask, and whatever is wrong in an answer is written down."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from tests.chaos.losses import Losses
from tests.chaos.questions import Question, Questions
from tests.chaos.schedule import Step, schedule
from tests.chaos.truth import chance, town
from tests.chaos.verdict import is_full, wrongs
from tests.stack import Heard

AT_ONCE: Final = 24
LINGERING_SECONDS: Final = 3.0
"""A call that met a lost row has come back after so long; it is more than the time that any call has."""


class Course:
    """One run; `ask` sends a question and `take` makes a step true. An answer may be `slack` seconds late."""

    def __init__(
        self,
        seed: int,
        seconds: float,
        kinds: Mapping[str, Sequence[str]],
        ask: Callable[[Question], Awaitable[Heard]],
        take: Callable[[Step], Awaitable[None]],
        slack: float,
    ) -> None:
        self.questions = Questions(seed, town(chance(f"town of {seed}")))
        self.steps = schedule(seed, seconds, self.questions.town, kinds)
        self.wrong: list[str] = []
        self.heard: Counter[str] = Counter()
        self._seed = seed
        self._seconds = seconds
        self._ask = ask
        self._take = take
        self._slack = slack
        self._losses = Losses(LINGERING_SECONDS)
        self._began = 0.0
        self._taken = 0
        self._standing: dict[str, str] = {}

    async def run(self, per_second: float) -> None:
        """Let everything go wrong while so many clients come in a second; no more than AT_ONCE of them are there at a time."""
        self._began = asyncio.get_running_loop().time()
        await asyncio.gather(self._go_wrong(), self._be_asked(per_second))

    def __str__(self) -> str:
        """Say how to see the same again, and what was wrong first."""
        again = f"--chaos-seed {self._seed} --chaos-seconds {self._seconds:g}"
        return "\n".join([f"{len(self.wrong)} answers are wrong; the same again with {again}", *self.wrong[:20]])

    async def _go_wrong(self) -> None:
        loop = asyncio.get_running_loop()
        for step in self.steps:
            await asyncio.sleep(self._began + step.at - loop.time())
            self._taken += 1
            await self._one(step, loop.time)

    async def _one(self, step: Step, clock: Callable[[], float]) -> None:
        """Take a step; a loss begins before its fault is put, and ends after the fault is taken away."""
        if step.what == "fault":
            self._standing[step.system] = step.spec["kind"]
            if step.spec["kind"] == "missing":
                self._losses.begin(step.system, clock())
        await self._take(step)
        if step.what == "heal":
            self._standing.pop(step.system, None)
            self._losses.end(step.system, clock())

    async def _be_asked(self, per_second: float) -> None:
        loop, places, asked = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE), set[asyncio.Task[None]]()
        draws, number = chance(f"arrivals of {self._seed}"), 0
        while loop.time() < self._began + self._seconds:
            await asyncio.sleep(draws.expovariate(per_second))
            await places.acquire()
            number += 1
            asked.add(one := asyncio.ensure_future(self._asked(number)))
            one.add_done_callback(lambda _: places.release())
        await asyncio.gather(*asked)

    async def _asked(self, number: int) -> None:
        question, began = self.questions.question(number), asyncio.get_running_loop().time()
        where = f"{began - self._began:.2f} s, step {self._taken} of {len(self.steps)}, {dict(sorted(self._standing.items()))}"
        heard = await self._ask(question)
        if question.leaves_after is not None and not heard.status:
            self.heard["left"] += 1
            return
        self.heard["full" if is_full(question, heard) else "shed" if heard.status == 503 else "partial"] += 1
        self.heard.update(heard.codes)
        found = wrongs(question, heard, self._slack, lambda system: self._losses.may_have_met(system, began))
        self.wrong += [f"question {number} ({question.kind}) at {where} {what}" for what in found]
