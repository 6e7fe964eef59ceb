"""Drawing: what simulations of a resolver cache found, as text for a terminal and as a picture that stands by itself."""

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Final, NamedTuple

from graph.loading.curves import DAY, Curves, Point
from graph.settings import BatchSettings

BARS: Final = 30
KIB: Final = 1_024
WIDTH, HEIGHT, LEFT, TOP, ACROSS, DOWN = 900, 300, 46, 44, 230, 190
PANEL: Final = WIDTH // 3
LINES: Final = {"s3fifo": "#2563b0", "lru": "#b45309", "lfu": "#4d7c0f", "stale": "#b91c1c", "calls": "#6d28d9"}
UNITS: Final = ((DAY, "d"), (3_600.0, "h"), (60.0, "m"), (1.0, "s"))
NOT_ENOUGH: Final = "Not enough data yet: fewer than 1,000 lookups were simulated at some point."


class Line(NamedTuple):
    """A line of a panel: its name, and its height (0 to 1) at each of the panel's marks; None where it is not known."""

    name: str
    heights: Sequence[float | None]


class Panel(NamedTuple):
    """One diagram: what it shows, the marks along its foot, the mark of now, from which mark on it is not allowed, and its lines."""

    title: str
    marks: Sequence[str]
    now: int | None
    forbidden_from: int | None
    lines: Sequence[Line]


def drawn_text(curves: Curves, knobs: BatchSettings) -> str:
    """Draw for a terminal: a row for each size and each time to live, the present one marked with *."""
    rows = ["Hit ratio by memory (bytes a process), at the present TTL", *_size_rows(curves), ""]
    rows += ["Hit ratio, out-of-date answers (most likely; at most, in 95 of 100 cases) and calls a day by TTL", *_ttl_rows(curves, knobs)]
    return "\n".join([*rows, *([] if curves.enough else ["", NOT_ENOUGH])]) + "\n"


def drawn_svg(curves: Curves, knobs: BatchSettings) -> str:
    """Draw as SVG: hit ratio by memory, hit ratio and out-of-date answers by TTL with what the owner forbids shaded, and calls a day."""
    parts = [part for number, panel in enumerate(_panels(curves, knobs)) for part in _panel(panel, number * PANEL)]
    note = [] if curves.enough else [_words(NOT_ENOUGH, WIDTH / 2, HEIGHT - 6, anchor="middle")]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="11">'
    )
    return "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fcfcfb"/>', *parts, *note, "</svg>"]) + "\n"


def size_in_words(size: float) -> str:
    """Write a size in bytes."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < KIB or unit == "GiB":
            return f"{size:.3g} {unit}"
        size /= KIB
    return ""


def span_in_words(seconds: float) -> str:
    """Write a span of time in its largest whole unit."""
    for length, unit in UNITS:
        if seconds >= length:
            return f"{seconds / length:.3g}{unit}"
    return f"{seconds:.3g}s"


def _size_rows(curves: Curves) -> Iterator[str]:
    for policy in dict.fromkeys([curves.policy, "s3fifo", "lru"]):
        for point in curves.by_size(policy):
            if not point.lookups:  # not simulated since the knobs were last turned
                continue
            mark = "*" if (point.bytes, policy) == (curves.bytes, curves.policy) else " "
            yield f"{mark} {policy:<7}{size_in_words(point.bytes):>10} {_bar(point.hit_ratio)} {point.hit_ratio:6.1%}"


def _ttl_rows(curves: Curves, knobs: BatchSettings) -> Iterator[str]:
    rate = curves.changes.rate()
    for point in curves.by_ttl():
        mark = "*" if point.ttl == curves.ttl else "!" if point.ttl > knobs.longest_ttl_seconds else " "
        stale = "?" if rate is None else f"{point.stale_share(rate.estimate):.2%}; {point.stale_share(rate.high):.2%}"
        calls = f"{_calls(curves)(point):,.0f} keys a day"
        yield f"{mark} {span_in_words(point.ttl):>7} {_bar(point.hit_ratio)} {point.hit_ratio:6.1%}  {stale:>16}  {calls}"


def _bar(share: float) -> str:
    full = round(min(1.0, max(0.0, share)) * BARS)
    return "█" * full + "·" * (BARS - full)


def _calls(curves: Curves) -> Callable[[Point], float]:
    return lambda point: point.fetch_ratio * curves.lookups_a_day


def _panels(curves: Curves, knobs: BatchSettings) -> Iterator[Panel]:
    sizes = sorted({point.bytes for point in curves.points})
    marks = [size_in_words(size) for size in sizes]
    policies = list(dict.fromkeys([curves.policy, "s3fifo", "lru"]))
    by_policy = {policy: {point.bytes: point.hit_ratio for point in curves.by_size(policy) if point.lookups} for policy in policies}
    lines = [Line(policy, [found.get(size) for size in sizes]) for policy, found in by_policy.items()]
    yield Panel("Hit ratio by memory", marks, _index(sizes, curves.bytes), None, lines)
    points = curves.by_ttl()
    ttls = [point.ttl for point in points]
    marks, now = [span_in_words(ttl) for ttl in ttls], _index(ttls, curves.ttl)
    forbidden = next((at for at, ttl in enumerate(ttls) if ttl > knobs.longest_ttl_seconds), None)
    rate = curves.changes.rate()
    stale = [] if rate is None else [Line("stale", [point.stale_share(rate.high) for point in points])]
    yield Panel(
        "Hit ratio and out-of-date share by TTL", marks, now, forbidden, [Line(curves.policy, [p.hit_ratio for p in points]), *stale]
    )
    most = max([_calls(curves)(point) for point in points], default=0.0) or 1.0
    title = f"Keys fetched a day by TTL (top: {most:,.0f})"
    yield Panel(title, marks, now, forbidden, [Line("calls", [_calls(curves)(point) / most for point in points])])


def _index(values: Sequence[float], value: float) -> int | None:
    return values.index(value) if value in values else None


def _panel(panel: Panel, left: int) -> Iterator[str]:
    """Draw one diagram."""
    x0, y0 = left + LEFT, TOP + DOWN
    step = ACROSS / max(1, len(panel.marks) - 1)
    yield _words(panel.title, x0, TOP - 22, more='font-weight="bold"')
    if panel.forbidden_from is not None:
        begin = x0 + max(0.0, panel.forbidden_from - 0.5) * step
        yield f'<rect x="{begin:.1f}" y="{TOP}" width="{x0 + ACROSS - begin:.1f}" height="{DOWN}" fill="#e7e5e4"/>'
    for quarter in range(5):
        y = y0 - quarter * DOWN / 4
        yield f'<path d="M{x0} {y:.1f}h{ACROSS}" stroke="#d6d3d1"/>'
        yield _words(f"{quarter * 25}%", x0 - 5, y + 4, anchor="end")
    if panel.now is not None:
        yield f'<path d="M{x0 + panel.now * step:.1f} {TOP}v{DOWN}" stroke="#78716c" stroke-dasharray="3 3"/>'
    for number, mark in enumerate(panel.marks):
        turned = f'transform="rotate(-40 {x0 + number * step:.1f} {y0 + 14})"'
        yield _words(mark, x0 + number * step, y0 + 14, anchor="end", more=turned)
    for number, line in enumerate(panel.lines):
        known = [(x0 + at * step, y0 - height * DOWN) for at, height in enumerate(line.heights) if height is not None]
        colour = LINES.get(line.name, "#1c1917")
        yield f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in known)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield _words(line.name, x0 + 60 * number, TOP - 8, fill=colour)


def _words(text: str, x: float, y: float, *, anchor: str = "start", fill: str = "#1c1917", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" {more}>{escape(text)}</text>'
