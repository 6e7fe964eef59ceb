"""Lines to systems that exist only in a test: a function from request to answer stands where the network would be."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec

from graph.loading.calls import Line
from graph.system_settings import SystemSettings
from graph.upstream.admission import Admission
from graph.upstream.connection import Upstream
from graph.upstream.errand import NOBODYS, Errand
from graph.upstream.quota import Quota
from graph.upstream.system import NoOptions, System

Handler = Callable[[httpx.Request], httpx.Response]
REGISTER = System("register", title="A register", owner="An agency", protocol="REST")


def settings(**changes: object) -> SystemSettings:
    """Make the settings of a line."""
    return msgspec.structs.replace(SystemSettings(url="http://agency.test/api", token="secret-token"), **changes)


def line(handler: Handler, system: System = REGISTER, *, options: msgspec.Struct | None = None, **changes: object) -> Upstream:
    """Make a line whose other end is `handler`."""
    return Upstream(system, settings(**changes), options=options or NoOptions(), transport=httpx.MockTransport(handler))


def xml_answer(body: str, status: int = 200) -> httpx.Response:
    """Make a SOAP answer around the given body element."""
    envelope = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>'
    return httpx.Response(status, content=envelope.encode(), headers={"content-type": "text/xml; charset=utf-8"})


def admission(name: str, system: SystemSettings, **changed: Any) -> Admission:
    """Make the admission of a system, without a quota; in virtual time to be made while its loop runs."""
    quota = changed.pop("quota", None) or Quota(Path(), None, None, 0.2, time.time)
    return Admission(name, system, quota, **changed)


def lines(upstreams: Mapping[str, Any], **changed: Any) -> dict[str, Line]:
    """Put each line behind an admission of its own."""
    return {name: Line(upstream, admission(name, upstream.settings, **changed)) for name, upstream in upstreams.items()}


class StandIn:
    """Stands where the line to a system would be; what batch functions get as `upstream` is whatever inherits from it."""

    settings = SystemSettings(url="http://agency.test/api", token="secret-token")
    errand = NOBODYS
    official: str | None = None
    message_id: str | None = None
    not_modified = False
    tells = False

    def call(self, errand: Errand = NOBODYS, *, revalidates: bool = False) -> Self:
        """Return itself: nothing is known of a single call."""
        del revalidates
        self.errand = errand
        self.official = errand.official
        return self
