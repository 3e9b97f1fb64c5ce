"""The page in a real browser: every block, control, modal and file, whichever bot sends them."""

import re

import pytest
from playwright.sync_api import expect
from slack_bolt import App

from bot.demo.page import Page
from tests.bot.demo.page_help import (
    BUTTONS,
    MODAL,
    PIE,
    chart,
    chromium,
    mrkdwn,
    needs_chromium,
    plain,
    say,
    section,
    tab,
)
from tests.bot.demo.slack_help import client_of

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(slack, bot_client):
    about = {"team": "Test & <b>Sons</b>", "examples": ["help"], "words": [], "greeting": "Hello."}
    served = Page(slack, about=about).start()
    served.actions.bot_client = bot_client
    served.show_status({"state": "up"})
    yield served
    served.stop()


@pytest.fixture
def view(browser, page):
    with tab(browser, page.url) as opened:
        yield opened


@pytest.fixture
def post(slack):
    client, channel = client_of(slack), slack.channel("general").id

    def send(*blocks, text="for those who listen", **more):
        return client.chat_postMessage(channel=channel, text=text, blocks=list(blocks), **more)

    return send


def newest(view):
    return view.locator("#log article").last


def test_mrkdwn_is_drawn_as_slack_draws_it(view, post, slack):
    ada = slack.user("ada").id
    post(
        section(
            f"*bold* _slanted_ ~gone~ `*code*` <https://a.example/x|label> <@{ada}> :warning:"
            " 2*3*4 snake_case_name &lt;b&gt; &amp;amp;\n&gt; a quote\nafter\n```\n*kept*\n```"
        )
    )
    words = newest(view).locator(".words")
    assert words.locator("strong").all_inner_texts() == ["bold"]
    assert words.locator("em").all_inner_texts() == ["slanted"]
    assert words.locator("s").all_inner_texts() == ["gone"]
    expect(words.locator("code")).to_have_text("*code*")
    expect(words.locator("a")).to_have_attribute("href", "https://a.example/x")
    expect(words.locator("a")).to_have_attribute("rel", "noopener noreferrer")
    expect(words.locator(".mention")).to_have_text("@ada")
    expect(words.locator("blockquote")).to_have_text("a quote")
    expect(words.locator("pre")).to_have_text("*kept*")
    expect(words).to_contain_text("⚠️ 2*3*4 snake_case_name <b> &amp;")


def test_dates_are_the_readers_own(view, post):
    post(section("<!date^1790000000^{date_num} {time}|fallback> <!date^x^{date}|fallback>"))
    expect(newest(view).locator(".words")).to_have_text("2026-09-21 4:13 PM fallback")


@pytest.mark.parametrize(
    "hostile",
    ["<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "javascript:alert(1)", "</pre>"],
)
def test_hostile_names_stay_text(view, post, hostile):
    escaped = hostile.replace("<", "&lt;").replace(">", "&gt;")
    post(
        {"type": "header", "text": plain(hostile)},
        section(escaped, fields=[mrkdwn(f"`{escaped}`")]),
        section("<javascript:alert(1)|press>"),
        {"type": "table", "rows": [[{"type": "raw_text", "text": hostile}]]},
        chart("bar", **{hostile[:20]: [1.0]}),
    )
    drawn = newest(view)
    expect(drawn.locator("h3")).to_have_text(hostile)
    expect(drawn.locator("th")).to_have_text(hostile)
    expect(drawn.locator(".legend span")).to_have_text(hostile[:20])
    assert drawn.locator("script, .words img, a").count() == 0
    expect(view.locator("#team")).to_have_text("Test & <b>Sons</b>")


def test_tables_have_heads_and_aligned_cells(view, post):
    rows = [["Model", "Spend"], ["opus", "$15.9"], ["gemini", "$3"]]
    post(
        {
            "type": "table",
            "column_settings": [{"is_wrapped": True}, {"align": "right"}],
            "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in rows],
        }
    )
    table = newest(view).get_by_role("table")
    assert table.locator("tr").all_inner_texts() == ["\t".join(row) for row in rows]
    expect(table.get_by_role("columnheader")).to_have_count(2)
    expect(table.get_by_role("cell", name="$15.9")).to_have_css("text-align", "right")


def test_data_tables_sort_numbers_as_numbers(view, post):
    def row(name, value):
        number = {"type": "raw_number", "value": value, "text": f"${value}"}
        return [{"type": "raw_text", "text": name}, number]

    heads = [{"type": "raw_text", "text": head} for head in ("Model", "USD")]
    rows = [heads, row("a", 3), row("b", 12), row("c", 7)]
    post({"type": "data_table", "caption": "Spend by model", "rows": rows})
    table = newest(view).get_by_role("table", name="Spend by model")
    for expected in ("bca", "acb"):
        table.get_by_role("button", name="USD").click()
        expect(table.locator("tbody")).to_have_text(re.compile(".*".join(expected), re.DOTALL))


@pytest.mark.parametrize(("kind", "shape"), [("bar", "rect"), ("line", "path"), ("area", "path")])
def test_charts_are_drawn_with_axes_and_legend(view, post, kind, shape):
    post(chart(kind, opus=[1500, 2_500_000, 0], gemini=[1, 2, 3]))
    drawn = newest(view).locator("figure")
    expect(drawn.locator("figcaption")).to_have_text(f"A {kind} chart")
    expect(drawn.get_by_role("img")).to_have_attribute(
        "aria-label",
        f"{kind} chart, 1 Nov to 3 Nov, in all: opus 2.5M, gemini 6 USD",
    )
    assert drawn.locator(".series").count() == 2
    assert drawn.locator(f".series {shape}").count() >= 2
    assert drawn.locator(".legend li").all_inner_texts() == ["opus", "gemini"]
    texts = drawn.locator("svg text").all_text_contents()
    assert {"0", "1M", "3M", "1 Nov", "3 Nov", "USD", "day"} <= set(texts)
    drawn.get_by_text("Show the numbers").click()
    assert drawn.locator("tbody tr").first.inner_text().split() == ["1", "Nov", "1.5K", "1"]


def test_pies_say_their_shares(view, post):
    post(PIE)
    drawn = newest(view).locator("figure")
    expect(drawn.locator("path")).to_have_count(2)
    assert drawn.locator(".legend li").all_inner_texts() == ["opus\n75 (75%)", "gemini\n25 (25%)"]


def test_a_chart_under_the_pointer_says_its_figures(view, post):
    post(chart("line", opus=[1500, 2500], gemini=[1, 2]))
    newest(view).locator("svg[role=img]").hover(position={"x": 600, "y": 80})
    expect(newest(view).locator(".tip")).to_have_text("2 Novopus2.5Kgemini2")


@pytest.fixture
def heard(app: App):
    """Everything that the bot is sent when people press and choose."""
    bodies = []

    @app.action(re.compile(".*"))
    def listen(ack, body, action):
        bodies.append((action, body))
        ack()

    return bodies


def wait(view, heard, count=1):
    for _ in range(100):
        if len(heard) >= count:
            return heard[-1]
        view.wait_for_timeout(20)
    raise AssertionError("the bot heard nothing")


def test_buttons_reach_the_bot_over_its_http_endpoint(view, post, slack, heard):
    post(BUTTONS)
    newest(view).get_by_role("button", name="CSV").click()
    action, body = wait(view, heard)
    assert (action["action_id"], action["value"], action["block_id"]) == (
        "csv",
        "range-7",
        "buttons",
    )
    assert body["user"]["id"] == slack.user("ada").id


def test_a_choice_stays_and_goes_along_with_the_next_click(view, post, heard):
    post(BUTTONS)
    newest(view).get_by_label("Group by").select_option("key")
    action, _ = wait(view, heard)
    assert action["selected_option"]["value"] == "key"
    newest(view).get_by_role("button", name="CSV").click()
    _, body = wait(view, heard, 2)
    assert body["state"]["values"]["buttons"]["by"]["selected_option"]["value"] == "key"


def test_dangerous_buttons_ask_first(view, post, heard):
    post(BUTTONS)
    delete = newest(view).get_by_role("button", name="Delete")
    delete.click()
    services = view.get_by_role("dialog", name="Are you sure?")
    expect(services).to_contain_text("This cannot be undone.")
    services.get_by_role("button", name="Keep it").click()
    expect(services).to_be_hidden()
    assert heard == []
    delete.click()
    services.get_by_role("button", name="Delete it").click()
    assert wait(view, heard)[0]["action_id"] == "delete"


def test_the_overflow_menu_works_by_keyboard(view, post, heard):
    post(BUTTONS)
    newest(view).get_by_role("button", name="More actions").press("Enter")
    expect(view.get_by_role("menuitem", name="Pause")).to_be_focused()
    view.keyboard.press("ArrowDown")
    view.keyboard.press("Enter")
    assert wait(view, heard)[0]["selected_option"]["value"] == "resume"
    expect(view.get_by_role("menu")).to_be_hidden()


def test_several_can_be_chosen(view, post, heard):
    post(BUTTONS)
    newest(view).get_by_label("Metrics").select_option(["spend", "requests"])
    chosen = wait(view, heard)[0]["selected_options"]
    assert [option["value"] for option in chosen] == ["spend", "requests"]


@pytest.fixture
def modals(app: App):
    """A bot whose CSV button opens a modal that takes only what it understands."""
    taken = []

    @app.action("csv")
    def opened(ack, body, client):
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.view("schedule")
    def submitted(ack, view):
        values = view["state"]["values"]
        if values["what"]["question"]["value"] != "tokens 1m":
            ack(response_action="errors", errors={"what": "I don't recognize “tokns”."})
        else:
            taken.append(values)
            ack()

    return taken


def test_a_modal_is_filled_in_corrected_and_sent_by_keyboard(view, post, slack, modals):
    post(BUTTONS)
    newest(view).get_by_role("button", name="CSV").press("Enter")
    modal = view.get_by_role("dialog", name="A schedule")
    modal.get_by_label("Question").fill("tokns 1m")
    modal.get_by_label("Channel").select_option(label="#spend")
    modal.get_by_label("Pdf").check()
    modal.get_by_label("Question").press("Enter")
    expect(modal.get_by_role("alert")).to_have_text("I don't recognize “tokns”.")
    expect(modal.get_by_label("Question")).to_have_value("tokns 1m")
    modal.get_by_label("Question").fill("tokens 1m")
    modal.get_by_role("button", name="Save").press("Enter")
    expect(modal).to_be_hidden()
    (values,) = modals
    assert values["how"]["often"]["selected_option"]["value"] == "weekly"
    assert values["where"]["channel"]["selected_conversation"] == slack.channel("spend").id
    assert [option["value"] for option in values["files"]["files"]["selected_options"]] == ["pdf"]
    assert values["time"]["time"]["selected_time"] == "09:00"


def test_a_modal_asks_for_what_is_missing_and_closes_with_escape(view, post, slack, modals):
    post(BUTTONS)
    newest(view).get_by_role("button", name="CSV").click()
    modal = view.get_by_role("dialog", name="A schedule")
    modal.get_by_role("button", name="Save").click()
    expect(modal).to_be_visible()
    assert modals == []
    view.keyboard.press("Escape")
    expect(modal).to_be_hidden()
    assert slack.views("ada") == []


def test_a_home_is_drawn_when_the_bot_publishes_it(view, slack, app, heard):
    @app.event("app_home_opened")
    def opened(event, client):
        blocks = [section("*Your schedules*"), BUTTONS]
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    view.get_by_role("button", name="Activity: Home").click()
    home = view.get_by_role("region", name="App Home")
    expect(home).to_contain_text("Your schedules")
    home.get_by_role("button", name="CSV").click()
    assert wait(view, heard)[1]["container"]["type"] == "view"


def test_a_file_opens_and_downloads(view, slack):
    client_of(slack).files_upload_v2(
        channel=slack.channel("general").id, filename="spend.csv", content="a,b\n1,2\n",
        initial_comment="Here it is", title="Spend by key",
    )  # fmt: skip
    shown = newest(view)
    expect(shown).to_contain_text("Here it is")
    expect(shown).to_contain_text("spend.csv, 8 bytes")
    with view.expect_download() as saved:
        shown.get_by_role("link", name="Download spend.csv").click()
    assert saved.value.suggested_filename == "spend.csv"
    assert saved.value.path().read_bytes() == b"a,b\n1,2\n"
    with view.expect_popup() as popup:
        shown.get_by_role("link", name="Open spend.csv").click()
    expect(popup.value.locator("body")).to_contain_text("1,2")


def test_a_refused_message_is_shown_in_red_with_its_pointer(view, post):
    with pytest.raises(Exception, match="invalid_blocks"):
        post(section("x" * 3_001))
    alert = view.get_by_role("alert").filter(has_text="Slack rejected chat.postMessage")
    expect(alert).to_contain_text("invalid_blocks")
    expect(alert).to_contain_text("[json-pointer:/blocks/0/text/text]")
    alert.get_by_text("Payload").click()
    expect(alert.locator("pre")).to_contain_text('"type": "section"')
    view.reload()
    expect(alert).to_contain_text("invalid_blocks")


def test_a_message_that_changes_or_goes_does_so_in_its_place(view, post, slack):
    client, first = client_of(slack), post(section("first"))
    post(section("second"))
    client.chat_update(channel=first["channel"], ts=first["ts"], text="t", blocks=[section("1st")])
    articles = view.locator("#log article")
    expect(articles.first).to_contain_text("1st")
    expect(articles.first).to_contain_text("(edited)")
    client.chat_delete(channel=first["channel"], ts=first["ts"])
    expect(articles).to_have_count(1)
    expect(articles).to_contain_text("second")


def test_answers_in_threads_stand_under_their_message(view, post):
    first = post(section("question"))
    post(section("elsewhere"))
    post(section("reply"), thread_ts=first["ts"])
    expect(view.locator("#log > article").first.locator(".thread article")).to_contain_text("reply")


def test_what_is_said_elsewhere_marks_its_channel(view, slack):
    slack.chat.post_as_user(slack.channel("spend"), slack.user("grace").id, "look")
    entry = view.get_by_role("button", name=re.compile("spend"))
    expect(entry.get_by_role("img", name="unread")).to_be_visible()
    entry.click()
    expect(newest(view)).to_contain_text("look")
    expect(entry.get_by_role("img", name="unread")).to_have_count(0)


def test_a_bot_that_cannot_be_reached_is_said_to_be(view, page, slack):
    page.actions.bot_client = slack.bot_client("http://127.0.0.1:9/slack/events")
    page.show_status({"state": "down"})
    expect(view.get_by_role("alert").filter(has_text="The bot has stopped")).to_be_visible()
    say(view, "/activity spend")
    expect(newest(view)).to_contain_text("failed with the error “dispatch_failed”")
    page.show_status({"state": "up"})
    expect(view.locator("#banner")).to_be_hidden()


def test_the_page_finds_a_demo_that_was_started_again(browser, slack, bot_client):
    first = Page(slack).start()
    port = first.port
    with tab(browser, first.url) as view:
        first.stop()
        expect(view.locator("#banner")).to_contain_text("The demo isn't running")
        expect(view.locator("#status")).to_have_text("No connection")
        second = Page(slack, port=port).start()
        assert second.port == port
        expect(view.locator("#banner")).to_be_hidden()
        slack.chat.post_as_user(slack.channel("general"), slack.user("ada").id, "still here")
        expect(newest(view)).to_contain_text("still here")
        second.stop()


def test_unknown_commands_and_plain_words_go_where_they_go_in_slack(view, slack):
    say(view, "/activty spend")
    expect(newest(view)).to_contain_text("/activty is not a valid command.")
    say(view, "good morning @grace")
    expect(newest(view).locator(".who")).to_have_text("Ada Lovelace")
    expect(newest(view).locator(".mention")).to_have_text("@grace")
    assert len(slack.messages("general")) == 1


def test_an_unknown_block_shows_what_it_is(view, slack):
    channel = slack.channel("general")
    slack.chat.post(channel, {"text": "", "blocks": [{"type": "hologram", "block_id": "x"}]})
    expect(newest(view)).to_contain_text("Unsupported block type: hologram")


def test_two_pages_of_two_people_do_not_mix(browser, page, slack):
    client, where = client_of(slack), slack.channel("general").id
    with (
        tab(browser, f"{page.url}#ada/general") as ada,
        tab(browser, f"{page.url}#grace/general") as grace,
    ):
        client.chat_postEphemeral(channel=where, user=slack.user("ada").id, text="for Ada")
        client.chat_postMessage(channel=where, text="for all")
        expect(newest(ada)).to_contain_text("for all")
        expect(newest(grace)).to_contain_text("for all")
        expect(ada.locator("#log article")).to_have_count(2)
        expect(ada.locator("#log article").first).to_contain_text("Only visible to you")
        expect(grace.locator("#log article")).to_have_count(1)
