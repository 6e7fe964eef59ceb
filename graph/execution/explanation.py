"""An explanation of a query: which links ask which system, in waves, as a tree of values that can be sent and printed."""

import math
from collections.abc import Iterator, Sequence

import msgspec

BARS = 40
MOST_BARS = 60


class LinkFigures(msgspec.Struct, frozen=True, rename="camel"):
    """What a link did when the query ran; times in milliseconds since the request began.

    Of the `distinct` keys, `known` ones had been loaded for another link of the same request, `cached` ones lay in the resolver cache.
    """

    keys: int
    distinct: int
    known: int
    cached: int
    calls: int
    start: float
    end: float


class LinkStep(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A link: where its records stand in the answer, and how many keys it is expected to ask for; `free` where it needs no call."""

    path: str
    field: str
    keys: int
    under_list: bool = False
    free: bool = False
    measured: LinkFigures | None = None


class BatchStep(msgspec.Struct, frozen=True, rename="camel"):
    """A batch function in a wave: its links share the calls."""

    batch: str
    system: str
    protocol: str
    max_keys: int
    keys: int
    calls: int
    links: tuple[LinkStep, ...]


class Wave(msgspec.Struct, frozen=True, rename="camel"):
    """Links that can start at the same time: those with equally many links above them."""

    number: int
    calls: int
    batches: tuple[BatchStep, ...]


class Call(msgspec.Struct, frozen=True, rename="camel"):
    """One call that was made; `outcome` is OK or an error code."""

    system: str
    batch: str
    keys: int
    start: float
    milliseconds: float
    outcome: str


class Measured(msgspec.Struct, frozen=True, rename="camel"):
    """What running the query cost; processor time is the gateway's own, and holds what other requests needed in the meantime."""

    milliseconds: float
    processor_milliseconds: float
    calls: tuple[Call, ...]


class Quote(msgspec.Struct, frozen=True, rename="camel"):
    """What a query may cost at most: its estimated cost, how many people it names, and the fees of the owners by system, in VND."""

    cost: int
    persons: int
    fees: dict[str, int] = {}

    def words(self) -> str:
        """Say it in a line."""
        fees = ", ".join(f"{system} {vnd}" for system, vnd in self.fees.items())
        charged = f", fees of at most {sum(self.fees.values())} VND ({fees})" if fees else ""
        people = "1 person" if self.persons == 1 else f"{self.persons} people"
        return f"estimated cost {self.cost}, {people}{charged}"


class Explanation(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A plan in words and figures. Expected keys and calls are upper bounds: nothing cached, no key twice, `assumed_items` in each list."""

    kind: str
    engine: str
    fields: int
    assumed_items: int
    calls: int
    waves: tuple[Wave, ...] = ()
    operation: str | None = None
    reason: str | None = None
    resolvers: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    assumed_variables: tuple[str, ...] = ()
    quote: Quote | None = None
    measured: Measured | None = None

    def has_lists(self) -> bool:
        """Tell whether any link asks for keys whose number has to be assumed."""
        return any(link.under_list for wave in self.waves for step in wave.batches for link in step.links)

    def text(self) -> str:
        """Draw it as a tree and, where it was measured, its calls as a waterfall."""
        lines = [*_head(self), *_branches([(_wave(wave), _batches(wave)) for wave in self.waves])]
        if self.measured is not None:
            lines += ["", *_waterfall(self.measured)]
        return "\n".join(lines) + "\n"


Branch = tuple[str, "list[Branch]"]


def _branches(branches: Sequence[Branch], indent: str = "") -> Iterator[str]:
    for number, (words, below) in enumerate(branches, 1):
        last = number == len(branches)
        yield f"{indent}{'└─' if last else '├─'} {words}"
        yield from _branches(below, indent + ("   " if last else "│  "))


def _head(found: Explanation) -> Iterator[str]:
    because = f" ({found.reason})" if found.reason else ""
    yield f"{found.kind} {found.operation or '(unnamed)'}: {_count(found.fields, 'field')}, {found.engine} engine{because}"
    if not found.waves:
        yield "no links, so no calls"
    else:
        assumed = f", counting {found.assumed_items} items in a list of unknown length" if found.has_lists() else ""
        yield f"{_count(len(found.waves), 'wave')}, at most {_count(found.calls, 'call')}, nothing cached{assumed}"
    if found.quote is not None:
        yield found.quote.words()
    if found.resolvers:
        yield f"hand-written, so not planned: {', '.join(found.resolvers)}"
    if found.refused:
        yield f"refused, so not planned: {', '.join(found.refused)}"
    if found.assumed_variables:
        yield f"not given, so taken as true: {', '.join(f'${name}' for name in found.assumed_variables)}"


def _wave(wave: Wave) -> str:
    return f"wave {wave.number}: {_count(wave.calls, 'call')}"


def _batches(wave: Wave) -> list[Branch]:
    return [(_batch(step), [(_link(link), []) for link in step.links]) for step in wave.batches]


def _batch(step: BatchStep) -> str:
    limit = "one key a call" if step.max_keys == 1 else f"up to {step.max_keys} keys a call"
    return f"{step.system} ({step.protocol}) {step.batch}: {_count(step.keys, 'key')}, {_count(step.calls, 'call')}, {limit}"


def _link(link: LinkStep) -> str:
    keys = "no call: the key proves the record" if link.free else f"n keys, say {link.keys}" if link.under_list else "1 key"
    words = f"{link.path}  {link.field}  {keys}"
    return words if link.measured is None else f"{words}  [ran: {_figures(link.measured)}]"


def _figures(did: LinkFigures) -> str:
    special = [f"{number} {word}" for number, word in ((did.known, "known"), (did.cached, "cached")) if number]
    distinct = [] if did.distinct == did.keys else [f"{did.distinct} distinct"]
    return ", ".join([_count(did.keys, "key"), *distinct, *special, _count(did.calls, "call"), f"{did.start:.1f} to {did.end:.1f} ms"])


def _waterfall(measured: Measured) -> Iterator[str]:
    """Draw a bar for each call, from the beginning of the request to its end."""
    took = f"{measured.milliseconds:.1f} ms, of which {measured.processor_milliseconds:.1f} ms of processor time"
    yield f"{_count(len(measured.calls), 'call')} in {took}"
    shown = measured.calls[:MOST_BARS]
    names = [f"{call.system} {call.batch}" for call in shown]
    width, whole = max(map(len, names), default=0), max(measured.milliseconds, 0.001)
    for name, call in zip(names, shown, strict=True):
        start = min(BARS - 1, math.floor(call.start / whole * BARS))
        length = min(BARS - start, max(1, round(call.milliseconds / whole * BARS)))
        bar = " " * start + "█" * length + " " * (BARS - start - length)
        failed = "" if call.outcome == "OK" else f"  {call.outcome}"
        yield f"{name:<{width}} │{bar}│ {call.milliseconds:7.1f} ms  {_count(call.keys, 'key')}{failed}"
    if len(measured.calls) > MOST_BARS:
        yield f"and {len(measured.calls) - MOST_BARS} more"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
