"""Everything that can go wrong, as one tree, each kind with the code that a client sees.

    MotcuaError
    ├── SettingsWrong          the start is stopped: a setting, a secret, a type or a link does not fit   (never sent to a client)
    ├── Yours                  the caller asked for something that cannot be answered
    │   ├── BadInput           BAD_USER_INPUT        a variable or an identifier that cannot be right
    │   ├── Unauthenticated    UNAUTHENTICATED       no proof of who asks, or one that does not hold
    │   ├── PurposeRequired    PURPOSE_REQUIRED      no purpose, one that is not the consumer's, or without what it asks for
    │   ├── ForbiddenField     FORBIDDEN_FIELD       the purpose does not cover it; `ground` is its legal ground
    │   ├── ConsentRequired    CONSENT_REQUIRED      the person has not consented, or no longer does
    │   ├── NotTrusted         DOCUMENT_NOT_TRUSTED  a document that is not registered for this consumer and purpose
    │   │   ├── DocumentUnknown    PERSISTED_QUERY_NOT_FOUND      a hash that is not known: the client sends the text with it
    │   │   └── DocumentsNotKept   PERSISTED_QUERY_NOT_SUPPORTED  a hash that is not registered, where others are not kept
    │   └── TooCostly          COST_EXCEEDED         more than one query, or this consumer, may ask for           retry: by case
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


class Unauthenticated(Yours):
    """Nobody is known to have asked; which part of a proof does not hold is said, what it held is not."""

    code = "UNAUTHENTICATED"


class PurposeRequired(Yours):
    """It is not said what the data is for, or not in a way that allows it."""

    code = "PURPOSE_REQUIRED"


class ForbiddenField(Yours):
    """A field, or a record, that the caller may not read for this purpose."""

    code = "FORBIDDEN_FIELD"

    def __init__(self, message: str, *, ground: str | None = None) -> None:
        """Say what is refused; `ground` is the legal ground that the purpose stands on, or the rule that refuses."""
        super().__init__(message)
        self.ground = ground

    def extensions(self) -> dict[str, object]:
        """Add the ground."""
        known = super().extensions()
        return known if self.ground is None else {**known, "ground": self.ground}


class ConsentRequired(ForbiddenField):
    """The person has not said yes to this consumer for this purpose, or has taken it back."""

    code = "CONSENT_REQUIRED"


class NotTrusted(Yours):
    """A document that nobody has registered, where only registered ones are run."""

    code = "DOCUMENT_NOT_TRUSTED"


class DocumentUnknown(NotTrusted):
    """A client asked by a hash alone, and may send the text with it; the code is the one that Apollo's clients wait for."""

    code = "PERSISTED_QUERY_NOT_FOUND"

    def __init__(self) -> None:
        """Say it in the word that clients look for."""
        super().__init__("PersistedQueryNotFound")


class DocumentsNotKept(NotTrusted):
    """A client asked by the hash of a document that is not registered, where only registered ones are run: sending it would not help."""

    code = "PERSISTED_QUERY_NOT_SUPPORTED"

    def __init__(self) -> None:
        """Say it in the word that clients look for."""
        super().__init__("PersistedQueryNotSupported")


class TooCostly(Yours):
    """More than may be asked for: by one query, of one system, or by a consumer in a minute; then it says when to come again."""

    code = "COST_EXCEEDED"

    def __init__(self, message: str, *, system: str | None = None, retry_after_ms: int | None = None) -> None:
        """Say what was too much; of which system, and when to come again, where that is so."""
        super().__init__(message)
        self.system = system
        self.retry_after_ms = retry_after_ms

    def extensions(self) -> dict[str, object]:
        """Add the system, and whether and when to try again."""
        known: dict[str, object] = {"code": self.code, "retryable": self.retry_after_ms is not None}
        if self.system is not None:
            known["system"] = self.system
        if self.retry_after_ms is not None:
            known["retryAfterMs"] = self.retry_after_ms
        return known


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
