"""The window of an agency: what happens to each call, from reading it to answering it, rightly or wrongly."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from sandbox.agency import Agency, Answer, Call, Enquiry, Found, Reason, RefusedError
from sandbox.broken import broken, left, response_of
from sandbox.capacity import Pace
from sandbox.counters import Counters
from sandbox.faults import ROW_FAULTS, Fault, disturb
from sandbox.latency import Sleep
from sandbox.spoiling import spoiled
from sandbox.standing import Faults

BODY_LIMIT: Final = 1 << 20


class Window:
    """Answers every call to one agency."""

    def __init__(self, agency: Agency, counters: Counters, pace: Pace, faults: Faults, closing: asyncio.Event, sleep: Sleep) -> None:
        self._agency = agency
        self._counters = counters
        self._pace = pace
        self._faults = faults
        self._closing = closing
        self._sleep = sleep

    async def answer(self, request: Request, operation: str) -> Response:
        """Read, count, wait, and answer; a fault in force takes the place of the honest answer."""
        enquiry, refusal = None, None
        call = Call(operation, request.headers, tuple(request.query_params.multi_items()), request.path_params, await _body(request))
        operation = self._agency.operation(call)
        try:
            enquiry = self._read(call)
        except RefusedError as error:
            refusal = error
        keys = enquiry.keys if enquiry else ()
        self._counters.count(self._agency.system, operation, len(keys))
        await self._pace.wait(self._agency.system, len(keys))
        fault = self._faults.take(self._agency.system, operation, keys)
        honest = self._honest(enquiry, refusal, fault)
        if fault is None or fault.kind == "undecodable":
            return self._revalidated(call, honest)
        if fault.kind == "delay":
            await self._sleep(fault.seconds)
            return self._revalidated(call, honest)
        return await self._faulty(request, fault, honest)

    def _revalidated(self, call: Call, honest: Answer) -> Response:
        """Answer, or say that the caller has that answer already."""
        response = response_of(honest)
        known = call.headers.get("if-none-match", "")
        if not honest.etag or not {"*", honest.etag} & {tag.strip().removeprefix("W/") for tag in known.split(",")}:
            return response
        self._counters.count_not_modified(self._agency.system)
        return Response(status_code=304, headers={"ETag": honest.etag})

    def _read(self, call: Call) -> Enquiry:
        if len(call.body) > BODY_LIMIT:
            raise RefusedError(Reason.TOO_LARGE, "the request is larger than one mebibyte")
        return self._agency.read(call)

    def _honest(self, enquiry: Enquiry | None, refusal: RefusedError | None, fault: Fault | None) -> Answer:
        """Write the answer, with the rows disturbed if that is the fault in force."""
        if enquiry is None:
            return self._agency.refuse(refusal or RefusedError(Reason.TROUBLE, "trouble"))
        try:
            found = self._found(enquiry, fault)
        except RefusedError as error:
            return self._agency.refuse(error)
        return self._agency.write(enquiry, found)

    def _found(self, enquiry: Enquiry, fault: Fault | None) -> Found:
        if fault and fault.kind == "undecodable":
            return spoiled(self._agency.system, enquiry, fault.keys, self._agency.find)
        found = self._agency.find(enquiry)
        return disturb(fault.kind, found, self._foreign_row(enquiry)) if fault and fault.kind in ROW_FAULTS else found

    def _foreign_row(self, enquiry: Enquiry) -> bytes:
        for other in self._agency.others(enquiry):
            if rows := self._agency.find(other).rows:
                return rows[0]
        return b""

    async def _faulty(self, request: Request, fault: Fault, honest: Answer) -> Response:
        if fault.kind == "hang":
            await self._hang(request)
            return response_of(self._agency.refuse(RefusedError(Reason.TROUBLE, "the sandbox is closing")))
        if fault.kind in {"status", "poison", "storm"} or (fault.kind == "flapping" and fault.by == "status"):
            return self._status(fault)
        if fault.kind == "fault_in_200":
            return response_of(self._agency.refuse(RefusedError(Reason.HIDDEN_TROUBLE, "trouble at the agency"))._replace(status=200))
        return broken(fault, honest)

    def _status(self, fault: Fault) -> Response:
        reason = Reason.TROUBLE
        if fault.code == 401:
            reason = Reason.UNKNOWN_CALLER
        elif fault.code < 500 and fault.code != 429:
            reason = Reason.WRONG_REQUEST
        answer = self._agency.refuse(RefusedError(reason, "trouble at the agency"))
        response = response_of(answer._replace(status=fault.code))
        if fault.retry_after is not None:
            response.headers["Retry-After"] = str(fault.retry_after)
        return response

    async def _hang(self, request: Request) -> None:
        """Wait until the client has gone or the sandbox closes."""
        closing = asyncio.ensure_future(self._closing.wait())
        leaving = asyncio.ensure_future(left(request.receive))
        try:
            await asyncio.wait({closing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            closing.cancel()
            leaving.cancel()


async def _body(request: Request) -> bytes:
    """Read the body, but no more than one piece past the limit."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_LIMIT:
                break
    except ClientDisconnect:
        return b""
    return bytes(body)
