"""Home and modals on the page, as a person meets them: look, press, be corrected, save."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from playwright.sync_api import Page as Tab

from bot.demo.run import Demo
from tests.bot.demo.page_help import chromium, needs_chromium, tab
from tests.world import wait_until

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """A demo whose first sync is done."""
    with Demo() as begun:
        begun.begin()
        wait_until(lambda: not begun.bot.ready(), 180)
        yield begun


def home(page: Tab) -> None:
    """Open the Home on the left, and wait for it to be drawn."""
    page.locator("[data-place=home]").click()
    expect(page.locator("#home")).to_contain_text("Top creators, past month")


def test_a_schedule_is_made_in_a_modal_that_says_what_is_wrong(browser, demo):
    with tab(browser, f"{demo.page.url}#ada/general") as page:
        home(page)
        expect(page.locator("#home")).to_contain_text("None yet. A schedule posts")
        page.get_by_role("button", name="New schedule").click()
        modal = page.locator("#modal")
        expect(modal).to_contain_text("Preview")
        expect(modal.get_by_text("Days", exact=True)).to_be_visible()
        modal.get_by_label("How often").select_option("monthly")
        expect(modal.get_by_text("Days", exact=True)).to_have_count(0)
        expect(modal).to_contain_text("(last month)")
        modal.get_by_label("Time zone").fill("Berln")
        modal.get_by_role("button", name="Save").click()
        expect(modal.locator(".wrong")).to_contain_text("Did you mean Europe/Berlin?")
        modal.get_by_label("Time zone").fill("Europe/Berlin")
        modal.get_by_label("CSV").check()
        modal.get_by_role("button", name="Save").click()
        expect(modal).not_to_be_visible()
        expect(page.locator("#home")).to_contain_text("My schedules (1)")
        expect(page.locator("#home")).to_contain_text("spend last month by creator csv")
        page.locator("[data-action=schedule_pause]").click()
        expect(page.locator("#home")).to_contain_text("paused by")


def test_an_alert_is_made_and_edited_in_a_modal(browser, demo):
    with tab(browser, f"{demo.page.url}#ben/general") as page:
        home(page)
        page.get_by_role("button", name="New alert").click()
        modal = page.locator("#modal")
        expect(modal).to_contain_text("(whole organization)")
        modal.get_by_label("Limit").fill("€5")
        modal.get_by_role("button", name="Save").click()
        expect(modal.locator(".wrong")).to_contain_text("US dollars")
        modal.get_by_label("Limit").fill("$90000")
        modal.get_by_role("button", name="Save").click()
        expect(page.locator("#home")).to_contain_text("My alerts (1)")
        page.locator("#home").get_by_role("button", name="Edit").click()
        modal.get_by_label("Alert when").select_option("credits")
        expect(modal).to_contain_text("Balance below")
        modal.get_by_role("button", name="Save").click()
        expect(page.locator("#home")).to_contain_text("credits < $100")


def test_the_shortcut_asks_by_choosing(browser, demo):
    with tab(browser, f"{demo.page.url}#ada/messages") as page:
        page.locator("[data-shortcut]").click()
        modal = page.locator("#modal")
        modal.get_by_label("What", exact=True).select_option("tokens")
        expect(modal).to_contain_text("/activity tokens 1d")
        modal.get_by_label("Group by").select_option("model")
        modal.get_by_role("button", name="Ask", exact=True).click()
        expect(modal).not_to_be_visible()
        expect(page.locator("#log")).to_contain_text("Tokens by model, past day")


def test_a_guest_reads_why_there_is_nothing(browser, demo):
    with tab(browser, f"{demo.page.url}#guest/general") as page:
        page.locator("[data-place=home]").click()
        expect(page.locator("#home")).to_contain_text("Guests can't see this organization's usage")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_home_and_modals_fit_a_phone(browser, demo, scheme):
    narrow = {"width": 360, "height": 740}
    url = f"{demo.page.url}#elena/general"
    with tab(browser, url, viewport=narrow, color_scheme=scheme) as page:
        page.locator("#menu").click()
        page.locator("[data-place=home]").click()
        expect(page.locator("#home")).to_contain_text("Top creators, past month")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.locator("#home").evaluate("one => one.scrollWidth <= one.clientWidth")
        page.get_by_role("button", name="New alert").click()
        expect(page.locator("#modal")).to_contain_text("Alert when")
        assert page.locator("#modal").evaluate("one => one.scrollWidth <= one.clientWidth")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#modal")).not_to_be_visible()
