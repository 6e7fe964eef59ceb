"""A server of its own for each test, and what else the tests of the shared tier stand on."""

from collections.abc import Iterator

import pytest

from graph.settings import SharedSettings
from graph.shared.sealing import Sealer
from tests.graph.shared.sharing import SECRET
from tests.redis_server import RedisServer, redis_running


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_running() as running:
        yield running


@pytest.fixture
def settings(server: RedisServer) -> SharedSettings:
    """Be patient: whether the machine of a test is busy is not what most tests are about."""
    return SharedSettings(url=server.url, keys=("env:SECRET",), connect_seconds=1.0, operation_seconds=1.0)


@pytest.fixture
def sealer() -> Sealer:
    return Sealer([SECRET])
