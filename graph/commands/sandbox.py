"""`motcua sandbox`: run the simulated agencies, let things go wrong at them, heal them, and see how often they were asked."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn
from urllib.parse import quote

import httpx
from cyclopts import App, Parameter
from rich.markup import escape
from rich.table import Table

from graph import serving
from graph.commands.quantities import bytes_of, seconds_of, share_of
from graph.commands.terminal import UNREACHABLE, SettingsFile, err, out, print_table
from graph.errors import SettingsWrong
from graph.settings import DEFAULT_FILE

ADDRESS = "http://127.0.0.1:9000"
WAIT_SECONDS = 10.0
OF_THE_LIST = ("kind", "calls", "hits", "seconds_left", "times_left")

sandbox = App(name="sandbox", help="Run the simulated agencies, let things go wrong at them, and see how often they were asked.")

SandboxUrl = Annotated[str, Parameter(name="--url", help="Address of the sandbox.")]
AsJson = Annotated[bool, Parameter(name="--json", help="Print it as JSON.", negative=())]


@sandbox.default
def run(  # noqa: PLR0913 - each is an option of the command
    *,
    port: Annotated[int, Parameter(help="Port on this machine.")] = 9000,
    latency: Annotated[Literal["none", "office", "bad"], Parameter(help="How slowly the simulated agencies answer.")] = "none",
    seed: Annotated[int, Parameter(help="Another seed makes another population, and other draws of faults.")] = 2026,
    tls_port: Annotated[
        int | None, Parameter(help="Serve each system over TLS as well, the first at this port, the second at the next; 0 takes free ones.")
    ] = None,
    tls_folder: Annotated[Path | None, Parameter(help="Where the certificates are, or are written.")] = None,
    require_client_certificate: Annotated[bool, Parameter(help="Demand a client's certificate over TLS.", negative=())] = False,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Run the simulated agencies, until interrupted (also without a further command)."""
    tls = _tls(tls_port, tls_folder, require_client_certificate=require_client_certificate)
    return serving.run_sandbox(settings, port=port, latency=latency, seed=seed, say=out.print, tls=tls)


@sandbox.command
def fault(  # noqa: PLR0913 - each is an option of the command
    system: Annotated[str, Parameter(help="The agency at which something goes wrong.")],
    kind: Annotated[str, Parameter(help="What goes wrong: delay, reset, storm, flapping, half_capacity and others.")],
    *parameters: Annotated[str, Parameter(name="PARAM=VALUE", help="Such as seconds=2s, code=429, keys=KEY,KEY.")],
    lasting: Annotated[str | None, Parameter(name="--for", help="How long, such as 10s; without it until healed.")] = None,
    share: Annotated[str | None, Parameter(help="Which share of the calls it hits, such as 0.3 or 30%.")] = None,
    times: Annotated[int | None, Parameter(help="How many calls it hits.")] = None,
    operation: Annotated[str | None, Parameter(help="The one operation that it hits.")] = None,
    seed: Annotated[int | None, Parameter(help="The same seed hits the same calls; without it that of the sandbox.")] = None,
    url: SandboxUrl = ADDRESS,
) -> int:
    """Let something go wrong at an agency, instead of what went wrong there before."""
    options = {
        "for_seconds": None if lasting is None else seconds_of(lasting),
        "share": None if share is None else share_of(share),
        "times": times,
        "operation": operation,
        "seed": seed,
    }
    given = {name: value for name, value in options.items() if value is not None}
    _asked(url, "PUT", f"/faults/{quote(system, safe='')}", {"kind": kind, **dict(map(parameter_of, parameters)), **given})
    out.print(f"{escape(system)}: {escape(kind)} from now on")
    return 0


@sandbox.command
def heal(
    system: Annotated[str | None, Parameter(help="The agency to heal; without it all of them.")] = None, *, url: SandboxUrl = ADDRESS
) -> int:
    """Take the fault from an agency, or from all."""
    _asked(url, "DELETE", "/faults" if system is None else f"/faults/{quote(system, safe='')}")
    out.print(f"{'All agencies' if system is None else escape(system)}: healed")
    return 0


@sandbox.command
def faults(*, url: SandboxUrl = ADDRESS, as_json: AsJson = False) -> int:
    """List what is going wrong, whom it has hit so far, and when it ends."""
    found = _asked(url, "GET", "/faults")
    if as_json:
        return _printed(found)
    if not found:
        out.print("Nothing is going wrong.")
        return 0
    table = Table("system", "fault", "parameters", "calls", "hits", "ends", box=None, header_style="bold")
    for system, one in found.items():
        further = " ".join(f"{name}={value}" for name, value in one.items() if name not in OF_THE_LIST)
        table.add_row(system, one["kind"], escape(further), str(one["calls"]), str(one["hits"]), _end(one))
    print_table(table)
    return 0


@sandbox.command
def calls(*, url: SandboxUrl = ADDRESS, as_json: AsJson = False) -> int:
    """Count the calls to each agency since the sandbox began, or since they were last counted from nought."""
    found = _asked(url, "GET", "/calls")
    if as_json:
        return _printed(found)
    table = Table("system", "calls", "keys", "not modified", "operations", box=None, header_style="bold")
    for system, counted in found.items():
        operations = ", ".join(f"{name} {count}" for name, count in counted["operations"].items())
        table.add_row(system, str(counted["calls"]), str(counted["keys"]), str(counted["not_modified"]), escape(operations))
    print_table(table)
    return 0


def parameter_of(given: str) -> tuple[str, Any]:
    """Read PARAM=VALUE: durations and sizes in the words of all commands, keys as a list, anything else as JSON or as it stands.

    Which parameters there are is the sandbox's business, which refuses what it does not know.
    """
    name, is_there, text = given.partition("=")
    if not is_there or not name:
        raise SettingsWrong(f"{given}: expected PARAM=VALUE, such as seconds=2")
    name = name.strip().replace("-", "_")
    if name.endswith("seconds"):
        return name, seconds_of(text)
    if name == "bytes":
        return name, bytes_of(text)
    if name == "keys":
        return name, [key.strip() for key in text.split(",") if key.strip()]
    return name, share_of(text) if name == "share" else _value(text)


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=str)  # NaN is no JSON
    except ValueError:
        return text


def _tls(port: int | None, folder: Path | None, *, require_client_certificate: bool) -> serving.SandboxTls | None:
    if port is not None and folder is not None:
        return serving.SandboxTls(port, folder, require_client_certificate)
    if port is not None:
        raise SettingsWrong("--tls-port: expected --tls-folder as well, the folder of the certificates")
    if folder is not None or require_client_certificate:
        raise SettingsWrong("--tls-folder, --require-client-certificate: expected --tls-port as well")
    return None


def _asked(url: str, method: str, path: str, body: Any = None) -> Any:
    """Ask the sandbox and return what it says; a refusal is its own sentence, and where there is no sandbox the command ends."""
    address = url.rstrip("/")
    try:
        response = httpx.request(method, f"{address}/_sandbox{path}", json=body, timeout=WAIT_SECONDS)
        said = response.json() if response.content else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        _end_without_sandbox(address, str(error))
    if response.is_client_error and isinstance(said, dict) and "error" in said:
        raise SettingsWrong(said["error"])
    if not response.is_success:
        _end_without_sandbox(address, f"it answered with HTTP {response.status_code}, not as a sandbox does")
    return said


def _end_without_sandbox(url: str, why: str) -> NoReturn:
    err.print(f"[red]{url} cannot be reached:[/] {escape(why)}. Is the sandbox running (motcua sandbox)?")
    sys.exit(UNREACHABLE)


def _printed(found: Any) -> int:
    sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=2) + "\n")
    return 0


def _end(one: dict[str, Any]) -> str:
    ends = [f"in {one['seconds_left']:g}s"] if "seconds_left" in one else []
    ends += [f"after {one['times_left']} more"] if "times_left" in one else []
    return " or ".join(ends) or "when healed"
