"""Alerts as people meet them in the demo: one fires while one watches, and its buttons work."""

import re

import pytest
from playwright.sync_api import expect

from bot.demo.run import Demo
from tests.bot.demo.page_help import chromium, needs_chromium, say, tab, watched


@pytest.fixture(scope="module")
def opened():
    """Ada's direct messages, opened as soon as the page is there."""
    with chromium() as browser, Demo() as demo:
        demo.begin()
        with watched(demo), tab(browser, f"{demo.page.url}#ada/messages") as view:
            expect(view.locator("#text")).to_be_visible()
            yield demo, view


def fired(view):
    """The message about the agent that runs in circles."""
    found = view.locator("#log > article", has_text="OpenRouter spend spike: ci-review")
    expect(found).to_be_visible(timeout=480_000)
    return found


@needs_chromium
def test_an_alert_fires_while_one_watches_and_is_drawn_whole(opened):
    _, view = opened
    alert = fired(view)
    expect(alert.locator("h3").first).to_have_text(re.compile("spend spike: ci-review"))
    # on a weekend night, the key normally rests
    expect(alert).to_contain_text(re.compile(r"for this hour of the week|usually \$0\."))
    expect(alert.locator("svg[role=img]")).to_be_visible()
    for label in ("Show details", "Acknowledge", "Change threshold", "Mute"):
        expect(alert.get_by_role("button", name=label)).to_be_visible()
    assert view.locator(".refusal").count() == 0


@needs_chromium
def test_its_details_are_one_press_away(opened):
    _, view = opened
    fired(view).get_by_role("button", name="Show details").click()
    # found by its title and not by its place: another alert may come in between
    title = view.locator("h3", has_text=re.compile("^Spend by model"))
    answer = view.locator("#log > article", has=title).last
    expect(answer).to_contain_text("key:ci-review")


@needs_chromium
def test_it_is_acknowledged_and_snoozed_in_its_message(opened):
    _, view = opened
    alert = fired(view)
    alert.get_by_role("button", name="Acknowledge").click()
    expect(alert).to_contain_text("acknowledged this")
    alert.locator("select").select_option(label="1 hour")
    expect(alert).to_contain_text("Snoozed until")


@needs_chromium
def test_a_rule_is_set_up_listed_and_deleted(opened):
    demo, view = opened
    view.get_by_role("button", name=re.compile("general")).click()
    say(view, "/activity alert spend > $90000 per month")
    made = view.locator("#log > article").last
    expect(made).to_contain_text("Alert set:")
    expect(made).to_contain_text("(whole organization)")
    say(view, "/activity alerts")
    listed = view.locator("#log > article").last
    expect(listed).to_contain_text("All alerts (4)")
    listed.get_by_role("button", name="Delete").last.click()
    view.get_by_role("button", name="Delete", exact=True).last.click()
    expect(view.locator("#log > article").last).to_contain_text("Deleted:")
    ada = demo.slack.user("ada").id
    assert len(demo.bot.alerts.rules.of(ada)) == 3
