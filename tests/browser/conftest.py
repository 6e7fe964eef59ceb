"""One browser for all tests of the pages, and a fresh window for each."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import FLAGS, chromium_path
from tests.browser.visit import Visit


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, gateway_url: str) -> Iterator[Visit]:
    """Open a window as a fresh visitor; whatever a test does, nothing may be asked from outside and the console stays silent."""
    visit = Visit(browser, gateway_url)
    yield visit
    visit.context.close()
    assert visit.outside == []
    assert visit.complaints == []
