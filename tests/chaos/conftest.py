"""How long the chaos lasts, and which one it is."""

import os

import pytest

AROUND_SECONDS = 110
"""What starting, recovering and closing idle connections may take beside the chaos itself, on a busy machine."""


def chaos_seconds(config: pytest.Config) -> float:
    """Read for how long; the option has precedence over the environment."""
    given: float | None = config.getoption("--chaos-seconds")
    return float(os.environ.get("MOTCUA_CHAOS_SECONDS", "60")) if given is None else given


@pytest.fixture
def seconds(request: pytest.FixtureRequest) -> float:
    """For how long everything goes wrong."""
    return chaos_seconds(request.config)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Which chaos it is."""
    found: int = request.config.getoption("--chaos-seed")
    return found


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give the test of real processes the time that it takes."""
    for item in items:
        if item.path.name == "test_chaos.py":
            item.add_marker(pytest.mark.timeout(chaos_seconds(config) + AROUND_SECONDS))
