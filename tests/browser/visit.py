"""A browser window on the gateway that asks nothing from outside and notes every complaint."""

from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Route, expect

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
