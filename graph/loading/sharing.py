"""Who may be given the same answer, wait for the same call, and stand in the same call."""

from typing import Final, NamedTuple

from graph.loading.batch import Batch, Sharing

# From the widest to the narrowest; an operator may narrow what a resolver declares and never widen it.
WIDEST_FIRST: Final[tuple[Sharing, ...]] = ("shared", "purpose", "caller", "none")


class Caller(NamedTuple):
    """Who asks: the consumer and its purpose, and where there are such the official, by personal id, the case, and the body represented."""

    consumer: str = "open"
    purpose: str = ""
    official: str | None = None
    issue: str | None = None
    represented: str | None = None


class Share(NamedTuple):
    """What callers must have in common to share; None where it does not matter."""

    consumer: str | None = None
    purpose: str | None = None
    official: str | None = None
    issue: str | None = None
    represented: str | None = None


EVERYBODY: Final = Share()
ANYBODY: Final = Caller()


def share_of(batch: Batch[object, object], sharing: Sharing, caller: Caller, *, tells: bool = False) -> Share | None:
    """Return what others must have in common with a caller to share with them; None where nobody may.

    Where a system wants the official in each message, its answers and its calls are never shared between officials; where the route to it
    `tells` of the case and the body represented too, not between those either, unless the answer is the same for everybody and about
    nobody.
    """
    if sharing == "none":
        return None
    if tells and (sharing != "shared" or batch.personal):
        told = (caller.official, caller.issue, caller.represented)
        return Share(None, None, *told) if sharing == "shared" else Share(caller.consumer, caller.purpose, *told)
    official = caller.official if sharing == "caller" or batch.system.per_official else None
    if sharing == "shared":
        return Share(official=official) if official else EVERYBODY
    return Share(caller.consumer, caller.purpose, official)


def narrowed(declared: Sharing, wanted: Sharing | None) -> Sharing:
    """Return the sharing class that applies; ValueError where the settings want a wider one than the resolver declares."""
    if wanted is None:
        return declared
    if WIDEST_FIRST.index(wanted) < WIDEST_FIRST.index(declared):
        message = f'expected "{declared}" or narrower, as the batch function declares'
        raise ValueError(message)
    return wanted
