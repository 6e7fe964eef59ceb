"""What all commands have in common: where they print, how they end, and the options that several of them take."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

WIDEST = 1_000
GATEWAY = "http://127.0.0.1:8000"
ERRORS, WRONG, UNREACHABLE = 1, 2, 3

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

SettingsFile = Annotated[Path, Parameter(name="--settings", env_var="MOTCUA_SETTINGS", help="The settings file.")]
Url = Annotated[str, Parameter(help="Address of the gateway.")]


def print_table(table: Table) -> None:
    """Print a table at its full width, however narrow the terminal, or where there is none: half a name or figure is worth nothing."""
    width = Measurement.get(out, out.options.update(width=WIDEST), table).maximum
    Console(highlight=False, width=width).print(table)


def unreachable(url: str, error: Exception) -> int:
    """Say that a gateway is not there, and return the exit code for it."""
    err.print(f"[red]{url} cannot be reached:[/] {error}. Is the gateway running (motcua dev)?")
    return UNREACHABLE
