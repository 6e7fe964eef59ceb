"""The verdict itself: what it lets pass, and everything that it must not."""

from typing import Any

import pytest

from sandbox import personas
from tests.chaos.losses import Losses
from tests.chaos.questions import QUERIES, Question
from tests.chaos.truth import citizen
from tests.chaos.verdict import wrongs
from tests.stack import Heard

RIGHT = citizen(personas.THU)
QUESTION = Question("citizen", {"id": personas.THU}, {"citizen": RIGHT}, {}, 2.0, None)
FAILED = {
    "message": "The population system failed",
    "path": ["citizen"],
    "extensions": {"code": "UPSTREAM_TIMEOUT", "retryable": True, "system": "population"},
}


def found(data: Any, *errors: dict[str, Any], status: int = 200, seconds: float = 1.0, lost: bool = False) -> list[str]:
    """Judge an answer."""
    answer = {**({} if data is None else {"data": data}), **({"errors": list(errors)} if errors else {})}
    return list(wrongs(QUESTION, Heard(status, {}, answer, seconds), 0.5, lambda _: lost))


def with_extensions(**extensions: Any) -> dict[str, Any]:
    return {**FAILED, "extensions": {**FAILED["extensions"], **extensions}}  # type: ignore[dict-item]  # a mapping of its own


def test_what_is_right_or_lost_with_an_error_is_let_pass() -> None:
    assert QUESTION.query == QUERIES["citizen"]
    assert found({"citizen": RIGHT}) == []
    assert found({"citizen": None}, FAILED) == []
    assert found({"citizen": None}, lost=True) == []
    shed = {"message": "More is asked", "extensions": {"code": "SHED", "retryable": True}}
    assert found(None, shed, status=503) == []


@pytest.mark.parametrize(
    ("data", "errors", "what"),
    [
        ({"citizen": citizen(personas.MAI)}, [], "another value"),
        ({"citizen": {"personalId": personas.THU}}, [], "another value"),
        ({"citizen": None}, [], "null without an error"),
        ({"citizen": RIGHT}, [FAILED], "a value and an error"),
        ({"citizen": None}, [with_extensions(system="tax")], "blames"),
        ({"citizen": None}, [with_extensions(system=None)], "blames"),
        ({"citizen": None}, [with_extensions(code="INTERNAL")], "code INTERNAL"),
        ({"citizen": None}, [with_extensions(retryable=False)], "retryable False"),
        ({"citizen": None}, [{**FAILED, "message": f"{personas.THU} failed"}], "quotes a number"),
    ],
)
def test_what_must_not_be_heard_is_named(data: Any, errors: list[dict[str, Any]], what: str) -> None:
    assert any(what in wrong for wrong in found(data, *errors))


def test_what_comes_late_or_with_another_status_is_named() -> None:
    assert found({"citizen": RIGHT}, seconds=2.6) == ["took 2.60 s of 2.0 s"]
    assert found(None, status=500) == ["is 500"]
    assert found(None, FAILED, status=503) == ["is 503 without being shed"]
    assert found(None, status=0) == ["is 0"]


def test_a_loss_lasts_from_before_its_fault_until_the_calls_that_met_it_have_come_back() -> None:
    losses = Losses(lingering=3.0)
    losses.begin("population", 10.0)
    assert losses.may_have_met("population", 5.0)
    losses.end("population", 20.0)
    assert losses.may_have_met("population", 22.9)
    assert not losses.may_have_met("population", 23.1)
    losses.begin("tax", 10.0)
    assert not losses.may_have_met("tax", 10.0)
