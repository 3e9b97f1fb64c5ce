"""What the tests of the page share: a browser, blocks of every kind, and a bot of their own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from playwright.sync_api import Page as Tab

from bot.demo.run import Demo

# the shell has no window to draw, and takes half the time
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE = 120_000
"""Milliseconds that a page may take on a busy machine."""
expect.set_options(timeout=_PATIENCE)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that talks to nobody but the pages it is shown."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_QUIET))
        yield browser
        browser.close()


@contextmanager
def tab(browser: Browser, url: str, **how: Any) -> Iterator[Tab]:
    """A tab on the page, which fails the test if the page's own script fails."""
    how.setdefault("viewport", {"width": 1280, "height": 860})
    context = browser.new_context(locale="en-US", timezone_id="Europe/Berlin", **how)
    context.set_default_timeout(_PATIENCE)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if _is_ours(said.text) else None)
    page.goto(url)
    expect(page.locator("#log")).to_have_attribute("aria-busy", "false")
    yield page
    context.close()
    assert not wrong


def _is_ours(said: str) -> bool:
    return "Content Security" in said


@contextmanager
def watched(demo: Demo) -> Iterator[None]:
    """The bot looked at a few times a second, as `activity demo` does."""
    stop = Event()

    def look() -> None:
        while not stop.wait(0.2):
            demo.look()

    watching = Thread(target=look)
    watching.start()
    try:
        yield
    finally:
        stop.set()
        watching.join()


def say(page: Tab, words: str) -> None:
    """Type into the box and send."""
    page.locator("#text").fill(words)
    page.locator("#text").press("Enter")


def mrkdwn(words: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": words}


def plain(words: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": words}


def section(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(words), **more}


def options(*words: str) -> list[dict[str, Any]]:
    return [{"text": plain(word.capitalize()), "value": word} for word in words]


def chart(kind: str, **series: list[float]) -> dict[str, Any]:
    """A native chart of these series over days."""
    days = [f"{day + 1} Nov" for day in range(len(next(iter(series.values()))))]
    drawn = [
        {
            "name": name,
            "data": [{"label": d, "value": v} for d, v in zip(days, values, strict=True)],
        }
        for name, values in series.items()
    ]
    axis = {"categories": days, "y_label": "USD", "x_label": "day"}
    inside = {"type": kind, "series": drawn, "axis_config": axis}
    return {"type": "data_visualization", "title": f"A {kind} chart", "chart": inside}


PIE = {
    "type": "data_visualization",
    "title": "A pie",
    "chart": {
        "type": "pie",
        "segments": [{"label": "opus", "value": 75}, {"label": "gemini", "value": 25}],
    },
}
BUTTONS = {
    "type": "actions",
    "block_id": "buttons",
    "elements": [
        {"type": "button", "text": plain("CSV"), "action_id": "csv", "value": "range-7"},
        {
            "type": "button",
            "text": plain("Delete"),
            "action_id": "delete",
            "style": "danger",
            "confirm": {
                "title": plain("Are you sure?"),
                "text": mrkdwn("This *cannot* be undone."),
                "confirm": plain("Delete it"),
                "deny": plain("Keep it"),
            },
        },
        {
            "type": "static_select",
            "placeholder": plain("Group by"),
            "action_id": "by",
            "options": options("model", "key", "creator"),
        },
        {"type": "overflow", "action_id": "more", "options": options("pause", "resume")},
        {
            "type": "multi_static_select",
            "placeholder": plain("Metrics"),
            "action_id": "metrics",
            "options": options("spend", "tokens", "requests"),
        },
    ],
}
MODAL = {
    "type": "modal",
    "callback_id": "schedule",
    "title": plain("A schedule"),
    "submit": plain("Save"),
    "blocks": [
        section("Where and when should it be posted?"),
        {
            "type": "input",
            "block_id": "what",
            "label": plain("Question"),
            "hint": plain("The words after the command"),
            "element": {"type": "plain_text_input", "action_id": "question"},
        },
        {
            "type": "input",
            "block_id": "how",
            "label": plain("How often"),
            "element": {
                "type": "static_select",
                "action_id": "often",
                "options": options("daily", "weekly"),
                "initial_option": options("weekly")[0],
            },
        },
        {
            "type": "input",
            "block_id": "where",
            "label": plain("Channel"),
            "element": {"type": "conversations_select", "action_id": "channel"},
        },
        {
            "type": "input",
            "block_id": "files",
            "optional": True,
            "label": plain("With"),
            "element": {
                "type": "checkboxes",
                "action_id": "files",
                "options": options("csv", "pdf"),
            },
        },
        {
            "type": "input",
            "block_id": "time",
            "label": plain("At"),
            "element": {"type": "timepicker", "action_id": "time", "initial_time": "09:00"},
        },
    ],
}
