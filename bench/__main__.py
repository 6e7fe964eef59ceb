"""Runs the sections, prints their tables, and writes the same figures as JSON."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from bench import access, caches, door, engine, loading, resilience
from bench.figures import Section, machine, write

SECTIONS: dict[str, Callable[[float], Section]] = {
    "door": door.measured,
    "engine": engine.measured,
    "loading": loading.measured,
    "caches": caches.measured,
    "resilience": resilience.measured,
    "access": access.measured,
}

app = App(name="bench", help="Measure the gateway, side by side and in one run.")


@app.default
def run(
    *,
    section: Annotated[str | None, Parameter(help=f"Only this one: {', '.join(SECTIONS)}.")] = None,
    seconds: Annotated[float, Parameter(help="How long to measure in each section; starting and warming up come on top.")] = 50.0,
    out: Annotated[Path, Parameter(help="Where to write the figures.")] = Path("bench/figures.json"),
) -> int:
    """Measure; 1 where any query failed, 2 where there is no such section."""
    if section is not None and section not in SECTIONS:
        print(f"There is no section {section}; there are {', '.join(SECTIONS)}", file=sys.stderr)
        return 2
    conditions = machine()
    print(", ".join(f"{name} {value}" for name, value in conditions.items()), flush=True)
    measured = [_measured(name, seconds) for name in SECTIONS if section in {None, name}]
    write(out, conditions, measured)
    return 1 if any(one.failures for one in measured) else 0


def _measured(name: str, seconds: float) -> Section:
    print(f"Measuring {name} for about {seconds:g} seconds", file=sys.stderr, flush=True)
    section = SECTIONS[name](seconds)
    print(f"\n{section.markdown()}", flush=True)
    return section


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell may have had the former ignored
        signal.signal(number, _interrupt)
    try:
        sys.exit(app(result_action="return_value"))
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
