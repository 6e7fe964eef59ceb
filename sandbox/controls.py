"""The controls that tests use: counters, faults, capacities, TLS, changed names, health and personas."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.agencies.code_lists import CodeLists
from sandbox.capacity import CapacitySpecError, Pace, read_capacity
from sandbox.changes import Changes
from sandbox.counters import Counters
from sandbox.faults import FaultSpecError, read_fault
from sandbox.personas import PERSONAS
from sandbox.standing import Faults
from sandbox.tls import Fronts
from sandbox.world import World

Endpoint = Callable[[Request], Awaitable[Response]]


class State(NamedTuple):
    """What the controls show and turn."""

    systems: Collection[str]
    world: World
    lists: CodeLists
    counters: Counters
    faults: Faults
    pace: Pace
    changes: Changes
    fronts: Fronts | None


class WrongControlError(Exception):
    """A control was not used as described."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


def controls(state: State) -> list[Route]:
    """Make the addresses under /_sandbox."""
    return [
        *_counting(state),
        *_faulting(state),
        *_by_system(state.systems, "capacity", lambda system, spec: state.pace.bound(system, read_capacity(spec)), state.pace.unbound),
        *_renaming(state),
        Route("/_sandbox/health", _health),
        Route("/_sandbox/personas", _personas),
        Route("/_sandbox/tls", _tls(state.fronts)),
    ]


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _personas(_: Request) -> Response:
    return JSONResponse([persona._asdict() for persona in PERSONAS])


def _tls(fronts: Fronts | None) -> Endpoint:
    async def endpoint(_: Request) -> Response:
        return JSONResponse({"ports": {}} if fronts is None else fronts.report())

    return endpoint


def _faulting(state: State) -> list[Route]:
    def put(system: str, spec: Any) -> None:
        fault = read_fault(spec)
        if fault.kind == "expired_certificate":
            if state.fronts is None:
                raise FaultSpecError("expired_certificate needs a sandbox that speaks TLS: start it with --tls-port and --tls-folder.")
            state.fronts.drop(system)
        state.faults.put(system, fault)
        state.pace.renew()

    def clear(system: str | None) -> None:
        state.faults.clear(system)
        state.pace.renew()

    async def listed(_: Request) -> Response:
        return JSONResponse(state.faults.report())

    return [Route("/_sandbox/faults", listed, methods=["GET"]), *_by_system(state.systems, "faults", put, clear)]


def _counting(state: State) -> list[Route]:
    async def calls(_: Request) -> Response:
        return JSONResponse(state.counters.report())

    async def reset(_: Request) -> None:
        state.counters.reset()

    return [Route("/_sandbox/calls", calls, methods=["GET"]), Route("/_sandbox/calls", _told(reset), methods=["DELETE"])]


def _by_system(systems: Collection[str], control: str, put: Callable[[str, Any], None], clear: Callable[[str | None], None]) -> list[Route]:
    """Make a control that can be put for each system, and taken away from one or from all."""

    async def one(request: Request) -> None:
        system: str = request.path_params["system"]
        if system not in systems:
            raise WrongControlError(404, f"There is no system {system}; there are {', '.join(systems)}.")
        if request.method == "DELETE":
            clear(system)
        else:
            put(system, await _json(request))

    async def all_of_them(_: Request) -> None:
        clear(None)

    return [
        Route(f"/_sandbox/{control}/{{system}}", _told(one), methods=["PUT", "DELETE"]),
        Route(f"/_sandbox/{control}", _told(all_of_them), methods=["DELETE"]),
    ]


def _renaming(state: State) -> list[Route]:
    async def person(request: Request) -> None:
        personal_id: str = request.path_params["personal_id"]
        if state.world.person(personal_id) is None:
            raise WrongControlError(404, "The population system knows nobody of this number.")
        state.changes.rename_person(personal_id, await _text(request, "full_name"))

    async def row(request: Request) -> None:
        name, code = request.path_params["list"], request.path_params["code"]
        if not state.lists.has(name, code):
            raise WrongControlError(404, "There is no such list, or no such code in it.")
        state.changes.rename_row(name, code, await _text(request, "name"))

    async def undo_people(_: Request) -> None:
        state.changes.undo_people()

    async def undo_rows(_: Request) -> None:
        state.changes.undo_rows()

    return [
        Route("/_sandbox/people/{personal_id}", _told(person), methods=["PUT"]),
        Route("/_sandbox/people", _told(undo_people), methods=["DELETE"]),
        Route("/_sandbox/code-lists/{list}/{code}", _told(row), methods=["PUT"]),
        Route("/_sandbox/code-lists", _told(undo_rows), methods=["DELETE"]),
    ]


def _told(control: Callable[[Request], Awaitable[None]]) -> Endpoint:
    """Answer 204 where a control was used as described, and otherwise say what is wrong."""

    async def endpoint(request: Request) -> Response:
        try:
            await control(request)
        except WrongControlError as error:
            return JSONResponse({"error": error.why}, error.status)
        except (FaultSpecError, CapacitySpecError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return Response(status_code=204)

    return endpoint


async def _json(request: Request) -> Any:
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise WrongControlError(400, "The body is not JSON.") from None


async def _text(request: Request, name: str) -> str:
    spec = await _json(request)
    text = spec.get(name) if isinstance(spec, dict) and spec.keys() == {name} else None
    if not isinstance(text, str) or not text.strip():
        raise WrongControlError(400, f"The body is a JSON object with {name}, a text that is not empty.")
    return text
