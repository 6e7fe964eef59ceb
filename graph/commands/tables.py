"""How `motcua cache` shows caches, knobs, changes and purges on a terminal."""

from collections.abc import Iterable, Sequence

from rich.table import Table

from graph.commands.quantities import said_bytes, said_knob, said_seconds
from graph.loading.whatif import Expected, Prediction
from graph.operating.answers import CacheState, PurgeReport, Tuned

LEFT = {"batch function", "system", "knob", "from", "expected"}
WHY_NOT = {
    "too few lookups": "Not enough data yet to say what this would do: a thousand sampled lookups are needed.",
    "policy not simulated": "What this would do cannot be said: that eviction policy is not simulated beside the one in use.",
}
NOT_KNOWN = "how often records change is not known yet"
PURGED = {"person": "the person", "key": "the key", "batch": "the batch function", "system": "the system", "tag": "the tag"}


def cache_table(caches: Iterable[CacheState]) -> Table:
    """Show the cache of each batch function on one line, in figures of all workers since they began."""
    table = _table(
        "batch function", "system", "hit ratio", "lookups", "calls", "keys/call", "entries", "bytes", "evictions", "stale", "TTL"
    )  # fmt: skip
    for cache in caches:
        figures = cache.figures
        table.add_row(
            figures.name,
            figures.system,
            f"{figures.hits / figures.lookups:.1%}" if figures.lookups else "-",
            f"{figures.lookups:,}",
            f"{figures.calls:,}",
            f"{figures.call_keys / figures.calls:.1f}" if figures.calls else "-",
            f"{figures.entries:,}",
            said_bytes(figures.bytes),
            f"{figures.evictions:,}",
            f"{figures.stale_hits + figures.stale_on_error:,}",
            said_seconds(cache.knobs["ttl_seconds"].value),
        )
    return table


def knob_table(cache: CacheState) -> Table:
    """Show each knob with its value and where that comes from."""
    table = _table("knob", "value", "from")
    for name, knob in cache.knobs.items():
        table.add_row(name, said_knob(name, knob.value), f"[bold]{knob.origin}[/]" if knob.origin == "live" else knob.origin)
    return table


def turn_table(tuned: Tuned) -> Table:
    """Show each knob that changes, with what it was and what it becomes."""
    table = _table("knob", "before", "after")
    for name, turn in tuned.turns.items():
        table.add_row(name, said_knob(name, turn.before), said_knob(name, turn.after))
    if not tuned.turns:
        table.add_row("nothing changes", "", "")
    return table


def purge_words(report: PurgeReport) -> str:
    """Say what was forgotten, where, and whether that is sure; never whom it was about."""
    entries = sum(report.entries.values())
    lines = [f"Forgotten about {PURGED[report.by]}: {_counted(entries, 'entry', 'entries')}"]
    lines += [f"  {name}: {count:,}" for name, count in report.entries.items()]
    lines.append("Calls that were under way are not used: what they bring is older than the purge")
    lines.append(f"Workers: {report.workers_confirmed} of {report.workers_asked} confirmed{_silent(report.silent)}")
    if report.shared == "deleted":
        gone = _counted(report.shared_entries, "entry", "entries")
        lines.append(f"Shared tier: {gone} deleted; every process that uses it confirmed")
    elif report.shared == "unconfirmed":
        lines.append("[red]Shared tier: not reachable, or not every process that uses it confirmed[/]")
    confirmed = "Confirmed: nothing of it is served anywhere one second from now"
    lines.append(confirmed if report.confirmed else "[red]Not confirmed:[/] run it again when all is back; it does no harm twice")
    return "\n".join(lines)


def _silent(silent: Sequence[int]) -> str:
    return f"; [red]no answer from process {', '.join(map(str, silent))}[/]" if silent else ""


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold")
    for column in columns:
        table.add_column(column, justify="left" if column in LEFT else "right", no_wrap=True)
    return table


def prediction_table(prediction: Prediction) -> Table:
    """Show what is expected of the knobs as they are and as they are proposed, side by side."""
    table = _table("expected", "now", "proposed")
    now, proposed = prediction.now, prediction.proposed
    if now is not None and proposed is not None:
        table.add_row("hits", f"{now.hit_ratio:.1%}", f"{proposed.hit_ratio:.1%}")
        table.add_row("calls a day", f"{now.calls_a_day:,.0f}", f"{proposed.calls_a_day:,.0f}")
        table.add_row("out of date", _stale(now, "not known yet"), _stale(proposed, "not known yet"))
    return table


def prediction_words(prediction: Prediction) -> str:
    """Say in a sentence what the proposed knobs are expected to do, or why that cannot be said yet."""
    now, proposed = prediction.now, prediction.proposed
    if now is None or proposed is None:
        return WHY_NOT.get(prediction.why_not or "", "What this would do cannot be said")
    saved = now.calls_a_day - proposed.calls_a_day
    calls = f"{abs(saved):,.0f} calls a day {'fewer' if saved > 0 else 'more'}" if round(saved) else "as many calls as now"
    points = (proposed.hit_ratio - now.hit_ratio) * 100
    return f"This means about {calls}, {points:+.1f} points of hits; out of date: {_stale(proposed, NOT_KNOWN)}."


def _stale(expected: Expected, not_known: str) -> str:
    """Write the share of answers that are out of date, with its bounds; where too little was fetched again it may be any."""
    if expected.stale_high >= expected.hit_ratio > 0:
        return not_known
    return f"{expected.stale_share:.2%} ({expected.stale_low:.2%} to {expected.stale_high:.2%})"
