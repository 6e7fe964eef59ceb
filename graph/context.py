"""What one request carries through its whole life."""

import time
import uuid
from dataclasses import dataclass, field

from graph.execution.permits import EVERYTHING, Permits
from graph.loading.loaders import Loaders


@dataclass
class RequestContext:
    """The context value of one GraphQL request: its loaders, its id, and when it began (seconds of `time.perf_counter`)."""

    loaders: Loaders
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    # What the caller may read: those who may not read the same never share a plan.
    allowed: Permits = EVERYTHING
    began: float = field(default_factory=time.perf_counter)
