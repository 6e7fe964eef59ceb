"""Everything that can go wrong, as one tree, each kind with the code that a client sees.

    MotcuaError
    ├── SettingsWrong          the start is stopped: a setting, a secret, a type or a link does not fit   (never sent to a client)
    ├── Yours                  the caller asked for something that cannot be answered
    │   └── BadInput           BAD_USER_INPUT        a variable or an identifier that cannot be right
    ├── Shed                   SHED                  more is asked than can be done: here, or of one system        retry: yes, later
    ├── OutOfTime              DEADLINE_EXCEEDED     the request's own time was over before this was answered      retry: yes
    └── Theirs                 a connected system did not answer as agreed; `system` says which
        ├── SystemTimedOut     UPSTREAM_TIMEOUT      no complete answer within its time limits         retry: yes
        ├── SystemUnavailable  UPSTREAM_UNAVAILABLE  not reachable, or it reports trouble of its own   retry: yes
        ├── SystemThrottled    UPSTREAM_THROTTLED    it asks us to call less often                     retry: yes, later
        ├── SystemRefused      UPSTREAM_UNAVAILABLE  it rejects our credentials or our request         retry: no
        └── ContractBroken     UPSTREAM_CONTRACT     its answer is not what was agreed                 retry: no

What is none of these is a fault of Motcua itself and reaches a client as INTERNAL, without details.
No message holds a value that a caller or a system sent: they end up in logs and on screens.
"""

from typing import ClassVar


class MotcuaError(Exception):
    """The root; its message is fit to be shown to a client and written to a log."""

    code: ClassVar[str] = "INTERNAL"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str) -> None:
        """Take a message that holds no personal data."""
        super().__init__(message)
        self.message = message

    def extensions(self) -> dict[str, object]:
        """Build the `extensions` of the GraphQL error: the code, and whether it is worth trying again."""
        return {"code": self.code, "retryable": self.retryable}


class SettingsWrong(MotcuaError):
    """The gateway cannot start as configured; the message names the file and the key, and what was expected."""


class Yours(MotcuaError):
    """The caller's fault."""


class BadInput(Yours, ValueError):
    """A value that cannot be right: an identifier of the wrong shape, a date that does not exist."""

    code = "BAD_USER_INPUT"


class Shed(MotcuaError):
    """Not done, because more is asked than can be done; said early, so that what is begun can be finished."""

    code = "SHED"
    retryable = True

    def __init__(self, what: str, *, retry_after_ms: int, system: str | None = None) -> None:
        """Say what is asked too much; of which system, where it is one."""
        super().__init__(what)
        self.retry_after_ms = retry_after_ms
        self.system = system

    def extensions(self) -> dict[str, object]:
        """Add when to come again, and the system."""
        known = {**super().extensions(), "retryAfterMs": self.retry_after_ms}
        return known if self.system is None else {**known, "system": self.system}


class OutOfTime(MotcuaError):
    """The time of the request itself was over; how long the system would have taken is not known."""

    code = "DEADLINE_EXCEEDED"
    retryable = True

    def __init__(self, system: str | None = None) -> None:
        """Say what was still being waited for, where it is a system."""
        who = "This" if system is None else f"What the {system} system was asked"
        super().__init__(f"{who} was not answered when the time for this request was over")
        self.system = system

    def extensions(self) -> dict[str, object]:
        """Add the system."""
        known = super().extensions()
        return known if self.system is None else {**known, "system": self.system}


class Theirs(MotcuaError):
    """A connected system's fault."""

    def __init__(self, system: str, what: str, *, retry_after_ms: int | None = None, divisible: bool = False) -> None:
        """Say of which system, and in words that follow its name, what it did.

        `divisible` says that a single key among those of the call may be to blame, so that asking for fewer may help.
        """
        super().__init__(f"The {system} system {what}")
        self.system = system
        self.what = what
        self.retry_after_ms = retry_after_ms
        self.divisible = divisible

    def extensions(self) -> dict[str, object]:
        """Add the system, and when it may be asked again where it said so."""
        known = {**super().extensions(), "system": self.system}
        if self.retry_after_ms is not None:
            known["retryAfterMs"] = self.retry_after_ms
        return known


class SystemTimedOut(Theirs):
    """No complete answer in time."""

    code = "UPSTREAM_TIMEOUT"
    retryable = True


class SystemUnavailable(Theirs):
    """Not reachable, or in trouble."""

    code = "UPSTREAM_UNAVAILABLE"
    retryable = True


class SystemThrottled(Theirs):
    """Asked too often."""

    code = "UPSTREAM_THROTTLED"
    retryable = True


class SystemRefused(Theirs):
    """Our credentials or our request were rejected; an operator has to look."""

    code = "UPSTREAM_UNAVAILABLE"


class ContractBroken(Theirs):
    """The answer cannot be trusted: not decodable, or holding other records than were asked for."""

    code = "UPSTREAM_CONTRACT"
