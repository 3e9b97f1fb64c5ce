"""What people say in their own words: understood as a command, never guessed in silence."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.alerts.grammar import EXAMPLES
from reports.alerts.rule import Rule
from reports.commands import parse_command
from reports.natural.names import KnownNames
from reports.natural.parsed_text import ParsedText
from reports.natural.parser import parse_text
from reports.questions.grammar import CommandError, QuestionCommand, parse
from tests.reports.render.anything import EVIL, queries

TODAY = date(2026, 11, 22)
KNOWN = KnownNames(
    ("anthropic/claude-opus-4.5", "google/gemini-3-pro-preview", "openai/gpt-5.1", "x-ai/opal"),
    ("prod", "prod-000", "nightly evals", "support bot", "opal"),
    (
        ("Ada Okafor", "ada@example.com"),
        ("Sam Lee", "sam@example.com"),
        ("Sam Lee", "lee@example.com"),
    ),
)


def heard(text: str) -> ParsedText:
    found = parse_text(text, KNOWN, TODAY)
    assert isinstance(found, ParsedText), found
    return found


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        ("what did we spend on opus last week by person",
         "spend last week by creator model:*opus*"),
        ("How much did Ada spend yesterday?", "spend yesterday creator:ada@example.com"),
        ("who spent the most this month?", "spend this month by creator top 1"),
        ("what were the costs for gemini in october per model",
         "spend 2026-10 by model model:*gemini*"),
        ("tokens by api key over the past 3 months", "tokens 3m by key"),
        ("show me the usage of the last 7 days", "7d"),
        ("what did I spend today", "spend today creator:me"),
        ("my tokens, please", "tokens creator:me"),
        ("how many requests did we make in May", "requests 2026-05"),
        ("may I see the tokens", "tokens"),
        ("how much in December", "spend 2025-12"),
        ("spend in march 2024", "spend 2024-03"),
        ("which models did the support bot use last week",
         'last week by model key:"support bot"'),
        ("key prod last month as csv", "last month key:prod csv"),
        ("spend of “nightly evals” this week", 'spend this week key:"nightly evals"'),
        ("what about <@U123> this month", "this month creator:<@U123>"),
        ("top 5 models", "by model top 5"),
        ("the biggest keys of the past week", "1w by key"),
        ("spend past month, compared to the month before", "spend 1m vs last month"),
        ("month over month spend by person", "spend this month by creator vs last month"),
        ("spend this year vs last year", "spend this year vs last year"),
        ("cost last month by creator csv", "cost last month by creator csv"),
        ("spend year to date", "spend ytd"),
        ("spend since september", "spend 2026-09-01..2026-11-22"),
        ("tokens since Monday by key", "tokens 2026-11-16..2026-11-22 by key"),
        ("spend from october to now", "spend 2026-10-01..2026-11-22"),
        ("from october until today by person", "2026-10-01..2026-11-22 by creator"),
        ("spend since 5 october", "spend 2026-10-05..2026-11-22"),
        ("spend since the beginning of last month", "spend 2026-10-01..2026-11-22"),
        ("spend since the start of the year", "spend 2026-01-01..2026-11-22"),
        ("spend between september and october", "spend 2026-09-01..2026-10-31"),
        ("spend between 1 and 15 october", "spend 2026-10-01..2026-10-15"),
        ("spend from the 3rd to the 5th of october", "spend 2026-10-03..2026-10-05"),
        ("spend from november to january", "spend 2025-11-01..2026-01-31"),
        ("spend in the first week of october", "spend 2026-10-01..2026-10-07"),
        ("spend 4th week of the month by key", "spend 2026-11-22 by key"),
        ("spend last week of october", "spend 2026-10-25..2026-10-31"),
        ("spend in the last three days of october", "spend 2026-10-29..2026-10-31"),
        ("first 10 days of last month", "2026-10-01..2026-10-10"),
        ("spend last day of february", "spend 2026-02-28"),
        ("spend second half of last month", "spend 2026-10-16..2026-10-31"),
        ("spend first half of 2026", "spend 2026-01-01..2026-06-30"),
        ("spend second half of the year", "spend 2026-07-01..2026-11-22"),
        ("compare first week of october with first week of september",
         "2026-10-01..2026-10-07 vs last month"),
        ("spend from the first week of october to 20 october", "spend 2026-10-01..2026-10-20"),
        ("spend since the last week of october", "spend 2026-10-25..2026-11-22"),
        ("spend 2026-10-01 to 2026-10-15", "spend 2026-10-01..2026-10-15"),
        ("spend since 3 weeks ago", "spend 3w"),
        ("spend from october on opus", "spend 2026-10 model:*opus*"),
        ("spend from october on", "spend 2026-10-01..2026-11-22"),
        ("spend over the past two weeks", "spend 2w"),
        ("spend since three weeks by key", "spend 3w by key"),
        ("the last couple of days", "2d"),
        ("top three keys", "by key top 3"),
        ("spend last quarter", "spend 2026-07-01..2026-09-30"),
        ("spend this quarter", "spend 2026-10-01..2026-11-22"),
        ("spend since last quarter", "spend 2026-07-01..2026-11-22"),
        ("spend last monday", "spend 2026-11-16"),
        ("spend last sunday", "spend 2026-11-15"),
        ("spend since last friday", "spend 2026-11-20..2026-11-22"),
        ("tokens for claude models by person", "tokens by creator model:*claude*"),
        ("send this every weekday at 8:30 to me", "schedule every weekday 8:30 to me"),
        ("spend by key every monday 9am", "schedule every monday 9am spend by key"),
        ("schedule weekly spend by creator", "schedule weekly spend by creator"),
        ("gpt-5.1 tokens in Europe/Berlin", "tokens model:*gpt-5.1* tz Europe/Berlin"),
        ("which key cost the most last month", "spend last month by key top 1"),
        ("who used gpt 5.1 the most in october", "2026-10 by creator model:*gpt-5.1* top 1"),
        ("a pdf of last month's costs", "spend last month pdf"),
        ("compare this month with last month", "this month vs last month"),
        ("compare spend this week to last week by model", "spend this week by model vs last week"),
        ("spend on the prod key", "spend key:prod"),
        ("the opus model last week", "last week model:*opus*"),
        ("claude models last week", "last week by model model:*claude*"),
        ("ada's spend", "spend creator:ada@example.com"),
        ("schedule this weekly", "schedule weekly"),
        ("every morning spend by key", "schedule daily 9:00 spend by key"),
        ("spend by key every friday at 9", "schedule every friday 9:00 spend by key"),
        ("help", "help"),
        ("status", "status"),
    ],
)  # fmt: skip
def test_it_understands_what_people_say(said, understood):
    assert heard(said).words == understood
    assert not isinstance(parse_command(understood), CommandError)


@pytest.mark.parametrize("said", ["", "thanks!", "Thank you very much", "hello", "???", "hey you"])
def test_what_asks_for_nothing_is_nothing(said):
    assert parse_text(said, KNOWN, TODAY) is None


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("spend frobnicate last week", "I don't recognize “frobnicate”"),
        ("spend without weather", "I don't recognize what to leave out after “without”"),
        ("what did sam spend", "“sam” could mean `creator:sam@example.com` or"),
        ("spend on opal", "“opal” could mean `key:opal` or `model:*opal*`."),
        ("spend by weather", "You can group by model, key or creator, not by “weather”."),
        ("spend vs weather", "`vs` needs before, yesterday, last week"),
        ("daily spend yesterday", "Do you want this daily, as a scheduled report, or only now?"),
        ("spend 2026-13", "There is no such date as “2026-13”."),
        ("spend and tokens", "A question can have only one metric"),
        ("spend " * 70, "That is 419 characters"),
    ],
)
def test_it_says_what_it_does_not_understand(said, problem):
    wrong = parse_text(said, KNOWN, TODAY)
    assert isinstance(wrong, CommandError)
    assert wrong.problem.startswith(problem)


def test_a_misspelt_word_is_answered_with_the_question_as_it_was_probably_meant():
    wrong = parse_text("spnd last week by creator", KNOWN, TODAY)
    assert isinstance(wrong, CommandError)
    assert (wrong.understood, wrong.suggestion) == (
        "last week by creator",
        "spend last week by creator",
    )


def test_what_cannot_be_asked_is_named():
    assert heard("spend per hour last week").ignored == ("per hour",)
    assert heard("spend per day last week").ignored == ()
    assert heard("spend last week").ignored == ()


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        ("spend 1m by model", "by key", "spend 1m by key"),
        ("spend 1m by model", "only gemini", "spend 1m by model model:*gemini*"),
        ("spend 1m model:*opus* key:prod", "only gemini", "spend 1m key:prod model:*gemini*"),
        ("spend 1m by model", "vs last month", "spend 1m by model vs last month"),
        ("spend 1m by model", "pdf", "spend 1m by model pdf"),
        ("spend 1m by model", "and tokens?", "tokens 1m by model"),
        ("spend 1m by model", "what about last week", "spend last week by model"),
        ("spend 1m by model", "everything", "1m by model"),
        ("spend 1m by model", "every monday 9:00", "schedule every monday 9:00 spend 1m by model"),
        ("spend 1w vs last month", "last 3 months", "spend 3m vs before"),
        ("spend 1m vs before", "weekly to me", "schedule weekly to me spend 1m vs before"),
        ("spend 1m by model", "top 3", "spend 1m by model top 3"),
    ],
)
def test_it_changes_the_question_before(before, said, after):
    read = parse(before)
    assert isinstance(read, QuestionCommand)
    assert heard(said).onto(read.query) == after
    assert not isinstance(parse_command(after), CommandError)


SAYINGS = (
    "what did we spend on opus last week by person and the tokens of key prod vs every monday 9:00"
    " past 3 months per day top model: creator:me tz who <@U1> i me how much in may 2025 without"
    ' "nightly evals" compared to before csv share schedule 1m 2026-10 7 days'
)
_words = st.sampled_from(SAYINGS.split())


@given(st.lists(st.one_of(_words, st.sampled_from(EVIL), st.text(max_size=12)), max_size=14))
def test_whatever_is_said_it_is_a_command_an_error_or_nothing(words):
    found = parse_text(" ".join(words), KNOWN, TODAY)
    assert found is None or isinstance(found, ParsedText | CommandError)
    if isinstance(found, ParsedText):
        first = found.words.split(maxsplit=1)[0]
        sure = first not in {"schedule", "schedules", "alert", "alerts", "audit", "status", "help"}
        assert not (sure and isinstance(parse_command(found.words), CommandError))


@given(queries)
def test_a_question_in_the_words_of_the_grammar_is_that_question(query):
    read = parse(query.words())
    if isinstance(read, QuestionCommand):
        found = parse_text(query.words(), KNOWN, TODAY)
        assert isinstance(found, ParsedText)
        assert parse(found.words) == read


@given(queries, queries)
def test_a_change_of_any_question_can_be_asked(query, other):
    found = parse_text(other.words(), KNOWN, TODAY)
    if isinstance(found, ParsedText) and not found.recurrence:
        words = found.onto(query)
        assert len(words) > 300 or isinstance(parse(words), QuestionCommand) or query.filters


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        ("tell me if we spend more than $50 per day", "spend > $50 per day"),
        ("let me know when we go over $50 a day", "spend > $50 per day"),
        ("please warn me when the credits fall below $100", "credits < $100"),
        ("notify me once prod-000 costs more than $5 in an hour",
         "spend > $5 per hour key:prod-000"),
        ("can you tell me when somebody uses a new model?", "new model"),
        ("ping me if the bill for the month will exceed $5000", "spend > $5,000 per month"),
        ("alert me when ada spends more than $20 per day",
         "spend > $20 per day creator:ada@example.com"),
        ("tell me when a key reaches 80% of its limit", "budget 80% by key"),
        ("alert us in <#C1|finance> if we go over $50 a day",
         "spend > $50 per day in <#C1|finance>"),
        ("set an alert for tokens over 10m an hour by model", "tokens > 10M per hour by model"),
        ("I want to be alerted if somebody spends $50 a day", "spend > $50 per day by creator"),
        ("let me know when usage is unusual", "spike"),
        ("tell me when the data is old", "sync"),
        ("warn me if I spend more than $20 per day", "spend > $20 per day creator:me"),
        ("tell me if my key is above 90% of its budget", "budget 90% creator:me"),
        ("could you let me know once gemini costs more than $10 a day?",
         "spend > $10 per day model:*gemini*"),
        ("remind me when spend > $50/day per key", "spend > $50 per day by key"),
        ("tell me when a key is unused for 60 days", "key unused 60d"),
        ("let me know if a key hasn't been used for 2 months", "key unused 60d"),
        ("tell me when my key wasn't used for a week", "key unused 7d creator:me"),
        ("warn me before a model I use is retired", "retiring creator:me"),
        ("let me know before models are shut down", "retiring"),
        ("notify me when gemini is going away", "retiring model:*gemini*"),
        ("warn me when the cache share falls below 50%", "cache < 50%"),
        ("tell me if caching drops below 40% for a key", "cache < 40% by key"),
        ("warn me about unused keys", "key unused 30d"),
        ("alert me if a key of someone who left the company still spends", "key orphaned"),
        ("notify me when keys whose owner has left still cost money", "key orphaned"),
    ],
)  # fmt: skip
def test_who_would_be_told_of_something_gets_an_alert(said, understood):
    found = heard(said)
    assert found.words == f"alert {understood}"
    assert not found.is_strict
    assert isinstance(parse_command(found.words), Rule)


def test_an_alert_in_the_grammars_own_words_is_taken_as_it_is():
    said = "alert me when spend goes over $50 a day"
    assert heard(said) == ParsedText(said, is_strict=True)


@pytest.mark.parametrize(
    ("said", "problem", "meant"),
    [
        ("tell me when spend is above $50", "$50 per hour, day, week or month?",
         "alert spend > $50 per day"),
        ("tell me if we spend more than €50 a day", "OpenRouter bills in US dollars", ""),
        ("tell me if we spend more than fifty dollars a day", "“fifty”", ""),
        ("warn me when credits run low", "What is the limit?", "alert credits < $100"),
        ("tell me if anyone spent more than $50 yesterday", "“yesterday” only works in a question",
         ""),
        ("don't alert me when spend is over $50 a day", "recognize “don't”", ""),
        ("tell <@U0BEN|ben> if we spend more than $50 a day", "An alert can go to you", ""),
        ("alert us in #finance if we go over $50 a day", "I can't tell which channel", ""),
    ],
)  # fmt: skip
def test_a_wish_that_lacks_something_is_answered_with_the_command(said, problem, meant):
    found = parse_text(said, KNOWN, TODAY)
    assert isinstance(found, CommandError)
    assert problem in found.problem
    assert found.suggestion == meant
    assert found.examples == EXAMPLES
    assert not meant or isinstance(parse_command(meant), Rule)


@pytest.mark.parametrize(
    "said",
    ["tell me what we spend per day", "I want to know how much we spent", "let me know the tokens",
     "tell me the costs of yesterday by person"],
)  # fmt: skip
def test_who_asks_for_figures_now_gets_no_alert(said):
    assert not heard(said).words.startswith("alert")


@pytest.mark.parametrize(
    "said", ["my alerts", "what alerts do I have?", "show me the alerts", "list my alerts"]
)
def test_who_asks_for_their_alerts_gets_the_list(said):
    assert heard(said).words == "alerts"


def test_what_is_done_with_buttons_is_pointed_to_them():
    found = parse_text("please delete my alerts", KNOWN, TODAY)
    assert isinstance(found, CommandError)
    assert found.suggestion == "alerts"


WISHES = st.lists(
    st.sampled_from(
        ["tell", "me", "if", "when", "alert", "spend", "over", "$50", "80%", "a", "day", "by",
         "key", "new", "model", "in", "<#C1|x>", "<@U1|a>", "to", "us", "prod", "my", "i", "per",
         "limit", "credits", "below", "somebody", "for", "the", "month", '"', "10m", "tokens"]
    ),
    max_size=14,
).map(" ".join)  # fmt: skip


@given(WISHES)
def test_whatever_is_wished_for_what_is_taken_can_be_said(said):
    found = parse_text(said, KNOWN, TODAY)
    if isinstance(found, ParsedText) and not found.is_strict:
        assert not isinstance(parse_command(found.words), CommandError)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("spend since the launch", "Since when?"),
        ("spend last decade", "`last` needs a unit of time after it"),
        ("how much did we spend since", "Since when?"),
        ("spend since 2027-03", "2027-03-01 is in the future"),
        ("spend since 31 february", "There is no such date as “31 february”."),
        ("spend from yesterday to last week", "the earlier date comes first"),
    ],
)
def test_a_beginning_that_is_none_is_said(said: str, problem: str) -> None:
    found = parse_text(said, KNOWN, TODAY)
    assert isinstance(found, CommandError)
    assert problem in found.problem


def test_a_name_that_nobody_has_is_not_left_out_of_a_what_if_question():
    found = parse_text("replace opus with sonnet for prod-0066", KNOWN, TODAY)
    assert isinstance(found, CommandError)
    assert "prod-0066" in found.problem


@pytest.mark.parametrize("text", ["forecast over -5", "price by creator top -1", "spend -3"])
def test_a_negative_number_is_refused_instead_of_being_a_name_to_leave_out(text):
    found = parse_text(text, KNOWN, TODAY)
    assert isinstance(found, CommandError)
