"""The page at `/` in a real browser: it opens with the examples, runs them, and asks for nothing from outside."""

import re

import httpx
from playwright.sync_api import expect

from tests.browser.visit import Visit


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
