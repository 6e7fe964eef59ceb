"""One browser for all tests of the pages, a fresh window for each, and the gateway as developers run it: with a key that GraphiQL sends."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import FLAGS, chromium_path
from tests.browser.visit import Visit
from tests.servers import changed_settings, ended, free_port, motcua, wait_for


@contextlib.contextmanager
def development(folder: Path, *, keep_nothing: bool = False, **system_settings: float) -> Iterator[str]:
    """Run the sandbox and the gateway with one command, with settings in a folder of their own; gives the gateway's address."""
    port, sandbox_port = free_port(), free_port()
    settings = folder / "motcua.toml"
    sandbox_url = f"http://127.0.0.1:{sandbox_port}"
    settings.write_text(changed_settings(sandbox_url, keep_nothing=keep_nothing, **system_settings), "utf-8")
    arguments = ("--port", str(port), "--sandbox-port", str(sandbox_port), "--settings", str(settings))
    with ended(motcua("dev", *arguments)) as process:
        wait_for(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="package")
def gateway_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name the address of a gateway with the project's own settings."""
    with development(tmp_path_factory.mktemp("development")) as url:
        yield url


@pytest.fixture(scope="package")
def forgetful_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name the address of a gateway that keeps nothing in its caches."""
    with development(tmp_path_factory.mktemp("forgetful"), keep_nothing=True) as url:
        yield url


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, gateway_url: str) -> Iterator[Visit]:
    """Open a window as a fresh visitor; whatever a test does, nothing may be asked from outside and the console stays silent."""
    yield from visited(browser, gateway_url)


@pytest.fixture
def forgetful(browser: Browser, forgetful_url: str) -> Iterator[Visit]:
    """Open a window on a gateway that keeps nothing, so that every query makes its calls."""
    yield from visited(browser, forgetful_url)


def visited(browser: Browser, url: str) -> Iterator[Visit]:
    """Open a window, and close it after a test."""
    visit = Visit(browser, url)
    yield visit
    visit.context.close()
    assert visit.outside == []
    assert visit.complaints == []
