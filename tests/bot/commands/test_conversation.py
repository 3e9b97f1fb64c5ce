"""Asking by mention and in direct messages: understood, answered once, for whom it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.access.policy import FOREIGN, OUTSIDERS
from bot.alerts.deliver import AlertDelivery
from bot.answers.answer_state import last_answer
from bot.commands.conversation import ONLY_YOU, REPORT_WHAT, WHICH_QUESTION
from bot.commands.dispatch import NO_SHARE_IN_DM
from bot.demo.slack import Forge, LocalSlack
from bot.schedules.deliver import ReportDelivery
from reports.admin.slack.intro import INTRO, WELCOME
from reports.natural.refusals import IN_DOLLARS, NO_UNDO
from reports.natural.rules.periods import NO_WEEKENDS
from reports.natural.short_messages import ALREADY_TOTAL, NO_GROUPS, NO_QUESTION
from tests.clock import Clock
from tests.world import World, administered, now, running, say, wait_until


def said(world: World, user: str, channel: str, text: str) -> str:
    """Mention the bot; the ts of what was said."""
    ack = world.bot_client.mention(user, channel, text)
    assert (ack.status, ack.body) == (200, "")
    return str(next(m["ts"] for m in reversed(world.slack.messages(channel)) if text in m["text"]))


def answers(world: World, channel: str, thread: str = "") -> list[dict[str, Any]]:
    """What the bot said in a channel, or in one thread of it."""
    found = [m for m in world.slack.messages(channel) if m.get("bot_id")]
    return [m for m in found if not thread or m.get("thread_ts") == thread]


def hidden(world: World, user: str, channel: str = "general") -> list[dict[str, Any]]:
    return world.slack.ephemerals(user, channel)


def command(message: dict[str, Any]) -> str:
    contexts = [block for block in message["blocks"] if block["type"] == "context"]
    return str(contexts[-1]["elements"][-1]["text"].strip("`"))


def asked(world: World, text: str, user: str = "ada", channel: str = "general") -> dict[str, Any]:
    """Mention the bot, and give the answer in the thread."""
    thread = said(world, user, channel, text)
    wait_until(lambda: answers(world, channel, thread))
    return answers(world, channel, thread)[-1]


def reply(world: World, thread: str, text: str, user: str = "ada") -> dict[str, Any]:
    """Reply in a thread with a mention, and give the answer."""
    before = len(answers(world, "general", thread))
    world.bot_client.mention(user, "general", text, thread=thread)
    wait_until(lambda: len(answers(world, "general", thread)) > before)
    return answers(world, "general", thread)[-1]


def test_a_mention_is_answered_in_its_thread_and_says_what_it_understood(world: World) -> None:
    answer = asked(world, "what did we spend on opus in the last 7 days by person?")
    words = "spend 7d by creator model:*opus*"
    assert answer["text"].startswith(f"I read that as `/activity {words}`. The last day is")
    assert command(answer) == f"/activity {words}"
    assert "image" in [block["type"] for block in answer["blocks"]]
    assert not hidden(world, "ada")


def test_an_answer_about_oneself_has_its_picture(world: World) -> None:
    answer = asked(world, "how much did I spend in the past week?")
    assert "image" in [block["type"] for block in answer["blocks"]]


def test_the_grammars_own_words_are_answered_without_ado(world: World) -> None:
    assert asked(world, "tokens 7d by key")["text"].startswith("Tokens by API key, past 7 days")


def test_what_cannot_be_asked_is_named(world: World) -> None:
    assert "I ignored “per hour”" in asked(world, "spend per hour of the last 7 days")["text"]


def test_replies_in_the_thread_change_its_question(world: World) -> None:
    thread = asked(world, "spend 7d by model")["thread_ts"]
    for text, words in (
        ("by key", "spend 7d by key"),
        ("only prod", "spend 7d by key key:prod"),
        ("and the tokens?", "tokens 7d by key key:prod"),
        ("by model vs before", "tokens 7d by model key:prod vs before"),
        ("what did we spend yesterday?", "spend yesterday"),
    ):
        assert command(reply(world, thread, text)) == f"/activity {words}"


def test_a_thread_goes_on_after_a_restart(openrouter: Any, database: Any) -> None:
    with LocalSlack(rate_limits=False) as slack:
        with running(openrouter, slack, database) as world:
            thread = asked(world, "spend 7d by model")["thread_ts"]
        with running(openrouter, slack, database) as world:
            assert command(reply(world, thread, "by key")) == "/activity spend 7d by key"


def test_a_reply_under_a_shared_answer_changes_that(world: World) -> None:
    world.ask("tokens 7d by model share")
    [shared] = answers(world, "general")
    answer = reply(world, shared["ts"], "by key")
    assert command(answer) == "/activity tokens 7d by key"
    # and after it was changed by a select, the reply goes on from what it has become
    world.bot_client.click("ada", "general", shared["ts"], "follow_metric", "requests")
    wait_until(
        lambda: command(world.slack.chat.find(shared["channel"], shared["ts"])).endswith(
            "requests 7d by model"
        )
    )
    assert command(reply(world, shared["ts"], "by creator")) == "/activity requests 7d by creator"


def test_a_reply_can_schedule_and_export_the_question(world: World) -> None:
    thread = asked(world, "spend 7d by model", channel="general")["thread_ts"]
    reply(world, thread, "csv")
    wait_until(lambda: [m for m in answers(world, "general", thread) if m.get("files")])
    world.bot_client.mention("ada", "general", "every monday 9:00", thread=thread)
    wait_until(lambda: [m for m in hidden(world, "ada") if "Scheduled" in m["text"]])
    text = hidden(world, "ada")[-1]["text"]
    assert "/activity schedule every monday 9:00 spend 7d by model" in text
    assert "`spend 7d by model`, every Monday at 9:00" in text


def test_a_direct_message_is_answered_there_and_goes_on(world: World) -> None:
    dm = world.slack.im("ada").id
    world.bot_client.message("ada", "what did I spend this week by model?")
    wait_until(lambda: answers(world, dm))
    assert command(answers(world, dm)[-1]) == "/activity spend this week by model creator:me"
    assert "thread_ts" not in answers(world, dm)[-1]
    world.bot_client.message("ada", "by key")
    wait_until(lambda: len(answers(world, dm)) == 2)
    by_key = "/activity spend this week by key creator:ada@example.com"
    assert command(answers(world, dm)[-1]) == by_key
    world.bot_client.message("ada", "tokens last week")
    wait_until(lambda: len(answers(world, dm)) == 3)
    assert command(answers(world, dm)[-1]) == "/activity tokens last week"


@pytest.mark.parametrize("kind", ["app_mention", "message"])
def test_an_event_that_comes_again_is_answered_once(world: World, kind: str) -> None:
    ada = world.slack.user("ada").id
    channel = world.slack.channel("general") if kind == "app_mention" else world.slack.im("ada")
    posted = world.slack.chat.post_as_user(channel, ada, "spend 7d")
    event = {**posted, "type": kind, "channel_type": "im" if kind == "message" else "channel"}
    for retry in range(3):
        assert world.bot_client.event(event, event_id="Ev1", retry=retry).status == 200
    with running(world.openrouter, world.slack, world.bot.settings.database_address) as restarted:
        assert restarted.bot_client.event(event, event_id="Ev1", retry=3).status == 200
        other = world.slack.chat.post_as_user(channel, ada, "tokens 7d")
        restarted.bot_client.event({**event, "ts": other["ts"]}, event_id="Ev2")
        wait_until(lambda: len(answers(world, channel.id)) >= 2)
    assert len(answers(world, channel.id)) == 2


@pytest.mark.parametrize(
    "odd",
    [
        {"bot_id": "B1"},
        {"subtype": "message_changed"},
        {"subtype": "channel_join"},
        {"edited": {"user": "U1", "ts": "1"}},
        {"user": "U0DEMO00BOT"},
        {"user": ""},
        {"channel_type": "channel"},
        {"channel_type": "mpim"},
    ],
)
def test_what_is_no_question_of_a_person_is_not_answered(world: World, odd: dict[str, Any]) -> None:
    im = world.slack.im("ada")
    posted = world.slack.chat.post_as_user(im, world.slack.user("ada").id, "spend 7d")
    event = {**posted, "type": "message", "channel_type": "im", **odd}
    assert world.bot_client.event(event).status == 200
    world.bot_client.message("ada", "tokens 7d")
    wait_until(lambda: answers(world, im.id))
    [only] = answers(world, im.id)
    assert only["text"].startswith("Tokens")


@pytest.mark.parametrize("text", ["hello", "", "what do you do?"])
def test_a_greeting_is_answered_with_what_can_be_asked(world: World, text: str) -> None:
    world.bot_client.mention("ada", "general", text)
    wait_until(lambda: hidden(world, "ada"))
    assert hidden(world, "ada")[-1]["text"] == INTRO


def test_what_is_not_understood_is_said_to_the_person_alone(world: World) -> None:
    thread = said(world, "ada", "general", "spend on frobnicate")
    wait_until(lambda: hidden(world, "ada"))
    [told] = hidden(world, "ada")
    assert told["text"].startswith("I don't recognize “frobnicate”")
    assert told["thread_ts"] == thread
    assert not answers(world, "general")


def test_nothing_is_said_in_front_of_people_of_other_companies(world: World) -> None:
    world.bot_client.mention("ada", "partners", "tokens 7d by key")
    wait_until(lambda: hidden(world, "ada", "partners"))
    [told] = hidden(world, "ada", "partners")
    assert told["text"].startswith(OUTSIDERS)
    assert "38.5K" in told["text"]
    assert not answers(world, "partners")


@pytest.mark.parametrize(("user", "words"), [("guest", "Guests can't see"), ("otto", FOREIGN)])
def test_who_may_not_ask_is_told_so_alone(world: World, user: str, words: str) -> None:
    channel = world.slack.channel("partners")
    guest = world.slack.user("guest").id
    world.slack.workspace.change_channel("partners", members=channel.members | {guest})
    world.bot_client.mention(user, "partners", "tokens 7d by key")
    wait_until(lambda: hidden(world, user, "partners"))
    assert hidden(world, user, "partners")[-1]["text"].startswith(words)
    assert not answers(world, "partners")


def test_an_event_of_another_team_is_refused(world: World) -> None:
    event = {
        "type": "app_mention",
        "user": world.slack.user("ada").id,
        "user_team": "T0OTHER0001",
        "channel": world.slack.channel("general").id,
        "ts": world.slack.workspace.new_ts(),
        "text": "spend 7d",
    }
    world.slack.chat.post_as_user(world.slack.channel("general"), event["user"], "spend 7d")
    assert world.bot_client.event(event).status == 200
    wait_until(lambda: world.slack.messages(world.slack.im("ada").id) or hidden(world, "ada"))
    assert FOREIGN in str(hidden(world, "ada") or world.slack.messages(world.slack.im("ada").id))
    assert not answers(world, "general")


def test_where_people_see_different_things_a_mention_is_answered_to_them_alone(
    openrouter: Any, database: Any
) -> None:
    with administered(openrouter, database, "ada", ACTIVITY_VISIBILITY="own") as world:
        for user in ("ada", "grace"):
            world.bot_client.mention(user, "general", "tokens 7d by key")
            wait_until(lambda user=user: hidden(world, user))
            assert hidden(world, user)[-1]["text"].startswith(ONLY_YOU)
        assert not answers(world, "general")
        assert "prod" not in str(hidden(world, "grace"))
        # names of others are no words that she could use
        world.bot_client.mention("grace", "general", "spend of prod")
        wait_until(lambda: len(hidden(world, "grace")) == 2)
        assert hidden(world, "grace")[-1]["text"].startswith("I don't recognize “prod”")
        # what she asks for in words to be shared is hers to share
        answer = asked(world, "tokens 7d by key share", user="grace")
        assert "prod" not in str(answer)
        # and an admin's answer that she goes on from is about herself
        shared = asked(world, "tokens 7d by key share", user="ada")
        before = len(hidden(world, "grace"))
        world.bot_client.mention("grace", "general", "by model", thread=shared["thread_ts"])
        wait_until(lambda: len(hidden(world, "grace")) > before)
        assert "prod" not in str(hidden(world, "grace")[-1])


def told_in_dm(world: World, text: str, later: timedelta = timedelta(0)) -> dict[str, Any]:
    """Write to the bot, and give its answer; `later` is how far its clock is ahead."""
    dm = world.slack.im("ada").id
    before = len(answers(world, dm))
    world.bot_client.message("ada", text, forge=Forge(seconds_off=later.total_seconds()))
    wait_until(lambda: len(answers(world, dm)) > before)
    return answers(world, dm)[-1]


def buttons(message: dict[str, Any]) -> dict[str, str]:
    """The buttons of a message that run commands, with what they run."""
    rows_ = (block["elements"] for block in message["blocks"] if block["type"] == "actions")
    return {
        one["text"]["text"]: one["value"]
        for row in rows_
        for one in row
        if one["action_id"].startswith("run_words_")
    }


def test_a_question_that_makes_sense_alone_is_never_narrowed_by_an_earlier_one(
    world: World,
) -> None:
    told_in_dm(world, "spend 1d by key creator:ada@example.com")
    answer = told_in_dm(world, "who uses gpt?")
    assert command(answer) == "/activity 1d by creator model:*gpt*"
    assert "Still only" not in answer["text"]
    thread = asked(world, "spend 7d by key creator:ada@example.com")["thread_ts"]
    assert command(reply(world, thread, "who uses gpt?")) == "/activity 1d by creator model:*gpt*"


@pytest.mark.parametrize(
    ("text", "fresh"),
    [
        ("cost per million tokens by model", "price 1m by model"),
        ("tokens by key", "tokens 1d by key"),
        ("forecast", "forecast this month"),
        ("new models", "new models 1m"),
    ],
)
def test_a_complete_question_in_a_direct_message_has_its_own_period(
    world: World, text: str, fresh: str
) -> None:
    told_in_dm(world, "spend last week")
    answer = told_in_dm(world, text)
    assert command(answer) == f"/activity {fresh}"
    assert "Still" not in answer["text"]


def test_a_question_in_a_thread_names_the_period_that_it_inherits(world: World) -> None:
    thread = asked(world, "spend last week key:prod")["thread_ts"]
    answer = reply(world, thread, "cost per million tokens by model")
    assert command(answer) == "/activity price last week by model key:prod"
    assert "Still `last week`, only `key:prod`." in answer["text"]
    assert buttons(answer)["Start over"] == "price by model"
    answer = reply(world, thread, "and by key?")
    assert "Still only `key:prod`." in answer["text"]
    thread = asked(world, "spend last week by key")["thread_ts"]
    answer = reply(world, thread, "tokens")
    assert "Still `last week`." in answer["text"]
    # Why? joins it where the week before is stored, which depends on the day of the week
    assert {**buttons(answer), "Why?": ""} == {"Start over": "tokens", "Why?": ""}


def test_short_messages_in_a_direct_message_are_about_the_last_answer(world: World) -> None:
    assert told_in_dm(world, "again")["text"] == NO_QUESTION
    told_in_dm(world, "spend 7d by key")
    for text, expected in (
        ("again", "spend 7d by key"),
        ("more", "spend 7d by key top 50"),
        ("show chart", "spend 7d by key top 50"),
        ("total", "spend 7d"),
    ):
        answer = told_in_dm(world, text)
        assert command(answer) == f"/activity {expected}"
        assert answer["text"].startswith(f"I read that as `/activity {expected}`.")
    assert told_in_dm(world, "total")["text"] == ALREADY_TOTAL
    answer = told_in_dm(world, "more")
    assert answer["text"] == NO_GROUPS
    assert buttons(answer)["By key"] == "spend 7d by key"
    assert told_in_dm(world, "in EUR")["text"] == IN_DOLLARS
    assert told_in_dm(world, "undo")["text"] == NO_UNDO
    assert told_in_dm(world, "thanks")["text"] == WELCOME


def test_short_messages_in_a_thread_are_about_its_answer(world: World) -> None:
    thread = asked(world, "tokens 7d by key")["thread_ts"]
    assert command(reply(world, thread, "again", user="grace")) == "/activity tokens 7d by key"
    answer = reply(world, thread, "next")
    assert command(answer) == "/activity tokens 7d by key top 50"
    assert buttons(answer) == {"CSV": "tokens 7d by key top 50 csv"} | buttons(answer)
    assert command(reply(world, thread, "in total")) == "/activity tokens 7d"
    assert world.words("again").startswith("“again” needs an answer before it")


def test_a_span_without_a_beginning_is_asked_about_and_runs_at_a_click(world: World) -> None:
    answer = told_in_dm(world, "spend until october 15 2025")
    assert answer["text"] == "From which day until 15 Oct 2025?"
    assert buttons(answer) == {
        "From 1 Oct 2025": "spend 2025-10-01..2025-10-15",
        "From 1 Jan 2025": "spend 2025-01-01..2025-10-15",
    }
    before = len(answers(world, answer["channel"]))
    world.bot_client.click("ada", answer["channel"], answer["ts"], "run_words_1")
    wait_until(lambda: len(answers(world, answer["channel"])) > before)
    latest = answers(world, answer["channel"])[-1]
    assert command(latest) == "/activity spend 2025-01-01..2025-10-15"
    assert told_in_dm(world, "weekends")["text"] == NO_WEEKENDS


def test_what_is_taken_over_is_said_with_a_way_out(world: World) -> None:
    told_in_dm(world, "spend 1d by key creator:ada@example.com")
    answer = told_in_dm(world, "and by model?")
    assert command(answer) == "/activity spend 1d by model creator:ada@example.com"
    assert "Still only `creator:ada@example.com`." in answer["text"]
    ways_out = {"For everyone": "spend 1d by model", "Start over": "by model"}
    assert buttons(answer).items() >= ways_out.items()
    dm = world.slack.im("ada").id
    before = len(answers(world, dm))
    world.bot_client.click("ada", dm, answer["ts"], "run_words_0")
    wait_until(lambda: len(answers(world, dm)) > before)
    assert command(answers(world, dm)[-1]) == "/activity spend 1d by model"
    # and that is what the next fragment goes on from
    answer = told_in_dm(world, "and by key?")
    assert command(answer) == "/activity spend 1d by key"
    assert not {"For everyone", "Start over"} & buttons(answer).keys()


def test_a_fragment_goes_on_from_what_a_menu_changed(world: World) -> None:
    answer = told_in_dm(world, "spend 7d by model")
    world.bot_client.click("ada", answer["channel"], answer["ts"], "follow_metric", "tokens")
    wait_until(lambda: "tokens" in command(world.slack.chat.find(answer["channel"], answer["ts"])))
    wait_until(
        lambda: "tokens" in str(last_answer(world.bot.reports.services, answer["channel"], ""))
    )
    assert command(told_in_dm(world, "by key")) == "/activity tokens 7d by key"


def test_a_fragment_long_after_an_answer_starts_afresh(openrouter: Any, database: Any) -> None:
    clock = Clock(now())
    with (
        LocalSlack(rate_limits=False) as slack,
        running(openrouter, slack, database, clock=clock) as world,
    ):
        told_in_dm(world, "spend 7d by model creator:ada@example.com")
        for later, expected in (
            (timedelta(minutes=14), "/activity spend 7d by key creator:ada@example.com"),
            (timedelta(minutes=32), "/activity 1d by key"),
            (timedelta(days=40), "/activity 1d by key"),
        ):
            clock.now += later
            assert command(told_in_dm(world, "by key", clock.now - now())) == expected


def test_a_thread_goes_on_for_long_but_about_today(openrouter: Any, database: Any) -> None:
    clock = Clock(now())
    with (
        LocalSlack(rate_limits=False) as slack,
        running(openrouter, slack, database, clock=clock) as world,
    ):
        thread = told_in_dm(world, "spend 7d by model creator:ada@example.com")["ts"]
        clock.advance(timedelta(days=40))
        later = clock.now - now()
        dm = world.slack.im("ada").id
        world.bot_client.message(
            "ada", "by key", thread=thread, forge=Forge(seconds_off=later.total_seconds())
        )
        wait_until(lambda: answers(world, dm, thread))
        answer = answers(world, dm, thread)[-1]
        assert command(answer) == "/activity spend 7d by key creator:ada@example.com"
        scope = next(b for b in answer["blocks"] if b["type"] == "context" and "UTC" in str(b))
        assert f"{clock.now.day} {clock.now:%b %Y}" in str(scope)


def test_an_alert_asked_for_in_a_thread_keeps_its_filter(world: World) -> None:
    thread = asked(world, "spend last week by key model:*gpt*")["thread_ts"]
    for text in ("alert me if > $50 a day", "alert spike"):
        before = len(hidden(world, "ada"))
        world.bot_client.mention("ada", "general", text, thread=thread)
        wait_until(lambda before=before: len(hidden(world, "ada")) > before)
        assert "Still only `model:*gpt*`." in hidden(world, "ada")[-1]["text"]
    rules = world.bot.alerts.rules.of(world.slack.user("ada").id)
    assert sorted(one.draft.words.partition(" tz ")[0] for one in rules) == [
        "spend > $50 per day model:*gpt*",
        "spike model:*gpt*",
    ]


def test_slacks_markup_is_read_as_it_was_typed(world: World) -> None:
    grace = world.slack.user("grace").id
    for text, expected in (
        (
            "what did <mailto:grace@example.com|grace@example.com> spend last week",
            "spend last week creator:grace@example.com",
        ),
        ("`/activity spend 1w by key`", "spend 1w by key"),
        ("```spend 1w by key```", "spend 1w by key"),
        (f"spend <@{grace}|grace>", "spend 1d creator:grace@example.com"),
        (f"spend <@{grace}>", "spend 1d creator:grace@example.com"),
        (f"spend creator:<@{grace}>", "spend 1d creator:grace@example.com"),
        ("spend key:<http://prod|prod>", "spend 1d key:prod"),
    ):
        answer = asked(world, text)
        assert command(answer) == f"/activity {expected}"
        assert grace not in answer["text"]
        assert command(world.ask(text)) == f"/activity {expected}"


def test_somebody_unknown_to_openrouter_is_named_and_nobody_else_is_offered(world: World) -> None:
    alan = world.slack.user("alan").id
    for text in (f"spend <@{alan}>", f"spend creator:<@{alan}|alan>"):
        answer = str(world.ask(text)["text"])
        assert "Nobody in the OpenRouter organization has the address alan@example.com." in answer
        assert "ada@example.com" not in answer


def test_no_raw_id_is_shown(world: World) -> None:
    nobody, general = world.slack.user("alan").id, world.slack.channel("general").id
    for text in (f"spend <@{nobody}>", f"spend in <#{general}>", f"spend in <#{general}|general>"):
        shown = str(world.ask(text)["text"])
        assert nobody not in shown
        assert general not in shown


def test_a_guess_runs_at_a_click(world: World) -> None:
    payload = world.ask("tokns 7d")
    assert "Did you mean `/activity tokens 7d`?" in payload["text"]
    [message] = hidden(world, "ada")
    before = len(hidden(world, "ada"))
    world.bot_client.click("ada", "general", message["ts"], "run_words_0")
    wait_until(lambda: len(hidden(world, "ada")) > before)
    assert command(hidden(world, "ada")[-1]) == "/activity tokens 7d"


def test_share_in_a_direct_message_has_no_effect_and_says_so(world: World) -> None:
    assert NO_SHARE_IN_DM in told_in_dm(world, "spend 7d share")["text"]


def test_help_on_something_unknown_names_the_sections(world: World) -> None:
    payload = world.ask("help foo")
    assert payload["text"].startswith("There is no help section “foo”. The sections are `asking`,")
    assert "help_alerts" in str(payload["blocks"])
    assert world.words("help alerts") != payload["text"]
    assert world.words("help me") == world.words("help")


def test_thanks_are_welcome(world: World) -> None:
    assert world.words("thanks!") == WELCOME
    assert told_in_dm(world, "thank you very much")["text"] == WELCOME


def test_examples_are_shown_to_newcomers_once(world: World) -> None:
    assert "Try `/activity" in world.words("frobnicate")
    assert "Try `/activity" not in world.words("frobnicate")
    assert "Try `/activity" in world.words("frobnicate", user="grace")


def test_what_is_to_come_again_and_again_is_asked_where_nobody_said(world: World) -> None:
    world.bot_client.mention("ada", "general", "every monday 9:00")
    wait_until(lambda: hidden(world, "ada"))
    assert hidden(world, "ada")[-1]["text"] == REPORT_WHAT


@pytest.mark.parametrize("code", ["restricted_action", "not_in_channel"])
def test_where_nothing_can_be_posted_the_answer_comes_to_the_person(
    world: World, code: str
) -> None:
    world.slack.fail("chat.postMessage", code)
    world.bot_client.mention("ada", "general", "tokens 7d by key")
    dm = world.slack.im("ada").id
    wait_until(lambda: answers(world, dm))
    text = answers(world, dm)[0]["text"]
    assert "Tokens by API key" in text
    here = f"<#{world.slack.channel('general').id}>"
    assert text.startswith(f"I can't post in {here}, so here is your answer.")
    assert ("/invite" in text) is (code == "not_in_channel")
    assert not answers(world, "general")


def test_a_question_where_the_bot_is_no_member_is_answered_with_what_to_do(world: World) -> None:
    """Slack sends mentions in public channels, where an ephemeral answer is refused as well."""
    world.slack.fail("chat.postMessage", "not_in_channel")
    world.slack.fail("chat.postEphemeral", "not_in_channel")
    world.bot_client.mention("ada", "general", "tokens 7d by key")
    dm = world.slack.im("ada").id
    wait_until(lambda: answers(world, dm))
    assert "/invite" in answers(world, dm)[0]["text"]
    assert "Tokens by API key" in answers(world, dm)[0]["text"]


def test_a_channel_that_is_rate_limited_gets_its_answer_a_little_later(world: World) -> None:
    world.slack.fail("chat.postMessage", 429)
    answer = asked(world, "tokens 7d by key")
    assert answer["text"].startswith("Tokens by API key")


def test_where_nobody_can_be_told_alone_they_are_told_in_direct_messages(world: World) -> None:
    world.slack.fail("chat.postEphemeral", "user_not_in_channel")
    world.bot_client.mention("ada", "general", "spend on frobnicate")
    dm = world.slack.im("ada").id
    wait_until(lambda: answers(world, dm))
    text = answers(world, dm)[0]["text"]
    assert text.startswith("I can't post in <#")
    assert "I don't recognize “frobnicate”" in text


def told(world: World, text: str, user: str = "ada") -> str:
    """Mention the bot, and give what only who did so is told."""
    before = len(hidden(world, user))
    said(world, user, "general", text)
    wait_until(lambda: len(hidden(world, user)) > before)
    return str(hidden(world, user)[-1]["text"])


def test_who_wishes_to_be_told_has_an_alert_set_up(world: World) -> None:
    answer = told(world, "tell me if we spend more than $5 per month")
    assert answer.startswith(
        "I read that as `/activity alert spend &gt; $5 per month`.\n*Alert set:*"
    )
    [rule] = world.bot.alerts.rules.of(world.slack.user("ada").id)
    assert rule.draft.words.startswith("spend > $5 per month")
    assert "(1)" in told(world, "show me my alerts")


def test_a_wish_without_its_period_is_answered_with_the_command(world: World) -> None:
    answer = told(world, "let me know when spend is above $50")
    assert "$50 per hour, day, week or month?" in answer
    assert "Did you mean `/activity alert spend &gt; $50 per day`?" in answer
    assert not world.bot.alerts.rules.of(world.slack.user("ada").id)


def reported(world: World, words: str, user: str = "ada") -> dict[str, Any]:
    """A report of a schedule that runs at once, in the channel or the direct messages it is for."""
    say(world, f"schedule {words}", user)
    say(world, "schedules", user)
    listed = world.slack.ephemerals(user, "general")[-1]
    row = next(block for block in listed["blocks"] if block["type"] == "actions")
    before = len(world.slack.responses)
    world.bot_client.click(user, "general", listed["ts"], "schedule_run", block_id=row["block_id"])
    wait_until(lambda: len(world.slack.responses) > before)
    ReportDelivery(world.bot.reports).tick()
    channel = "general" if "here" in words else world.slack.im(user).id
    return [m for m in world.slack.messages(channel) if m.get("metadata")][-1]


def test_a_reply_to_a_report_changes_its_question(world: World) -> None:
    report = reported(world, "weekly spend by creator here Europe/Berlin")
    asked = "spend last week by key tz Europe/Berlin"
    answer = reply(world, report["ts"], "by key", user="grace")
    assert command(answer) == f"/activity {asked}"
    assert answer["text"].startswith(f"I read that as `/activity {asked}`.\nSpend by API key, last")
    assert command(reply(world, report["ts"], "only prod")).endswith(
        "by key key:prod tz Europe/Berlin"
    )


def test_a_reply_to_a_report_of_ones_own_use_stays_with_that(
    openrouter: Any, database: Any
) -> None:
    with administered(openrouter, database, ACTIVITY_VISIBILITY="own") as world:
        report = reported(world, "weekly spend by model here", user="ada")
        world.bot_client.mention("katherine", "general", "by key", thread=report["ts"])
        wait_until(lambda: hidden(world, "katherine"))
        assert "creator:ada@example.com" in command(hidden(world, "katherine")[-1])


def test_a_reply_to_what_is_no_answer_says_so(world: World) -> None:
    dm = world.slack.im("ada").id
    world.bot_client.message("ada", "hello")
    wait_until(lambda: answers(world, dm))
    greeting = answers(world, dm)[-1]["ts"]
    world.bot_client.message("ada", "by key", thread=greeting)
    wait_until(lambda: answers(world, dm, greeting))
    assert answers(world, dm, greeting)[-1]["text"] == WHICH_QUESTION
    world.bot_client.message("ada", "spend by key", thread=greeting)
    wait_until(lambda: len(answers(world, dm, greeting)) == 2)
    assert command(answers(world, dm, greeting)[-1]) == "/activity spend 1d by key"


@pytest.mark.parametrize("text", ["why?", "why", "Why is that?"])
def test_why_under_an_answer_or_report_is_about_what_it_shows(world: World, text: str) -> None:
    answer = asked(world, "spend 1d key:prod")
    why = command(reply(world, answer["thread_ts"], text))
    assert why == "/activity why spend 1d key:prod"
    report = reported(world, "weekly spend by creator here Europe/Berlin")
    why = command(reply(world, report["ts"], text))
    assert why == "/activity why spend last week by creator tz Europe/Berlin"


def test_why_under_an_alert_is_about_what_it_is_about(world: World) -> None:
    alert = alerted(world, "spend > $5 per month key:prod in #general", "general")
    why = command(reply(world, alert["ts"], "why?"))
    assert why == f"/activity why spend {now():%Y-%m} by model key:prod tz Europe/Berlin"


def test_why_in_a_direct_message_is_about_the_answer_before(world: World) -> None:
    dm = world.slack.im("ada").id
    world.bot_client.message("ada", "spend 1d by key")
    wait_until(lambda: answers(world, dm))
    world.bot_client.message("ada", "why?")
    wait_until(lambda: len(answers(world, dm)) == 2)
    assert command(answers(world, dm)[-1]) == "/activity why spend 1d by key"
    world.bot_client.message("ada", "why are tokens up this month?")
    wait_until(lambda: len(answers(world, dm)) == 3)
    assert command(answers(world, dm)[-1]) == "/activity why tokens this month"


def test_a_reply_to_ones_own_question_changes_that(world: World) -> None:
    dm = world.slack.im("ada").id
    world.bot_client.message("ada", "spend 7d by key")
    wait_until(lambda: answers(world, dm))
    question = next(m["ts"] for m in world.slack.messages(dm) if not m.get("bot_id"))
    world.bot_client.message("ada", "tokens yesterday")
    wait_until(lambda: len(answers(world, dm)) == 2)
    world.bot_client.message("ada", "only ada", thread=question)
    wait_until(lambda: answers(world, dm, question))
    words = "/activity spend 7d by key creator:ada@example.com"
    assert command(answers(world, dm, question)[-1]) == words


def test_a_comparison_goes_into_the_schedule_of_a_reply(world: World) -> None:
    thread = asked(world, "spend last week by creator vs last month")["thread_ts"]
    world.bot_client.mention("ada", "general", "every monday 9:00", thread=thread)
    wait_until(lambda: [m for m in hidden(world, "ada") if "Scheduled" in m["text"]])
    assert "`spend last week by creator vs last month`" in hidden(world, "ada")[-1]["text"]


def test_people_are_called_by_their_address_and_not_by_slacks_id(world: World) -> None:
    grace = world.slack.user("grace").id
    answer = asked(world, f"what about <@{grace}> this week")
    assert answer["text"].startswith(
        "I read that as `/activity this week creator:grace@example.com`."
    )
    thread = asked(world, "how much did I spend this week")["thread_ts"]
    words = "/activity spend this week by key creator:ada@example.com"
    assert f"I read that as `{words}`." in reply(world, thread, "by key")["text"]
    world.bot_client.mention("ada", "general", "every monday 9:00", thread=thread)
    wait_until(lambda: [m for m in hidden(world, "ada") if "Scheduled" in m["text"]])
    text = hidden(world, "ada")[-1]["text"]
    assert "`spend last week by key creator:ada@example.com`" in text
    assert world.slack.user("ada").id not in text
    said_ = say(world, f"schedule weekly spend creator:<@{grace}|grace> to me")
    assert said_.startswith("Scheduled: `spend last week creator:grace@example.com`")


def test_no_address_of_others_is_heard_where_people_see_their_own_only(
    openrouter: Any, database: Any
) -> None:
    with administered(openrouter, database, ACTIVITY_VISIBILITY="own") as world:
        ada = world.slack.user("ada").id
        for text in (f"what about <@{ada}> this week", f"every monday 9:00 spend of <@{ada}>"):
            assert "ada@example.com" not in told(world, text, "grace")


def alerted(world: World, words: str, channel: str) -> dict[str, Any]:
    """The message of an alert that has crossed its line already."""
    assert say(world, f"alert {words}").startswith("*Alert set:*")
    world.bot.evaluator.evaluate_all()
    AlertDelivery(world.bot.alerts, world.bot.evaluator).tick()
    return [m for m in world.slack.messages(channel) if m.get("metadata")][-1]


def test_a_reply_to_an_alert_changes_the_question_behind_it(world: World) -> None:
    alert = alerted(world, "spend > $5 per month key:prod in #general", "general")
    month = f"{now():%Y-%m}"
    found = command(reply(world, alert["ts"], "by creator"))
    assert found == f"/activity spend {month} by creator key:prod tz Europe/Berlin"
    dm = world.slack.im("ada").id
    alert = alerted(world, "spend > $5 per month creator:me", dm)
    world.bot_client.message("ada", "tokens by model", thread=alert["ts"])
    wait_until(lambda: answers(world, dm, alert["ts"]))
    words = f"/activity tokens {month} by model creator:ada@example.com tz Europe/Berlin"
    assert command(answers(world, dm, alert["ts"])[-1]) == words
