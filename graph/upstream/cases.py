"""Cases: what systems that take their time have in common, so that "not yet" is an answer like any other.

Some systems work by cases: what one asks them for is applied for, worked on by an official and ready after days. Until then there is
nothing wrong, and nothing to wait for in a call.
"""

import enum
from collections.abc import Callable, Mapping
from typing import Any, Protocol


class CaseState(enum.Enum):
    """How far a case is: it has led to a result, is still being worked on, or has ended without one."""

    READY = "READY"
    PENDING = "PENDING"
    FAILED = "FAILED"


class Case(Protocol):
    """What the record of a case has at least, whatever its system calls it."""

    @property
    def state(self) -> CaseState:
        """How far it is."""

    @property
    def expected_on(self) -> Any:
        """For when it was promised; of a pending case the estimate, None where its system gives none."""

    @property
    def reason(self) -> Any:
        """Why it has failed, as a code of few values: what officials write about people has no place here."""


def is_pending(case: Case) -> bool:
    """Tell whether a case is still being worked on; `provisional=is_pending` keeps its record only for a short time."""
    return case.state is CaseState.PENDING


def case_states(codes: Mapping[str, CaseState]) -> Callable[[str], CaseState]:
    """Make what reads a state from a system's own code; a code that was not agreed breaks the contract, because no state can be guessed."""

    def state(code: str) -> CaseState:
        if code not in codes:
            message = "CaseState: expected one of the codes that were agreed"
            raise ValueError(message)
        return codes[code]

    return state
