"""`activity demo` as people meet it: the whole bot on the sample company, in a real browser.

With ACTIVITY_SCREENSHOTS=docs the pictures of the README are made by the same run.
"""

import csv
import io
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from bot.demo.run import Demo
from reports.usage.format import number
from tests.bot.demo.page_help import chromium, needs_chromium, say, tab, watched

SCREENSHOTS = os.environ.get("ACTIVITY_SCREENSHOTS")
PHONE = {
    "viewport": {"width": 390, "height": 780},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def demo(browser):
    with Demo() as begun:
        begun.begin()
        with watched(begun), tab(browser, begun.page.url) as view:
            expect(view.locator("#status")).to_have_text("The bot is running", timeout=480_000)
            yield begun


@contextmanager
def acting(browser, demo, who, where="general", **how):
    with tab(browser, f"{demo.page.url}#{who}/{where}", **how) as view:
        expect(view.locator("#text")).to_be_visible()
        yield view


def asked(view, words):
    """Ask, and wait for the answer to be drawn."""
    expect(view.locator("#log")).to_have_attribute("aria-busy", "false")
    before = view.locator("#log > article").count()
    say(view, f"/activity {words}".strip())
    answer = view.locator("#log > article").nth(before)
    expect(answer).to_be_visible()
    return answer


def picture(view, name, of=None):
    """A picture for the README: of the whole page, or of one answer."""
    if SCREENSHOTS:
        view.wait_for_timeout(300)
        (of or view).screenshot(path=Path(SCREENSHOTS) / f"{name}.png")


def sent(demo, kind):
    """The newest answer's block of a kind, as the bot sent it."""
    blocks = demo.slack.responses[-1]["payload"]["blocks"]
    return next(block for block in blocks if block["type"] == kind)


def offered(view, **which):
    """The completions under the box."""
    return view.get_by_role("listbox", name="Completions").get_by_role("option", **which)


def rows(answer):
    return [line.split("\t") for line in answer.locator(".block-table tr").all_inner_texts()]


@needs_chromium
@pytest.mark.parametrize("who", ["ada", "farid"])
@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("tokens 1m by model", "Tokens by model, past month"),
        ("spend 1d by creator", "Spend by creator, past day"),
        ("cost last month by key top 5", "Spend by API key, last month"),
        ("requests 7d by model model:*claude*", "Requests by model, past 7 days"),
        ("by creator", "Activity by creator, past day"),
    ],
)
def test_answers_are_drawn_whole(browser, demo, who, words, title):
    with acting(browser, demo, who) as view:
        answer = asked(view, words)
        expect(answer.locator("h3")).to_have_text(title)
        expect(answer).to_contain_text("Only visible to you")
        table = sent(demo, "table")["rows"]
        assert rows(answer) == [[cell["text"] for cell in row] for row in table]
        series = sent(demo, "data_visualization")["chart"]["series"]
        assert answer.locator("svg[role=img] .series").count() == len(series)
        names = answer.locator(".chart .legend li").all_inner_texts()
        assert names == [one["name"] for one in series]
        assert view.locator(".refusal").count() == 0


@needs_chromium
def test_the_runaway_agent_of_last_night_stands_out(browser, demo):
    with acting(browser, demo, "ada") as view:
        answer = asked(view, "spend 1d by key top 3")
        assert rows(answer)[1][0] == "nightly-refactor-agent"


@needs_chromium
def test_a_change_is_explained_with_a_waterfall(browser, demo):
    # shared where no other test expects an empty channel
    with acting(browser, demo, "ada", "finance", viewport={"width": 1100, "height": 1300}) as view:
        answer = asked(view, "why spend last week by creator top 5 share")
        expect(answer.locator("h3")).to_have_text("What changed (spend) by creator, last week")
        image = answer.locator("img[alt^='Chart: What changed']")
        expect(image).to_be_visible()
        assert image.evaluate("one => one.complete && one.naturalWidth") == 1600
        assert rows(answer)[0][-4:] == ["Change", "Volume", "Mix", "Price"]
        assert rows(answer)[-1][0] == "All"
        picture(view, "why", of=answer)


@needs_chromium
@pytest.mark.parametrize(
    ("words", "title", "name"),
    [
        ("price 1m by model top 6", "Price by model, past month", "price"),
        ("forecast by creator top 6", "Forecast by creator, this month", "forecast"),
        ("limits top 6", "Limits", "limits"),
        ("keys top 6", "API keys", "keys"),
        ("whatif opus -> sonnet 1m by creator", "What if by creator, past month", "whatif"),
    ],
)
def test_answers_that_explain_are_drawn_whole(browser, demo, words, title, name):
    with acting(browser, demo, "ada", viewport={"width": 1100, "height": 1300}) as view:
        answer = asked(view, words)
        expect(answer.locator("h3")).to_contain_text(title)
        table = sent(demo, "table")["rows"]
        assert rows(answer) == [[cell["text"] for cell in row] for row in table]
        assert view.locator(".refusal").count() == 0
        picture(view, name, of=answer)


@needs_chromium
@pytest.mark.parametrize("who", ["ada", "farid"])
def test_me_is_whoever_one_acts_as(browser, demo, who):
    with acting(browser, demo, who) as view:
        answer = asked(view, "spend 1m by creator creator:me")
        names = {"ada": "Ada Okafor", "farid": "Farid Haddad"}
        assert [row[0] for row in rows(answer)] == ["Creator", names[who], "Total"]


@needs_chromium
@pytest.mark.parametrize("who", ["ada", "farid"])
def test_help_and_misspelt_words_are_answered(browser, demo, who):
    with acting(browser, demo, who) as view:
        wrong = asked(view, "tokns 1m")
        expect(wrong).to_contain_text("I don't recognize “tokns”.")
        expect(wrong.locator("code").first).to_have_text("/activity tokens 1m")
        help_ = asked(view, "help")
        expect(help_).to_contain_text("Ask about your OpenRouter usage")
        assert {"spend", "by model", "csv"} <= {
            word
            for code in help_.locator("code").all_inner_texts()
            for word in re.split(r"(?<!by) ", code)
        }


@needs_chromium
@pytest.mark.parametrize(
    ("who", "where", "said"),
    [
        ("guest", "general", "Guests can't see this organization's usage"),
        ("otto", "partners", "This bot only works for members of its own workspace."),
    ],
)
def test_guests_and_other_companies_are_refused(browser, demo, who, where, said):
    with acting(browser, demo, who, where) as view:
        expect(view.locator("#hint")).to_be_visible()
        answer = asked(view, "spend 1d by model")
        expect(answer).to_contain_text(said)
        assert answer.locator("table, svg[role=img]").count() == 0
        channels = view.locator("#channels button")
        expect(channels).to_have_text(re.compile(where))


@needs_chromium
def test_an_admin_reads_how_the_bot_is_and_who_did_what_and_others_are_told_who_may(browser, demo):
    with acting(browser, demo, "farid") as view:
        asked(view, "spend 1d by model")
        expect(asked(view, "status")).to_contain_text("The data is up to date.")
        expect(asked(view, "audit")).to_have_text(
            re.compile("Only bot admins can see the audit log. Ask @ada.")
        )
    with acting(browser, demo, "ada") as view:
        expect(asked(view, "status")).to_contain_text("Next reports")
        expect(asked(view, "audit")).to_contain_text(re.compile("@farid.* asked spend 1d by model"))
        expect(asked(view, "audit csv")).to_contain_text("to your DM.")
        expect(asked(view, "help running")).to_contain_text("Status and audit")


@needs_chromium
def test_one_can_become_somebody_else(browser, demo):
    with acting(browser, demo, "ada", "finance") as view:
        asked(view, "spend 1d")
        view.get_by_label("You are").select_option(label="Farid Haddad (creator)")
        expect(view.locator("#place-name")).to_have_text("#general")
        expect(view.get_by_role("button", name="finance")).to_have_count(0)
        asked(view, "requests 1h")
        assert demo.slack.responses[-1]["user"] == demo.slack.user("farid").id


@needs_chromium
def test_an_example_is_one_press_away(browser, demo):
    with acting(browser, demo, "kasia") as view:
        view.get_by_role("group", name="Examples").get_by_text("tokens 1m by model").click()
        expect(view.locator("#log h3")).to_have_text("Tokens by model, past month")


@needs_chromium
def test_a_shared_answer_is_everybodys(browser, demo):
    with (
        acting(browser, demo, "ada", "spend") as ada,
        acting(browser, demo, "hiro", "spend") as hiro,
    ):
        asked(ada, "spend 7d by model share")
        shared = hiro.locator("#log article").last
        expect(shared.locator("h3")).to_have_text("Spend by model, past 7 days")
        expect(shared.locator(".typed")).to_contain_text("Ada Okafor used /activity spend 7d")
        expect(shared.locator(".only-you")).to_have_count(0)


@needs_chromium
def test_the_home_tab_shows_usage_and_what_is_watched(browser, demo):
    with acting(browser, demo, "ada", viewport={"width": 1180, "height": 1000}) as view:
        view.get_by_role("button", name="Activity: Home").click()
        home = view.get_by_role("region", name="App Home")
        for part in ("Top creators", "Top models", "spike by key", "budget 80% 100%"):
            expect(home).to_contain_text(part)
        picture(view, "demo-home")


@needs_chromium
@pytest.mark.parametrize("who", ["ada", "farid"])
def test_both_files_of_an_answer_download_and_agree(browser, demo, who):
    with acting(browser, demo, who, "engineering", accept_downloads=True) as view:
        answer = asked(view, "tokens 7d by key")
        total = rows(answer)[-1][1]
        for kind in ("CSV", "PDF"):
            answer.get_by_role("button", name=kind).click()
            expect(view.locator("#log article").last).to_contain_text(
                re.compile("to your DM|here", re.IGNORECASE)
            )
        view.get_by_role("button", name="Activity: Messages").click()
        found = {}
        for ending in ("csv", "pdf"):
            link = view.get_by_role("link", name=re.compile(rf"Download .*\.{ending}$")).last
            expect(link).to_be_visible()
            with view.expect_download() as saved:
                link.click()
            found[ending] = saved.value.path().read_bytes()
        picture(view, "demo-files")
    table = list(csv.DictReader(io.StringIO(found["csv"].decode())))
    assert number(sum(int(row["Tokens"]) for row in table)) == total
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(found["pdf"])).pages)
    assert total in text


@needs_chromium
def test_everything_works_by_keyboard_alone(browser, demo):
    with acting(browser, demo, "grace") as view:
        keys = view.keyboard
        view.locator("a, button, input, select").first.focus()
        expect(view.get_by_text("Skip to the message box")).to_be_in_viewport()
        keys.press("Enter")
        expect(view.locator("#text")).to_be_focused()
        keys.type("/ac")
        expect(offered(view)).to_have_text(re.compile("/activity"))
        keys.press("Tab")
        keys.type("tok")
        keys.press("ArrowDown")
        expect(offered(view, selected=True)).to_have_text(re.compile("tokens"))
        keys.press("Enter")
        keys.type("by mo")
        keys.press("Tab")
        expect(view.locator("#text")).to_have_value("/activity tokens by model ")
        keys.press("Escape")
        expect(view.get_by_role("listbox")).to_be_hidden()
        keys.press("Enter")
        expect(view.locator("#log h3")).to_have_text("Tokens by model, past day")
        keys.press("ArrowUp")
        expect(view.locator("#text")).to_have_value("/activity tokens by model")
        keys.press("Alt+ArrowDown")
        expect(view.locator("#place-name")).to_have_text("#partners")
        expect(view.locator("#text")).to_be_focused()


@needs_chromium
def test_names_are_completed(browser, demo):
    with acting(browser, demo, "ada") as view:
        view.locator("#text").press_sequentially("/activity spend key:supp")
        view.keyboard.press("Tab")
        expect(view.locator("#text")).to_have_value("/activity spend key:support-bot ")
        view.locator("#text").fill("/activity model:opus")
        assert all("opus" in option for option in offered(view).all_inner_texts())


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_light_and_dark(browser, demo, scheme):
    where = {"light": "finance", "dark": "engineering"}[scheme]
    size = {"width": 1280, "height": 1120}
    with acting(browser, demo, "ben", where, color_scheme=scheme, viewport=size) as view:
        asked(view, "tokens 1m by model top 5")
        shade = "body => getComputedStyle(body).backgroundColor.match(/\\d+/g).map(Number)"
        red, *_ = view.locator("body").evaluate(shade)
        assert red > 200 if scheme == "light" else red < 60
        picture(view, f"demo-{scheme}")


@needs_chromium
def test_it_can_be_read_on_a_phone(browser, demo):
    with acting(browser, demo, "ada", "random", **PHONE) as view:
        answer = asked(view, "spend 7d by key top 5")
        assert view.evaluate("document.scrollingElement.scrollWidth") <= 390
        chart = answer.locator("svg[role=img]").bounding_box()
        assert chart
        assert chart["x"] + chart["width"] <= 390
        picture(view, "demo-phone")
        expect(view.get_by_role("button", name="engineering")).to_be_hidden()
        view.get_by_role("button", name="Show the sidebar").click()
        view.get_by_role("button", name="engineering").click()
        expect(view.locator("#place-name")).to_have_text("#engineering")
        expect(view.get_by_role("button", name="finance")).to_be_hidden()


@needs_chromium
def test_a_bot_stopped_under_the_page_is_told_and_comes_back(browser):
    with Demo() as demo, watched(demo):
        demo.begin()
        with acting(browser, demo, "ada") as view:
            expect(view.locator("#status")).not_to_have_text("The bot is starting")
            demo.stop_bot()
            expect(view.locator("#banner")).to_contain_text("The bot has stopped")
            failed = asked(view, "spend 1d")
            expect(failed).to_contain_text("dispatch_failed")
            demo.begin()
            expect(view.locator("#banner")).to_be_hidden()
            expect(asked(view, "help")).to_contain_text("in any order")


def test_it_is_started_and_ended_by_one_command(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "bot", "demo", "--port", str(port)]
        environment = {**os.environ, "TMPDIR": str(tmp_path), "HTTP_PROXY": "http://127.0.0.1:9"}
        started = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        line = started.stdout.readline()
    found = re.fullmatch(
        rf"Activity is at http://127\.0\.0\.1:(\d+)/ \(port {port} is taken\) .*\n", line
    )
    assert found
    socket.create_connection(("127.0.0.1", int(found[1])), timeout=60).close()
    assert [path.name[:14] for path in tmp_path.iterdir()] == ["activity-demo-"]
    started.send_signal(signal.SIGINT)
    rest, said = started.communicate(timeout=120)
    assert (started.returncode, rest, said) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@needs_chromium
def test_a_report_is_posted_where_one_looks_and_on_the_monday_that_one_jumps_to(browser, demo):
    with acting(browser, demo, "ada", "engineering") as view:
        before = view.locator("#log > article").count()
        view.get_by_role("button", name="Post last week's report now").click()
        report = view.locator("#log > article").nth(before)
        expect(report).to_contain_text("Spend by creator")
        expect(report).to_contain_text("Biggest changes")
        assert rows(report)[0] == ["Creator", "Spend", "Share", "Change", "Top model"]
        view.get_by_role("button", name="Jump to Monday 9:00").click()
        later = view.locator("#log > article").nth(before + 1)
        expect(later).to_contain_text("Scheduled for Mon", timeout=480_000)
        picture(view, "report")


def chooser(answer, action):
    return answer.locator(f'select[data-action="{action}"]')


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_answer_is_followed_up_by_choosing(browser, demo, scheme):
    where = {"light": "spend", "dark": "engineering"}[scheme]
    with acting(browser, demo, "ada", where, color_scheme=scheme) as view:
        answer = asked(view, "spend 7d by key")
        count = view.locator("#log > article").count()
        chooser(answer, "follow_metric").select_option(label="Tokens")
        expect(answer.locator("h3")).to_have_text("Tokens by API key, past 7 days")
        first = rows(answer)[1][0]
        chooser(answer, "follow_inside").select_option(label=first)
        expect(answer.locator("h3")).to_have_text("Tokens by model, past 7 days")
        expect(answer.locator("code").last).to_contain_text("tokens 7d by model key:")
        expect(chooser(answer, "follow_inside").locator("option:checked")).to_have_text(
            "Look inside a model"
        )
        chooser(answer, "follow_versus").select_option(label="vs the 7 days before")
        expect(answer.locator("tr").first).to_contain_text("Before")
        # shortly after midnight the column says through which day it counts
        *headers, change = rows(answer)[0]
        assert headers == ["Model", "Sum", "Share", "Before"]
        assert re.fullmatch(r"Change( through \d+ \w{3})?", change)
        chooser(answer, "follow_inside").select_option("out:0")
        expect(answer.locator("h3")).to_have_text("Tokens by API key, past 7 days")
        assert rows(answer)[1][0] == first
        assert view.locator("#log > article").count() == count
        assert view.locator(".refusal").count() == 0
        picture(view, f"follow-{scheme}")


@needs_chromium
def test_what_somebody_else_chooses_is_seen_by_them_alone(browser, demo):
    with (
        acting(browser, demo, "ada", "spend") as ada,
        acting(browser, demo, "hiro", "spend") as hiro,
    ):
        answer = asked(ada, "spend 7d by model")
        before = hiro.locator("#log > article").count()
        answer.get_by_role("button", name="Share").click()
        shared = hiro.locator("#log > article").nth(before)
        expect(shared).to_contain_text("shared this")
        chooser(shared, "follow_metric").select_option(label="Requests")
        theirs = hiro.locator("#log > article").last
        expect(theirs.locator("h3")).to_have_text("Requests by model, past 7 days")
        expect(theirs).to_contain_text("Only visible to you")
        expect(shared.locator("h3")).to_have_text("Spend by model, past 7 days")
        expect(ada.locator("#log h3").last).to_have_text("Spend by model, past 7 days")


@needs_chromium
def test_a_question_in_ones_own_words_is_answered_in_its_thread(browser, demo):
    with acting(browser, demo, "ada", "engineering") as view:
        before = view.locator("#log > article").count()
        say(view, "@Activity what did we spend on opus last week by person?")
        question = view.locator("#log > article").nth(before)
        answer = question.locator(".thread > article")
        expect(answer.last).to_contain_text("I read that as")
        expect(answer.locator("h3")).to_have_text("Spend by creator, last week")
        question.hover()
        question.get_by_role("button", name="Reply in thread").first.click()
        expect(view.locator("#text")).to_have_value("@activity ")
        say(view, "@activity by key")
        expect(question.locator("h3").last).to_have_text("Spend by API key, last week")
        assert view.locator(".refusal").count() == 0


@needs_chromium
def test_a_direct_message_is_answered_beside_it(browser, demo):
    with acting(browser, demo, "farid", "messages") as view:
        say(view, "how much did I spend this month?")
        answer = view.locator("#log > article").last
        expect(answer).to_contain_text("I read that as")
        expect(answer.locator("h3")).to_have_text("Spend, this month")
        say(view, "by model")
        expect(view.locator("#log h3").last).to_have_text("Spend by model, this month")


@needs_chromium
def test_what_stands_under_an_answer_fits_a_phone(browser, demo):
    with acting(browser, demo, "kasia", "spend", **PHONE) as view:
        answer = asked(view, "spend 7d by key top 5")
        assert view.evaluate("document.scrollingElement.scrollWidth") <= 390
        for control in answer.locator(".block-actions select, .block-actions button").all():
            box = control.bounding_box()
            assert box["x"] + box["width"] <= 390
        chooser(answer, "follow_by").select_option(label="By model")
        expect(answer.locator("h3")).to_have_text("Spend by model, past 7 days")
        picture(view, "follow-phone")
