"""The page at `/` in a real browser: it opens with the examples, runs them, and asks for nothing from outside."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Route, expect, sync_playwright

from tests.browser.chromium import FLAGS, chromium_path

INSIDE = ("127.0.0.1", "localhost")
STORED_QUERY = "text => (JSON.parse(localStorage.getItem('graphiql:tabState'))?.tabs ?? []).some(tab => tab.query?.includes(text))"


class Visit:
    """A browser window on the gateway, and what it tried that it should not."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.context = browser.new_context(base_url=url, viewport={"width": 1400, "height": 900})
        self.page = self.context.new_page()
        self.outside: list[str] = []
        self.complaints: list[str] = []
        self.context.route("**/*", self._only_inside)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self) -> Page:
        """Open the page and wait until the editor shows a query."""
        self.page.goto("/")
        expect(self.editor).not_to_be_empty()
        return self.page

    @property
    def editor(self) -> Locator:
        return self.page.get_by_label("Operation Editor").locator(".view-lines")

    @property
    def tabs(self) -> Locator:
        return self.page.get_by_label("Select active operation").locator(".graphiql-tab-button")

    @property
    def answer(self) -> Locator:
        return self.page.get_by_label("Result Window").locator(".view-lines")

    def write(self, query: str) -> None:
        """Replace the query, and wait until the page has stored it."""
        self.editor.click()
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.insert_text(query)
        self.page.wait_for_function(STORED_QUERY, arg=query)

    def _only_inside(self, route: Route) -> None:
        if urlsplit(route.request.url).hostname in INSIDE:
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


@pytest.fixture(scope="module")
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


def test_the_first_example_is_answered_after_one_click(visit: Visit) -> None:
    page = visit.open()

    page.get_by_role("button", name=re.compile("^Execute query")).click()

    expect(visit.answer).to_contain_text('"citizen"')
    expect(visit.answer).to_contain_text(re.compile(r'"099\d+"'))


def test_every_example_has_a_tab_and_the_first_is_in_front(visit: Visit, gateway_url: str) -> None:
    examples = httpx.get(f"{gateway_url}/examples.json").json()

    visit.open()

    expect(visit.tabs).to_have_count(len(examples))
    expect(visit.page.locator(".graphiql-tab-active")).to_have_count(1)
    expect(visit.tabs.first.locator("xpath=..")).to_have_class(re.compile("graphiql-tab-active"))


def test_the_variables_of_the_first_example_are_filled_in(visit: Visit, gateway_url: str) -> None:
    first = httpx.get(f"{gateway_url}/examples.json").json()[0]

    visit.open()

    shown = visit.page.get_by_label("Variables").locator(".graphiql-editor:not(.hidden) .view-lines")
    for word in re.findall(r"\w+", first["variables"]):
        expect(shown).to_contain_text(word)


def test_a_visitors_own_tab_is_neither_lost_nor_doubled_by_a_reload(visit: Visit) -> None:
    page = visit.open()
    examples = visit.tabs.count()
    page.get_by_role("button", name="New tab").click()
    visit.write("query MyOwn { __typename }")

    page.reload()

    expect(visit.tabs).to_have_count(examples + 1)
    expect(visit.tabs.last).to_have_text("MyOwn")
    expect(visit.editor).to_contain_text("MyOwn")


def test_a_reload_before_everything_is_stored_doubles_no_tab(visit: Visit) -> None:
    page = visit.open()
    page.get_by_role("button", name="New tab").click()
    visit.write("query MyOwn { __typename }")
    page.wait_for_function("() => !localStorage.getItem('graphiql:variables')")
    before = visit.tabs.count()

    visit.tabs.first.click()
    page.wait_for_function("() => !localStorage.getItem('graphiql:query').includes('MyOwn')")
    page.reload()

    expect(visit.editor).not_to_be_empty()
    expect(visit.tabs).to_have_count(before)


def test_the_schema_is_documented_beside_the_query(visit: Visit) -> None:
    page = visit.open()

    page.get_by_role("button", name="Show Documentation Explorer").click()

    expect(page.locator(".graphiql-plugin")).to_contain_text("Query")


def test_the_schema_marks_a_field_that_does_not_exist(visit: Visit) -> None:
    page = visit.open()

    visit.write("query MyOwn { thereIsNoSuchField }")

    expect(page.locator(".squiggly-error").first).to_be_attached()


def test_the_page_is_light_or_dark_as_the_visitor_has_set(visit: Visit) -> None:
    shades = []
    for scheme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=scheme)
        visit.open()
        shades.append(visit.page.locator(".graphiql-container").evaluate("element => getComputedStyle(element).backgroundColor"))

    assert shades[0] != shades[1]


def test_the_page_bears_the_name_of_the_gateway(visit: Visit) -> None:
    page = visit.open()

    expect(page).to_have_title("Motcua")
    expect(page.locator(".graphiql-logo")).to_have_text("Motcua")
