"""Priority: whose turn it is when there is not enough for everybody."""

from enum import IntEnum


class Priority(IntEnum):
    """From the most urgent: a person at a screen, an official at a desk, another service, a job by night, a refresh for nobody."""

    CITIZEN = 0
    CASEWORKER = 1
    SERVICE = 2
    BATCH = 3
    REFRESH = 4

    @property
    def interactive(self) -> bool:
        """Whether a human being waits for it."""
        return self <= Priority.CASEWORKER


# What a client may call itself, and the share of a busy system that each class has for sure; what one leaves unused the others take.
NAMED = {priority.name.lower(): priority for priority in Priority if priority is not Priority.REFRESH}
SHARES = {Priority.CITIZEN: 60, Priority.CASEWORKER: 25, Priority.SERVICE: 10, Priority.BATCH: 5, Priority.REFRESH: 1}
