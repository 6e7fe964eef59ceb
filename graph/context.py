"""What one request carries through its whole life."""

import time
import uuid
from dataclasses import dataclass, field

from graph.loading.loaders import Loaders


@dataclass
class RequestContext:
    """The context value of one GraphQL request: its loaders, its id, and when it began (seconds of `time.perf_counter`)."""

    loaders: Loaders
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    began: float = field(default_factory=time.perf_counter)
