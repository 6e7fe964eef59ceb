"""The `motcua` command: run the gateway, run the sandbox, ask a query, look at systems and schema."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from graph import serving
from graph.app import load_schema
from graph.errors import MotcuaError, SettingsWrong
from graph.settings import DEFAULT_FILE, load_settings

GATEWAY = "http://127.0.0.1:8000"
ERRORS, WRONG, UNREACHABLE = 1, 2, 3
EPILOGUE = "Exit codes: 0 done, 1 answered with errors, 2 wrong settings or usage, 3 the gateway cannot be reached."

app = App(name="motcua", help="One GraphQL door to the information systems of agencies.", help_epilogue=EPILOGUE)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

SettingsFile = Annotated[Path, Parameter(name="--settings", env_var="MOTCUA_SETTINGS", help="The settings file.")]
Port = Annotated[int, Parameter(help="Port on this machine.")]
Latency = Annotated[Literal["none", "office", "bad"], Parameter(help="How slowly the simulated agencies answer.")]
Url = Annotated[str, Parameter(help="Address of the gateway.")]


@app.command
def dev(
    *,
    port: Port = 8000,
    sandbox_port: Port = 9000,
    latency: Latency = "none",
    query: Annotated[Path | None, Parameter(help="A query to send, and print the answer of, as soon as everything is ready.")] = None,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Run sandbox and gateway together, until interrupted."""
    return serving.develop(settings, port=port, sandbox_port=sandbox_port, latency=latency, first_query=query, say=out.print)


@app.command
def serve(
    *,
    host: Annotated[str, Parameter(help="Address to listen at.")] = "127.0.0.1",
    port: Port = 8000,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Run the gateway with the systems of the settings file, until interrupted."""
    return serving.serve(load_settings(settings), host=host, port=port, say=out.print)


@app.command
def sandbox(
    *,
    port: Port = 9000,
    latency: Latency = "none",
    seed: Annotated[int, Parameter(help="Another seed makes another population.")] = 2026,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Run the simulated agencies, until interrupted."""
    return serving.run_sandbox(settings, port=port, latency=latency, seed=seed, say=out.print)


@app.command
def query(
    file: Annotated[str, Parameter(help="A file with a query, or - to read it from standard input.", allow_leading_hyphen=True)],
    *,
    url: Url = GATEWAY,
    variables: Annotated[str | None, Parameter(help="Variables as a JSON object, or @FILE with one.")] = None,
    operation: Annotated[str | None, Parameter(help="Which operation of the document to run.")] = None,
    raw: Annotated[bool, Parameter(help="Print the answer as it came, on one line.", negative=())] = False,
) -> int:
    """Send a query and print the answer; what it cost goes to standard error."""
    document = sys.stdin.read() if file == "-" else _text(Path(file))
    body = {"query": document, "variables": _variables(variables), "operationName": operation, "extensions": {"report": True}}
    try:
        answer = ask(url, body)
    except httpx.HTTPError as error:
        err.print(f"[red]{url} cannot be reached:[/] {error}. Is the gateway running (motcua dev)?")
        return UNREACHABLE
    report = answer.get("extensions", {}).pop("report", None)
    if not answer.get("extensions", True):
        del answer["extensions"]
    print_answer(answer, raw=raw)
    if report:
        err.print(f"[dim]{serving.cost(report)}[/]")
    return ERRORS if answer.get("errors") else 0


@app.command
def systems(*, url: Url = GATEWAY) -> int:
    """Show each connected system: whether the gateway reaches it, how quickly, and how it is spoken to."""
    try:
        known = httpx.get(f"{url}/readyz", timeout=30).json()["systems"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        err.print(f"[red]{url} cannot be reached:[/] {error}. Is the gateway running (motcua dev)?")
        return UNREACHABLE
    table = Table("system", "reachable", "ms", "protocol", "problem", box=None, header_style="bold")
    for name, system in known.items():
        reachable = "[green]yes[/]" if system["reachable"] else "[red]no[/]"
        table.add_row(name, reachable, f"{system['milliseconds']:.1f}", system["protocol"], system["problem"] or "")
    out.print(table)
    return 0 if all(system["reachable"] for system in known.values()) else ERRORS


@app.command
def schema(
    *,
    write: Annotated[Path | None, Parameter(help="Write it to this file instead of printing it.")] = None,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Print the schema in the schema definition language."""
    text = load_schema(load_settings(settings, secrets=False)).as_str() + "\n"
    if write is None:
        sys.stdout.write(text)
    else:
        write.write_text(text, "utf-8")
        err.print(f"{write} written")
    return 0


def ask(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send one request to the gateway; httpx.HTTPError where it cannot be reached or does not answer as a gateway does."""
    response = httpx.post(f"{url}/graphql", json=body, headers={"accept": "application/graphql-response+json"}, timeout=120)
    try:
        answer = response.json()
    except ValueError:
        message = f"it answered with HTTP {response.status_code} and no JSON"
        raise httpx.DecodingError(message) from None
    return dict(answer)


def print_answer(answer: dict[str, Any], *, raw: bool = False) -> None:
    """Print an answer, in colour on a terminal."""
    if raw:
        sys.stdout.write(json.dumps(answer, ensure_ascii=False, separators=(",", ":")) + "\n")
    else:
        out.print_json(json.dumps(answer, ensure_ascii=False))


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsWrong(f"{file}: cannot be read: {error}") from None


def _variables(given: str | None) -> dict[str, Any] | None:
    if given is None:
        return None
    try:
        variables = json.loads(_text(Path(given[1:])) if given.startswith("@") else given)
    except json.JSONDecodeError as error:
        raise SettingsWrong(f"--variables: not JSON: {error}") from None
    if not isinstance(variables, dict):
        raise SettingsWrong("--variables: expected a JSON object")
    return variables


def main() -> None:
    """Run the command; a wrong setting is one line on standard error."""
    try:
        sys.exit(app(result_action="return_value"))
    except MotcuaError as error:
        err.print(f"[red]motcua:[/] {error.message}")
        sys.exit(WRONG)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
