"""A contest: the same questions for several gateways in turns, from many clients, each of which asks again as soon as it is answered."""

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from bench.door import UNMEASURED_SECONDS, Bench, body
from bench.exchange import Job
from bench.figures import Column, Section, median_of
from sandbox.app import SYSTEMS

Question = dict[str, str]

ONE_KEY_A_CALL = {"population"}
COMPARED = 3
COLUMNS = (
    Column("side", "side"),
    Column("queries/s", "per_second", 1),
    Column("p50 ms", "p50_ms", 1),
    Column("p99 ms", "p99_ms", 1),
    Column("processor ms", "gateway_ms", 2),
    Column("times less", "ratio", 1),
)


class Side(NamedTuple):
    """A gateway that takes part, and the query in the words of its own schema."""

    bench: Bench
    document: str

    def bodies(self, questions: list[Question]) -> list[str]:
        """Write the requests."""
        return [body(self.document, **question) for question in questions]


class Contest(NamedTuple):
    """What is asked, of whom, how often in turns, and for how long each time."""

    name: str
    questions: Iterator[Question]
    sides: Mapping[str, Side]
    rounds: int
    seconds: float
    same_for_all: bool = False

    def section(self) -> Section:
        """Measure; RuntimeError where queries fail from the start, or the sides do not give the same answers.

        The last side is the yardstick for processor time.
        """
        self._compare()
        fastest = max(self._trial(side) for side in self.sides.values())
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in self.sides}
        for _ in range(self.rounds):
            questions = self._take(1 if self.same_for_all else self._enough(fastest))
            for name, side in self.sides.items():
                rounds[name].append(side.bench.measure(side.bodies(questions), self.seconds, repeat=self.same_for_all))
            fastest = max(fastest, *(measured[-1]["per_second"] for measured in rounds.values()))
        failures = sum(int(one["failures"]) for measured in rounds.values() for one in measured)
        cells = _cells(rounds)
        return Section(self.name, {"seconds a cell and round": round(self.seconds, 3)}, _columns(cells), cells, failures)

    def _compare(self) -> None:
        """Ask every side the same, one after the other, and hold the answers against each other."""
        questions = self._take(COMPARED)
        answers = {name: _answers(side, questions) for name, side in self.sides.items()}
        if any(len(found) != COMPARED for found in answers.values()) or len(set(map(repr, answers.values()))) > 1:
            raise RuntimeError(f"{self.name}: the sides do not agree, so nothing was measured")

    def _trial(self, side: Side) -> float:
        """Warm a side up and return how many queries a second it answers."""
        outcome = side.bench.ask(side.bodies(self._take(side.bench.concurrency)))
        if outcome.failures:
            raise RuntimeError(f"{self.name}: queries failed while warming up, so nothing was measured")
        return len(outcome.latencies_ms) / outcome.seconds

    def _enough(self, fastest: float) -> int:
        """Count questions, more than can be answered in the time of a cell."""
        most_clients = max(side.bench.concurrency for side in self.sides.values())
        return most_clients + math.ceil(1.5 * fastest * self.seconds)

    def _take(self, number: int) -> list[Question]:
        return list(itertools.islice(self.questions, number))


def _answers(side: Side, questions: list[Question]) -> list[Any]:
    job = Job(side.bench.gateway.port, side.bodies(questions), 1, UNMEASURED_SECONDS, answers=True)
    return [msgspec.json.decode(answer)["data"] for answer in side.bench.load.run(job).answers]


def _columns(cells: list[dict[str, Any]]) -> tuple[Column, ...]:
    """Add columns for the systems that were asked at all."""
    asked = [system for system in SYSTEMS if any(cell[f"{system}_calls"] for cell in cells)]
    calls = (Column(f"{system} calls", f"{system}_calls", 2) for system in asked)
    keys = (Column(f"{system} keys a call", f"{system}_keys", 1) for system in asked if system not in ONE_KEY_A_CALL)
    return (*COLUMNS, *calls, *keys)


def _cells(rounds: dict[str, list[dict[str, float]]]) -> list[dict[str, Any]]:
    medians = {name: median_of(measured) for name, measured in rounds.items()}
    yardstick = list(medians.values())[-1]["gateway_ms"]
    return [
        {"side": name, **figures, "ratio": yardstick / figures["gateway_ms"] if figures["gateway_ms"] else math.nan, "rounds": rounds[name]}
        for name, figures in medians.items()
    ]
