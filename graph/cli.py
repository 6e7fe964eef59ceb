"""The `motcua` command: run gateway and sandbox, ask and explain a query, look at systems, caches and schema, and check queries."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import msgspec
from cyclopts import App, Parameter
from rich.markup import escape

from graph import serving
from graph.access.cost import Costings
from graph.access.marks import marks_of
from graph.app import load_schema
from graph.commands.cache import cache
from graph.commands.consents import consents
from graph.commands.consumers import consumers
from graph.commands.documents import documents
from graph.commands.policy import policy
from graph.commands.sandbox import sandbox
from graph.commands.systems import systems
from graph.commands.terminal import ERRORS, GATEWAY, WRONG, SettingsFile, Url, err, out, unreachable
from graph.errors import MotcuaError, SettingsWrong
from graph.execution.explain import explained
from graph.execution.explanation import Explanation
from graph.gateway import shown
from graph.lint import Finding, lint_document, lint_schema
from graph.operating.client import Unreachable
from graph.settings import DEFAULT_FILE, load_settings

MAX_WORKERS = 64
EPILOGUE = "Exit codes: 0 done, 1 answered with errors or found some, 2 wrong settings or usage, 3 the gateway cannot be reached."

app = App(name="motcua", help="One GraphQL door to the information systems of agencies.", help_epilogue=EPILOGUE)
app.command(cache)
app.command(systems)
app.command(sandbox)
app.command(consumers)
app.command(documents)
app.command(consents)
app.command(policy)

Port = Annotated[int, Parameter(help="Port on this machine.")]
Latency = Annotated[Literal["none", "office", "bad"], Parameter(help="How slowly the simulated agencies answer.")]
QueryFile = Annotated[str, Parameter(help="A file with a query, or - to read it from standard input.", allow_leading_hyphen=True)]
Variables = Annotated[str | None, Parameter(help="Variables as a JSON object, or @FILE with one.")]
Operation = Annotated[str | None, Parameter(help="Which operation of the document to run.")]
Key = Annotated[str | None, Parameter(help="API key to ask with; best given as MOTCUA_KEY.", env_var="MOTCUA_KEY", show_default=False)]
PurposeName = Annotated[str | None, Parameter(name="--purpose", help="What it is asked for; without it the consumer's usual purpose.")]


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
    workers: Annotated[int | None, Parameter(help="How many processes answer; without it what the settings say.")] = None,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Run the gateway with the systems of the settings file, until interrupted."""
    found = load_settings(settings)
    count = found.gateway.workers if workers is None else workers
    if not 1 <= count <= MAX_WORKERS:
        raise SettingsWrong(f"--workers: expected 1 to {MAX_WORKERS}")
    return serving.serve_together(found, workers=count, host=host, port=port, say=out.print, warn=err.print)


@app.command
def query(  # noqa: PLR0913 - each is an option of the command
    file: QueryFile,
    *,
    url: Url = GATEWAY,
    key: Key = None,
    purpose: PurposeName = None,
    variables: Variables = None,
    operation: Operation = None,
    raw: Annotated[bool, Parameter(help="Print the answer as it came, on one line.", negative=())] = False,
) -> int:
    """Send a query and print the answer; what it cost goes to standard error."""
    body = {"query": _document(file), "variables": _variables(variables), "operationName": operation, "extensions": {"report": True}}
    try:
        answer = ask(url, body, sent(key, purpose))
    except httpx.HTTPError as error:
        return unreachable(url, error)
    report = answer.get("extensions", {}).pop("report", None)
    if not answer.get("extensions", True):
        del answer["extensions"]
    print_answer(answer, raw=raw)
    if report:
        err.print(f"[dim]{serving.cost(report)}[/]")
    return ERRORS if answer.get("errors") else 0


@app.command
def explain(  # noqa: PLR0913 - each is an option of the command
    file: QueryFile,
    *,
    variables: Variables = None,
    operation: Operation = None,
    analyse: Annotated[bool, Parameter(help="Run it on the gateway, and show what each link and each call took.", negative=())] = False,
    url: Url = GATEWAY,
    key: Key = None,
    purpose: PurposeName = None,
    as_json: Annotated[bool, Parameter(name="--json", help="Print the explanation as JSON.", negative=())] = False,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Show which systems a query will ask, in which order and how often; without --analyse no gateway is needed."""
    found: Explanation | None = None
    if analyse:
        body = {"query": _document(file), "variables": _variables(variables), "operationName": operation, "extensions": {"plan": "analyse"}}
        try:
            answer = ask(url, body, sent(key, purpose))
        except httpx.HTTPError as error:
            return unreachable(url, error)
        errors = answer.get("errors", [])
        if plan := answer.get("extensions", {}).get("plan"):
            found = msgspec.convert(plan, Explanation)
    else:
        schema = load_schema(load_settings(settings, secrets=False))
        costings = Costings(marks_of(schema.documents.schema))
        planned = explained(schema, _document(file), _variables(variables), operation, quoting=costings.of)
        errors = [shown(error, "") for error in planned] if isinstance(planned, list) else []
        found = planned if isinstance(planned, Explanation) else None
    if found is not None:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n" if as_json else found.text())
    for wrong in errors:
        place = "".join(f":{at['line']}:{at['column']}" for at in wrong.get("locations", ())[:1])
        err.print(f"[red]{file}{place}:[/] {escape(wrong['message'])}")
    return ERRORS if errors else 0


@app.command
def check(
    *files: Annotated[Path, Parameter(help="Files with queries to check as well.")],
    strict: Annotated[bool, Parameter(help="Take warnings for errors.", negative=())] = False,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Look for trouble in the schema and in queries: many calls, endless lists, personal data in a query's text."""
    schema = load_schema(load_settings(settings, secrets=False))
    findings = [*lint_schema(schema), *(found for file in files for found in lint_document(schema, str(file), _text(file)))]
    for found in findings:
        sys.stdout.write(f"{found}\n")
    err.print(_summary(findings))
    grave = {"error", "warning"} if strict else {"error"}
    return ERRORS if any(found.severity in grave for found in findings) else 0


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


def sent(key: str | None, purpose: str | None) -> dict[str, str]:
    """Make the headers that say who asks, and what for."""
    return {name: value for name, value in (("X-API-Key", key), ("X-Purpose", purpose)) if value is not None}


def ask(url: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    """Send one request to the gateway; httpx.HTTPError where it cannot be reached or does not answer as a gateway does."""
    with err.status("Waiting for the answer"):  # shown on a terminal only
        accepted = {"accept": "application/graphql-response+json", **headers}
        response = httpx.post(f"{url}/graphql", json=body, headers=accepted, timeout=120)
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


def _summary(findings: list[Finding]) -> str:
    counts = [(sum(found.severity == severity for found in findings), severity) for severity in ("error", "warning", "info")]
    return ", ".join(f"{count} {severity}{'' if count == 1 or severity == 'info' else 's'}" for count, severity in counts)


def _document(file: str) -> str:
    return sys.stdin.read() if file == "-" else _text(Path(file))


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
    except Unreachable as error:
        sys.exit(unreachable(error.url, error.error))
    except MotcuaError as error:
        err.print(f"[red]motcua:[/] {error.message}")
        sys.exit(WRONG)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
