"""`motcua systems`: how each connected system is doing, and taking one out of service and back; in all workers at once."""

import sys
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import msgspec
from cyclopts import App, Parameter
from rich.live import Live
from rich.table import Table

from graph.commands.terminal import ERRORS, GATEWAY, SettingsFile, Url, err, out, print_table, unreachable
from graph.errors import SettingsWrong
from graph.operating.client import AdminClient
from graph.operating.systems import Service, SystemStates
from graph.settings import DEFAULT_FILE
from graph.upstream.figures import BOUNDS, Durations, SystemFigures

systems = App(name="systems", help="Show how each connected system is doing; take one out of service and back.")

Name = Annotated[str, Parameter(help="The system, as in the settings.")]
LEFT = {"system", "in service", "breaker", "reachable", "problem", "outcomes"}


@systems.default
def listed(
    *,
    watch: Annotated[bool, Parameter(help="Look again every second, until interrupted.", negative=())] = False,
    url: Url = GATEWAY,
    as_json: Annotated[bool, Parameter(name="--json", help="Print the figures as JSON.", negative=())] = False,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Show each system: whether it can be reached, and what the gateway has had from it since it began."""
    try:
        with err.status("Asking every system"):
            reached = httpx.get(f"{url}/readyz", timeout=30).json()["systems"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        return unreachable(url, error)
    try:
        client = AdminClient(url, settings)
    except SettingsWrong as missing:
        print_table(reach_table(reached))
        err.print(f"[dim]Figures are shown to operators only: {missing.message}[/]")
        return _all_reached(reached)
    if as_json:
        sys.stdout.write(msgspec.json.format(client.get("/systems")).decode() + "\n")
        return 0
    if watch:
        return _watched(client)
    print_table(reach_table(reached))
    out.print()
    print_table(system_table(_states(client)))
    return _all_reached(reached)


@systems.command
def drain(name: Name, *, url: Url = GATEWAY, settings: SettingsFile = DEFAULT_FILE) -> int:
    """Take a system out of service: no call to it is begun any more, also after a restart, until it is resumed."""
    return _told(AdminClient(url, settings).send("POST", f"/systems/{quote(name, safe='')}/drain"))


@systems.command
def resume(name: Name, *, url: Url = GATEWAY, settings: SettingsFile = DEFAULT_FILE) -> int:
    """Put a system into service again, with its breakers closed and its pauses over."""
    return _told(AdminClient(url, settings).send("POST", f"/systems/{quote(name, safe='')}/resume"))


def reach_table(reached: Mapping[str, Any]) -> Table:
    """Show which systems can be reached, how quickly, and how they are spoken to."""
    table = _table("system", "reachable", "ms", "protocol", "problem")
    for name, system in reached.items():
        answers = "[green]yes[/]" if system["reachable"] else "[red]no[/]"
        table.add_row(name, answers, f"{system['milliseconds']:.1f}", system["protocol"], system["problem"] or "")
    return table


def system_table(states: SystemStates) -> Table:
    """Show the figures of each system on a line."""
    table = _table(
        "system", "in service", "calls", "keys/call", "failed", "retries", "p50 s", "p99 s", "at once", "waiting", "breaker", "quota left",
        "refused",
    )  # fmt: skip
    for figures in states.systems:
        answered = figures.outcomes.get("OK", 0)
        table.add_row(
            figures.name,
            service_words(figures),
            f"{figures.calls:,}",
            f"{figures.keys / figures.calls:.1f}" if figures.calls else "-",
            f"{(figures.calls - answered) / figures.calls:.1%}" if figures.calls else "-",
            f"{figures.retries + figures.extra_calls:,}",
            at_most(figures.latency, 0.5),
            at_most(figures.latency, 0.99),
            f"{figures.under_way}/{figures.limit}",
            f"{figures.waiting:,}",
            breaker_words(figures),
            ", ".join(f"{max(0, quota.allowed - quota.used):,}/{_window(quota.seconds)}" for quota in figures.quotas) or "-",
            ", ".join(f"{why} {count:,}" for why, count in sorted(figures.refused.items())) or "-",
        )
    return table


def service_words(figures: SystemFigures) -> str:
    """Say whether calls are made at all."""
    if figures.drained:
        return "[red]drained[/]"
    if figures.closed_until is not None:
        opens = datetime.fromtimestamp(figures.closed_until)  # noqa: DTZ006 - as the operator's clock has it
        return f"[yellow]closed until {opens:%d.%m. %H:%M}[/]"
    return "[green]yes[/]"


def breaker_words(figures: SystemFigures) -> str:
    """Name the operations that are left alone, or say that there is none."""
    broken = [f"{operation} {state.replace('_', ' ')}" for operation, state in figures.breakers.items() if state != "closed"]
    return f"[red]{', '.join(broken)}[/]" if broken else "closed"


def at_most(durations: Durations, share: float) -> str:
    """Write the bound that this share of the durations does not exceed."""
    whole, seen = sum(durations.counts), 0
    for bound, count in zip(BOUNDS, durations.counts, strict=False):
        seen += count
        if whole and seen >= share * whole:
            return f"≤{bound:g}"
    return f">{BOUNDS[-1]:g}" if whole else "-"


def _window(seconds: int) -> str:
    return {60: "min", 86_400: "day"}.get(seconds, f"{seconds} s")


def _watched(client: AdminClient) -> int:
    with Live(system_table(_states(client)), refresh_per_second=1, console=out) as live:
        try:
            while True:
                time.sleep(1)
                live.update(system_table(_states(client)))
        except KeyboardInterrupt:
            return 0


def _states(client: AdminClient) -> SystemStates:
    return msgspec.json.decode(client.get("/systems"), type=SystemStates)


def _told(answer: bytes) -> int:
    service = msgspec.json.decode(answer, type=Service)
    if not service.silent:
        out.print(f"{service.name} is {'out of service' if service.drained else 'in service'}, in all workers.")
    else:
        err.print(f"[yellow]No answer from process {', '.join(map(str, service.silent))}[/]")
    return ERRORS if service.silent else 0


def _all_reached(reached: Mapping[str, Any]) -> int:
    return 0 if all(system["reachable"] for system in reached.values()) else ERRORS


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold")
    for column in columns:
        table.add_column(column, justify="left" if column in LEFT else "right", no_wrap=True)
    return table
