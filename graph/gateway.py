"""One query's life: read, checked, run against the systems, and answered with whatever could be had."""

import asyncio
import math
import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from inspect import isawaitable
from types import TracebackType
from typing import Any, NamedTuple

import msgspec
from graphql import GraphQLError, OperationDefinitionNode
from strawberry.exceptions import MissingQueryError, StrawberryGraphQLError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from graph.access.allowances import Account
from graph.access.asker import Asker
from graph.access.checks import Admitted, Checks, Refused
from graph.access.texts import Texts
from graph.context import RequestContext
from graph.errors import BadInput, MotcuaError, TooCostly
from graph.execution.explain import Traced, explain
from graph.execution.schema import FastSchema, Prepared
from graph.loading.freshness import Freshness, freshness
from graph.loading.loaders import Loaders, Sources
from graph.loading.trace import TracedLoaders
from graph.operating.operations import Outcome
from graph.telemetry import event, frames
from graph.upstream.priority import Priority

ANALYSE = "analyse"

SUGGESTED = re.compile(r" Did you mean .*\?", re.DOTALL)
INTERNAL = "Something went wrong inside the gateway"

# graphql-core quotes values in these places of its messages; they may be personal data.
QUOTED = (
    (re.compile(r"[;,] found: .*", re.DOTALL), ""),
    (re.compile(r"(cannot represent [^:]*): .*", re.DOTALL), r"\1"),
    (re.compile(r"[Vv]alue .* does not exist in"), "The value does not exist in"),
    (re.compile(r"found (Int|Float|String|BlockString) .*", re.DOTALL), r"found \1"),
    (re.compile(r"Invalid (number|character)[^.]*", re.DOTALL), r"Invalid \1"),
    (re.compile(r", but encountered error '.*", re.DOTALL), ""),
)
QUERIES_ONLY = frozenset({OperationType.QUERY})
NO_SUBSCRIPTIONS = frozenset({OperationType.QUERY, OperationType.MUTATION})


class GraphQLRequest(msgspec.Struct, frozen=True, rename="camel"):
    """A request as it comes in; other members are passed over, as the specification of GraphQL over HTTP wants.

    It sends a document (`query`), or names one that is registered (`document_id`).
    """

    query: str | None = None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None
    document_id: str | None = None


@dataclass(frozen=True)
class Answer:
    """What goes back: `executed` tells an execution with errors from a request that was refused before it.

    `freshness` says for how long it may be kept outside, None where it may not: with any error, and with personal data unless allowed.
    Of an execution there is also what was executed (`operation`), and with which `loaders`. `retry_after_ms` says when a consumer that has
    used up what it may ask for may come again.
    """

    payload: dict[str, Any]
    executed: bool
    not_by_get: bool = False
    freshness: Freshness | None = None
    operation: OperationDefinitionNode | None = None
    loaders: Loaders | None = None
    retry_after_ms: int | None = None

    @property
    def outcome(self) -> Outcome:
        """Say how it went: all there, part of it, nothing, or not executed."""
        if not self.executed:
            return "refused"
        if "errors" not in self.payload:
            return "ok"
        data = self.payload["data"]
        return "failed" if data is None or all(value is None for value in data.values()) else "partial"

    @property
    def codes(self) -> Collection[str]:
        """Return the codes of its errors, each once."""
        errors = self.payload.get("errors")
        return {error["extensions"]["code"] for error in errors} if errors else ()


class Urgency:
    """How urgent a request is, and until when it waits (on the event loop's clock); `on_waiting` is called when it first has to.

    As a context it ends the request's time when that has come, and at the end frees what only this request was waiting for.
    """

    __slots__ = ("_loaders", "_timer", "ends_at", "on_waiting", "priority")

    def __init__(
        self, priority: Priority = Priority.CITIZEN, ends_at: float = math.inf, on_waiting: Callable[[], None] | None = None
    ) -> None:
        self.priority = priority
        self.ends_at = ends_at
        self.on_waiting = on_waiting
        self._timer: asyncio.TimerHandle | None = None
        self._loaders: Loaders | None = None

    def holds(self, loaders: Loaders) -> "Urgency":
        """Let loaders know how urgent it is."""
        self._loaders = loaders
        loaders.priority, loaders.ends_at, loaders.on_waiting = self.priority, self.ends_at, self._waits
        return self

    def _waits(self) -> None:
        if self._loaders is not None and self.ends_at < math.inf:
            self._timer = asyncio.get_running_loop().call_at(self.ends_at, self._loaders.expire)
        if self.on_waiting is not None:
            self.on_waiting()

    def __enter__(self) -> None:
        """Begin; a request that never waits costs nothing."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._loaders is not None and self._loaders.on_waiting is None:
            self._loaders.leave()


class Gateway:
    """Answers requests against one schema; made once and shared by all."""

    def __init__(self, schema: FastSchema, sources: Sources, texts: Texts, checks: Checks) -> None:
        """Take the schema, what all requests share, where documents come from, and what is checked before a query is run."""
        self.schema = schema
        self.sources = sources
        self.texts = texts
        self.checks = checks

    async def answer(
        self, request: GraphQLRequest, *, request_id: str, asker: Asker, read_only: bool = False, urgency: Urgency | None = None
    ) -> Answer:
        """Run one request to its end, which is at the latest when its time is over; `read_only` refuses all but queries.

        Never raises for anything that a caller or a system does.
        """
        account = self.checks.meter.account(asker.consumer)
        refused = account.begin()
        if refused is not None:
            answer = _refused([refused])
        else:
            try:
                answer = await self._timed(request, request_id, asker, account, urgency or Urgency(), read_only=read_only)
            finally:
                account.end()
        account.figures.note(answer.outcome, answer.codes)
        return answer

    async def _timed(
        self, request: GraphQLRequest, request_id: str, asker: Asker, account: Account, urgency: Urgency, *, read_only: bool
    ) -> Answer:
        """Run it within its time."""
        analysed = asker.explorer and (request.extensions or {}).get("plan") == ANALYSE
        loaders = (TracedLoaders if analysed else Loaders)(self.sources, asker.caller)
        try:
            with urgency.holds(loaders):
                context = RequestContext(loaders, request_id, asker.permits)
                return await self._answered(request, context, asker, account, read_only=read_only)
        except MotcuaError as error:
            return _refused([error])

    async def _answered(
        self, request: GraphQLRequest, context: RequestContext, asker: Asker, account: Account, *, read_only: bool
    ) -> Answer:
        """Read it, check it, run it, and answer."""
        processor = time.thread_time() if isinstance(context.loaders, TracedLoaders) else 0.0
        text = self.texts.of(asker, request.query, request.document_id, request.extensions)
        prepared = self._prepared(request, text.text, asker, read_only=read_only)
        if isinstance(prepared, Answer):
            return prepared
        checked = self.checks.checked(account, prepared.plan, prepared.variables, trusted=text.trusted)
        admitted = checked if isinstance(checked, Admitted | Refused) else await checked
        if isinstance(admitted, Refused):
            return _refused(admitted.errors)
        context.loaders.budget = admitted.budget
        result = self.schema.run(prepared, context)
        done = await result if isawaitable(result) else result
        return self._told(request, context, asker, Ran(prepared, admitted, done.data, done.errors or (), processor))

    def _prepared(self, request: GraphQLRequest, text: str, asker: Asker, *, read_only: bool) -> Prepared | Answer:
        """Read and plan an operation, or say why it cannot be run."""
        allowed = QUERIES_ONLY if read_only else NO_SUBSCRIPTIONS
        try:
            prepared = self.schema.prepare(text, request.variables, request.operation_name, allowed, asker.permits)
        except MissingQueryError:
            raise BadInput("The query is empty") from None
        except CannotGetOperationTypeError:
            raise BadInput("The document has no operation of that name") from None
        except InvalidOperationTypeError as error:
            refusal = BadInput(error.as_http_error_reason("GET" if read_only else "POST"))
            return Answer(_refused([refusal]).payload, executed=False, not_by_get=read_only)
        if isinstance(prepared, Prepared):
            return prepared
        errors = [shown(error, "") for error in prepared]
        return Answer({"errors": errors if asker.explorer else [_unsuggested(error) for error in errors]}, executed=False)

    def _told(self, request: GraphQLRequest, context: RequestContext, asker: Asker, ran: "Ran") -> Answer:
        """Word what came of a run: data, errors, and what was asked to be told beside them."""
        errors = [shown(error, context.request_id) for error in ran.errors]
        if ran.data is None and not any("path" in error for error in errors):
            return Answer({"errors": errors}, executed=False)
        account = ran.admitted.account
        fee = self.checks.fees.counted(account.figures, ran.prepared.plan, ran.data)
        account.ended(ran.admitted.budget)
        payload: dict[str, Any] = {"data": ran.data, **({"errors": errors} if errors else {})}
        wanted, extensions = request.extensions or {}, dict[str, Any]()
        if wanted.get("report") is True:
            extensions["report"] = {**_report(context), "cost": ran.admitted.cost, "feeVnd": fee}
        if asker.explorer and (wanted.get("plan") is True or wanted.get("plan") == ANALYSE):
            extensions["plan"] = self._plan(context, ran)
        if extensions:
            payload["extensions"] = extensions
        fresh = None if errors or extensions else freshness(context.loaders)
        return Answer(payload, executed=True, freshness=fresh, operation=ran.prepared.operation, loaders=context.loaders)

    def _plan(self, context: RequestContext, ran: "Ran") -> Any:
        """Explain how a request was answered and, where it was traced, what each link and each call took."""
        run = None
        if isinstance(context.loaders, TracedLoaders):
            took, worked = time.perf_counter() - context.began, time.thread_time() - ran.processor
            run = Traced(context.loaders, context.began, took * 1_000, worked * 1_000)
        prepared = ran.prepared
        reason = self.schema.reason_for_reference(prepared.document, prepared.operation)
        return msgspec.to_builtins(explain(prepared.plan, prepared.variables, reason=reason, run=run, quoting=ran.admitted.costing))


class Ran(NamedTuple):
    """A query that was run, and what came of it; `processor` is the processor time (in seconds) of the moment when it began."""

    prepared: Prepared
    admitted: Admitted
    data: dict[str, Any] | None
    errors: Sequence[GraphQLError]
    processor: float


def shown(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """Put an error into the form that a client sees: message, place, code; never a value, never the inside of the gateway."""
    known = next((cause for cause in _causes(error) if isinstance(cause, MotcuaError)), None)
    unknown = next((cause for cause in _causes(error) if not isinstance(cause, GraphQLError | MotcuaError)), None)
    if known is not None:
        message, extensions = _named(error, known), known.extensions()
    elif unknown is not None and error.path:
        log_fault(unknown, request_id)
        message, extensions = INTERNAL, {"code": "INTERNAL", "retryable": False}
    else:
        code = "INTERNAL" if error.path else "BAD_USER_INPUT"
        message, extensions = _unquoted(error.message), {"code": code, "retryable": False}
    places = [{"line": place.line, "column": place.column} for place in error.locations or ()]
    return {
        "message": message,
        **({"locations": places} if places else {}),
        **({"path": error.path} if error.path else {}),
        "extensions": extensions,
    }


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Walk from an error to what it was made from."""
    while error is not None:
        yield error
        error = error.original_error if isinstance(error, GraphQLError | StrawberryGraphQLError) else None


def _named(error: GraphQLError, known: MotcuaError) -> str:
    """Say which variable it was, where it was one."""
    variable = re.match(r"Variable '\$\w+'", error.message) if isinstance(known, BadInput) and not error.path else None
    return f"{variable[0]}: {known.message}" if variable else known.message


def _unquoted(message: str) -> str:
    for pattern, replacement in QUOTED:
        message = pattern.sub(replacement, message)
    return message


def log_fault(error: BaseException, request_id: str) -> None:
    """Write where it happened and of what kind it is, but not its words: they may quote a record."""
    event("internal_error", kind=type(error).__name__, request_id=request_id, at=frames(error))


def _unsuggested(error: dict[str, Any]) -> dict[str, Any]:
    """Take out what graphql-core suggests instead of a wrong name: to who may not look at the schema it would show it piece by piece."""
    return {**error, "message": SUGGESTED.sub("", error["message"])}


def _refused(errors: Sequence[MotcuaError]) -> Answer:
    """Answer a request that is not run with all that stands against it."""
    payload = {"errors": [{"message": error.message, "extensions": error.extensions()} for error in errors]}
    waits = [error.retry_after_ms for error in errors if isinstance(error, TooCostly) and error.retry_after_ms is not None]
    return Answer(payload, executed=False, retry_after_ms=max(waits, default=None))


def _report(context: RequestContext) -> dict[str, Any]:
    """Say what the request cost: calls, keys and cached keys for each system, and the time in milliseconds."""
    elapsed = (time.perf_counter() - context.began) * 1_000
    systems = {name: asdict(tally) for name, tally in context.loaders.tallies().items()}
    return {"milliseconds": round(elapsed, 2), "systems": systems}
