"""The panel "Plan" in a real browser: it runs the query and draws which systems were asked, and when."""

import re

from playwright.sync_api import Page, expect

from tests.browser.visit import Visit


def open_panel(visit: Visit) -> Page:
    page = visit.open()
    page.get_by_role("button", name="Show Plan").click()
    return page


def test_the_panel_draws_the_waves_and_a_bar_for_each_call(forgetful: Visit) -> None:
    page = open_panel(forgetful)

    page.get_by_role("button", name="Explain").click()

    waves = page.get_by_role("region", name="Waves")
    for system in ("population", "insurance", "tax", "business", "code_lists"):
        expect(waves).to_contain_text(system)
    expect(waves).to_contain_text("citizen.businesses[].tax")
    expect(waves.get_by_role("heading")).to_contain_text(["Wave 1", "Wave 2", "Wave 3"])
    calls = page.get_by_role("region", name="Calls").get_by_role("listitem")
    expect(calls.first).to_contain_text(re.compile(r"population citizen_by_id\s*[\d.]+ ms"))
    bars = page.locator(".plan-bar")
    assert bars.count() == calls.count() > 5
    assert all(bar.bounding_box()["width"] > 0 for bar in bars.all())  # type: ignore[index]  # each is drawn


def test_the_panel_can_be_used_with_the_keyboard(visit: Visit) -> None:
    page = open_panel(visit)

    page.get_by_role("button", name="Explain").focus()
    page.keyboard.press("Enter")
    batch = page.get_by_role("region", name="Waves").locator("summary").first
    expect(batch).to_be_visible()
    batch.focus()
    page.keyboard.press("Enter")

    expect(page.locator(".plan-tree details").first).not_to_have_attribute("open", re.compile(".*"))


def test_a_query_that_is_wrong_is_said_to_be_so(visit: Visit) -> None:
    page = open_panel(visit)
    visit.write("query MyOwn { thereIsNoSuchField }")

    page.get_by_role("button", name="Explain").click()

    expect(page.get_by_role("region", name="Plan").get_by_role("alert")).to_contain_text("thereIsNoSuchField")
    [complaint] = visit.complaints
    assert "400" in complaint  # the browser itself writes every refused request to the console
    visit.complaints.clear()


def test_a_plan_belongs_to_its_own_tab_and_no_answer_is_kept(visit: Visit) -> None:
    page = open_panel(visit)
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_role("region", name="Waves")).to_be_visible()
    expect(visit.answer).to_be_empty()

    visit.tabs.nth(1).click()

    expect(page.get_by_role("region", name="Waves")).to_have_count(0)
    stored = page.evaluate("() => JSON.stringify(localStorage)")
    assert "analyse" not in stored
    assert 'fullName\\":' not in stored
