"""Questions as people ask them, and the command that each is read as, whichever way they ask."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reports.commands import parse_command
from reports.natural.names import KnownNames
from reports.natural.parsed_text import ParsedText
from reports.questions.grammar import CommandError, HelpCommand, QuestionCommand
from reports.questions.topics import BalanceAsked, BudgetAsked, MeAsked, Topic, TopicAsked, not_yet
from reports.reader import Clock, read

NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)  # a Sunday
KNOWN = KnownNames(
    ("anthropic/claude-opus-4.5", "anthropic/claude-sonnet-4.5", "google/gemini-3-pro-preview",
     "openai/gpt-5.1", "openai/gpt-5-mini", "deepseek/deepseek-v3.2", "meta-llama/llama-3.3-70b"),
    ("prod", "prod-000", "prod-006", "ci-004", "ci-005", "newsletter-drafts", "nightly evals",
     "support bot", "laptop"),
    (("Ada Lovelace", "ada@example.com"), ("Grace Hopper", "grace@example.com"),
     ("Sam Lee", "sam@example.com"), ("Sam Lee", "lee@example.com")),
)  # fmt: skip


def ask(text: str, now: datetime = NOW, zone: str = "UTC") -> ParsedText | CommandError | None:
    return read(text, lambda: KNOWN, Clock(now, zone))


def command(text: str) -> str:
    found = ask(text)
    assert isinstance(found, ParsedText), found
    return found.canonical


QUESTIONS = {
    "price half a day": "price 12h",
    "keys of ada": "keys creator:ada@example.com",
    "how many credits did we use last month": "last month credits",
    "are costs going down": "why spend 1w",
    "what made our bill go up": "why spend 1w",
    "what made costs go up in october": "why spend 2026-10",
    "what made the bill so expensive last month": "why spend last month",
    "what pushed our spend up": "why spend 1w",
    "which key made spend go up": "why spend 1w by key",
    "is it volume or price": "why 1w",
    "was it volume or price last month": "why last month",
    "is it price, volume or mix": "why 1w",
    "is spend up because of price or volume": "why spend 1w",
    "is it a price change or more usage": "why 1w",
    "did prices go up or did we use more": "why 1w",
    "compared to normal": "why 1w",
    "how is spend compared to normal this week": "why spend this week",
    "are we above normal today": "why today",
    "did caching get worse": "cache 1m by key",
    "did our cache get worse this week": "cache this week by key",
    "which model made the most requests": "requests 1d by model top 1",
    "are we spending more": "why spend 1w",
    "are we spending more than usual": "why spend 1w",
    "are we spending more this week": "why spend this week",
    "is spend up": "why spend 1w",
    "is spend down this month": "why spend this month",
    "has spend gone up": "why spend 1w",
    "have our costs increased": "why spend 1w",
    "how is spend trending": "why spend 1w",
    "are we using more tokens": "why tokens 1w",
    "did requests go down yesterday": "why requests yesterday",
    "is my spend up": "why spend 1w creator:me",
    "did ada spend more this month": "why spend this month creator:ada@example.com",
    "is opus usage up": "why 1w model:*opus*",
    "did the cost of ci-005 drop this week": "why spend this week key:ci-005",
    "are we spending less than last month": "spend this month vs last month",
    "does ada use more tokens than grace":
        "tokens 1d by creator creator:ada@example.com creator:grace@example.com",
    "can you break down costs": "spend 1d",
    "is spend going to go up": "forecast this month",
    "whatif everything -> gpt 5.1": "whatif all -> gpt-5.1 1m",
    "whatif all -> sonnet excluding opus": "whatif all -> sonnet 1m -model:*opus*",
    "whatif all -> sonnet without opus": "whatif all -> sonnet 1m -model:*opus*",
    "what if we moved everything except opus to haiku": "whatif all -> haiku 1m -model:*opus*",
    "what if we used sonnet": "whatif all -> sonnet 1m",
    "whatif sonnet by creator": "whatif all -> sonnet 1m by creator",
    "what if everything ran on haiku": "whatif all -> haiku 1m",
    "what would it cost on gpt-5-mini": "whatif all -> gpt-5-mini 1m",
    "how much would we save with sonnet": "whatif all -> sonnet 1m",
    "what if ada used sonnet": "whatif all -> sonnet 1m creator:ada@example.com",
    "what if we used llama-4 for everything": "whatif all -> llama-4 1m",
    "what if we stopped using opus": "whatif 1m model:*opus*",
    "what if we used sonnet instead of opus": "whatif opus -> sonnet 1m",
    "how much did we spend yesterday": "spend yesterday",
    "spend this week vs last week": "spend this week vs last week",
    "who is my top spender": "spend 1d by creator top 1",
    "which models does ada use": "1d by model creator:ada@example.com",
    "how much did grace spend on gpt last month":
        "spend last month creator:grace@example.com model:*gpt*",
    "what did the ci-004 key cost in october": "spend 2026-10 key:ci-004",
    "total tokens last 7 days": "tokens 7d",
    "how many requests did we make today": "requests today",
    "show me spend by key for november": "spend 2026-11 by key",
    "pdf of october by creator": "2026-10 by creator pdf",
    "most expensive model this month": "spend this month by model top 1",
    "top 5 models by cost last 30 days": "spend 30d by model top 5",
    "spend per day last week": "spend last week",
    "break down prod-006 by model": "1d by model key:prod-006",
    "usage": "1d",
    "spend for the month of october": "spend 2026-10",
    "Spend for Oct. 2026": "spend 2026-10",
    "spend by person \u2014 last month": "spend last month by creator",
    "any idea what we spent yesterday?": "spend yesterday",
    "everyone's spend this week": "spend this week",
    "How much did claude-opus-4.5 cost in Nov?": "spend 2026-11 model:*claude-opus-4.5*",
    "overview": "1d",
    "how much have we spent so far this month": "spend this month",
    "what did openai cost us in september": "spend 2026-09 model:*openai*",
    "who are our top 3 spenders this month": "spend this month by creator top 3",
    "which person used the most tokens last week": "tokens last week by creator top 1",
    "the 5 most expensive keys last month": "spend last month by key top 5",
    "three most expensive models this week": "spend this week by model top 3",
    "top models": "1d by model",
    "top creators by tokens 1w": "tokens 1w by creator",
    "what are we spending money on": "spend 1d by model",
    "where does our money go": "spend 1d by model",
    "what does grace use": "1d by model creator:grace@example.com",
    "how many calls per day this week": "requests this week",
    "how much is opus costing us per month": "spend 1y model:*opus*",
    "what's the average spend per day this month": "spend this month",
    "did we spend more this week than last week": "spend this week vs last week",
    "is spend up vs last month": "spend this month vs last month",
    "give me a spreadsheet of october by key": "2026-10 by key csv",
    "send me the pdf for last quarter": "2026-07-01..2026-09-30 pdf",
    "usage by user in Europe/Berlin": "1d by creator tz Europe/Berlin",
    "usage of newsletter drafts": "1d key:newsletter-drafts",
    "my spend yesterday": "spend yesterday creator:me",
    "what have I spent this week": "spend this week creator:me",
    "ada": "1d creator:ada@example.com",
    "spend opus": "spend 1d model:*opus*",
    "who uses gemini?": "1d by creator model:*gemini*",
    "what's our biggest cost?": "spend 1d by model top 1",
    "what is Ada spending on?": "spend 1d by model creator:ada@example.com",
    "what did we spend on mini last week": "spend last week model:*mini",
}  # fmt: skip
AS_TYPED = {
    "spend yesterday \U0001f64f": "spend yesterday",
    "pls spend by model thx": "spend 1d by model",
    "spend by key (last week)": "spend last week by key",
    "spend by api-key 7d": "spend 7d by key",
    "how many requests hit gpt-5.1 yesterday": "requests yesterday model:*gpt-5.1*",
    "tokens spent last week by key": "tokens last week by key",
    "how many tokens did we spend last week": "tokens last week",
    "who's burning the most tokens right now": "tokens 1d by creator top 1",
    "top3 models": "1d by model top 3",
    "october summary pdf": "2026-10 pdf summary",
    "pdf summary of october": "2026-10 pdf summary",
    "only credits last month": "last month credits",
    "cost yesterday excl. byok": "spend yesterday credits",
    "without byok": "spend 1d credits",
    "last month vs this month": "this month vs last month",
    "yesterday vs today": "today vs yesterday",
    "spend this month vs same month last year": "spend this month vs last year",
}
DATES = {
    "spend week of november 16": "spend 2026-11-16..2026-11-22",
    "for the week of 7 oct": "2026-10-05..2026-10-11",
    "w/c 9 november": "2026-11-09..2026-11-15",
    "week commencing 16/11/2026": "2026-11-16..2026-11-22",
    "week ending 15 november": "2026-11-09..2026-11-15",
    "oct 1 - oct 15": "2026-10-01..2026-10-15",
    "october 1 - november 1": "2026-10-01..2026-11-01",
    "sep-oct": "2026-09-01..2026-10-31",
    "mon-wed": "2026-11-16..2026-11-18",
    "1.10.2026-15.10.2026": "2026-10-01..2026-10-15",
    "01.10.-15.10.": "2026-10-01..2026-10-15",
    "10/1/2026-10/15/2026": "2026-10-01..2026-10-15",
    "last october": "2026-10",
    "last november": "2025-11",
    "november last year": "2025-11",
    "24h": "24h",
    "Oct 2026": "2026-10",
    "october": "2026-10",
    "november": "2026-11",
    "10/2026": "2026-10",
    "10.2026": "2026-10",
    "Q3": "2026-07-01..2026-09-30",
    "2026-Q3": "2026-07-01..2026-09-30",
    "q3 2025": "2025-07-01..2025-09-30",
    "third quarter of 2025": "2025-07-01..2025-09-30",
    "q4": "2026-10-01..2026-11-22",
    "last quarter": "2026-07-01..2026-09-30",
    "H1 2026 by model": "2026-01-01..2026-06-30 by model",
    "2025": "2025-01-01..2025-12-31",
    "2026": "2026-01-01..2026-11-22",
    "since monday": "2026-11-16..2026-11-22",
    "since oct 3": "2026-10-03..2026-11-22",
    "nov 1-15": "2026-11-01..2026-11-15",
    "nov 1\u201315": "2026-11-01..2026-11-15",
    "1-15 nov": "2026-11-01..2026-11-15",
    "nov 1 to 15": "2026-11-01..2026-11-15",
    "from 1 nov to 15 nov": "2026-11-01..2026-11-15",
    "1.11.2026 - 15.11.2026": "2026-11-01..2026-11-15",
    "2026-11-01\u20142026-11-15": "2026-11-01..2026-11-15",
    "2026-11-01\u20262026-11-15": "2026-11-01..2026-11-15",
    "3 Oct": "2026-10-03",
    "Oct 3": "2026-10-03",
    "oct\u00a03, 2025": "2025-10-03",
    "3rd of October": "2026-10-03",
    "3-oct-2026": "2026-10-03",
    "dec 24": "2025-12-24",
    "03.11.2026": "2026-11-03",
    "2026/11/03": "2026-11-03",
    "\uff12\uff10\uff12\uff16\uff0f\uff11\uff11\uff0f\uff10\uff13": "2026-11-03",
    "25/12/2025": "2025-12-25",
    "12/25/2025": "2025-12-25",
    "10/10/2026": "2026-10-10",
    "10/12/2026": "2026-10-12",  # the tenth of December is still to come
    "week 45": "2026-11-02..2026-11-08",
    "w45": "2026-11-02..2026-11-08",
    "2025-W45": "2025-11-03..2025-11-09",
    "on monday": "2026-11-16",
    "last sunday": "2026-11-15",
    "last weekend": "2026-11-14..2026-11-15",
    "2 days ago": "2026-11-20",
    "the day before yesterday": "2026-11-20",
    "3 weeks ago": "2026-10-26..2026-11-01",
    "a month ago": "2026-10",
    "the last 3 months": "3m",
    "past 7 days": "7d",
    "last night": "yesterday",
    "this morning": "today",
    "compare october and september": "2026-10 vs before",
    "2026-10 vs 2026-09": "2026-10 vs before",
    "september vs october": "2026-10 vs before",
    "october vs october 2025": "2026-10 vs last year",
    "q3 vs q2": "2026-07-01..2026-09-30 vs before",
    "compare this week to last week": "this week vs last week",
}
EXCLUSIONS = {
    "without opus": "1d -model:*opus*",
    "except ada": "1d -creator:ada@example.com",
    "spend not counting ci": "spend 1d -key:*ci*",
    "spend without opus and gemini last week": "spend last week -model:*opus* -model:*gemini*",
    "everything but gpt this month": "this month -model:*gpt*",
    "all usage except for the nightly evals key": '1d -key:"nightly evals"',
    "costs last month excluding \u201cnightly evals\u201d": 'spend last month -key:"nightly evals"',
    "tokens by key without prod-000": "tokens 1d by key -key:prod-000",
    "spend without me": "spend 1d -creator:me",
    "spend but not opus": "spend 1d -model:*opus*",
    "spend on claude without model:*opus*": "spend 1d model:*claude* -model:*opus*",
    "no opus": "1d -model:*opus*",
    "spend -ada": "spend 1d -creator:ada@example.com",
    "exclude ci keys from spend by key": "spend 1d by key -key:*ci*",
    "spend ytd without ada's keys": "spend ytd by key -creator:ada@example.com",
    "spend in november without the prod key and laptop": "spend 2026-11 -key:prod -key:laptop",
    "-model:claude*": "1d -model:claude*",
    "\u2212key:ci*": "1d -key:ci*",
    "who spent without the <@U1>": "spend 1d by creator -creator:<@U1>",
}


@pytest.mark.parametrize(
    ("asked", "meant"), [*QUESTIONS.items(), *AS_TYPED.items(), *DATES.items()]
)
def test_a_question_is_read_as_a_command(asked: str, meant: str) -> None:
    assert command(asked) == meant
    assert isinstance(parse_command(meant), QuestionCommand)
    assert command(meant) == meant


def test_people_and_models_compared_are_told_apart() -> None:
    both = "creator:ada@example.com creator:grace@example.com"
    assert command("compare ada and grace") == f"1d by creator {both}"
    assert command("opus compared to sonnet") == "1d by model model:*opus* model:*sonnet*"
    assert command("ada vs grace this week") == f"this week by creator {both}"
    last_week = "last week by model model:*opus* model:*sonnet*"
    assert command("compare opus and sonnet last week") == last_week
    assert command("which was more expensive last week, opus or sonnet?") == f"spend {last_week}"


@pytest.mark.parametrize(("asked", "meant"), EXCLUSIONS.items())
def test_what_is_to_be_left_out_is(asked: str, meant: str) -> None:
    assert command(asked) == meant
    assert command(meant) == meant


KINDS = {
    "will we go over $5000 this month?": "forecast over $5000 this month",
    "are we on track to stay within $2k this month?": "forecast over $2000 this month",
    "what will we spend this month": "forecast this month",
    "how will the month end": "forecast this month",
    "forecast": "forecast this month",
    "why is today so expensive?": "why spend today",
    "why did spend go up yesterday": "why spend yesterday",
    "what changed since last week?": "why this week",
    "why did tokens drop last week by model": "why tokens last week by model",
    "what is driving our costs this month": "why spend this month",
    "what is the average price per million tokens?": "price 1m",
    "price of opus": "price 1m model:*opus*",
    "what's the cost per request": "price 1m",
    "price per token by model last month": "price last month by model",
    "what if we moved opus to sonnet?": "whatif opus -> sonnet 1m",
    "whatif opus -> sonnet": "whatif opus -> sonnet 1m",
    "what if we moved opus to sonnet last week by key": "whatif opus -> sonnet last week by key",
    "what if ada used sonnet instead of opus": "whatif opus -> sonnet 1m creator:ada@example.com",
    "what if we replaced opus with gpt-5.1 in october?": "whatif opus -> gpt-5.1 2026-10",
    "what if we used sonnet instead of opus this month?": "whatif opus -> sonnet this month",
    "how much would sonnet have cost instead of opus last week": "whatif opus -> sonnet last week",
    "what would we have saved with sonnet instead of opus in october for ada": (
        "whatif opus -> sonnet 2026-10 creator:ada@example.com"
    ),
    "who left the company but still has keys?": "keys orphaned",
    "which keys haven't been used": "keys unused",
    "which keys haven't been used for 60 days": "keys unused 60d",
    "keys unused 2 weeks": "keys unused 14d",
    "show me the limits": "limits",
    "show me my limits": "limits me",
    "every monday 9:00 limits": "schedule every monday 9:00 limits",
    "send me limits for key:prod every day": "schedule every day limits key:prod",
    "every day at 9 keys unused": "schedule every day 9:00 keys unused",
    "every day spend last week": "schedule every day spend last week",
    "what did we spend last week, every day at 9:00": "schedule every day 9:00 spend last week",
    "what did we spend each day last week": "spend last week",
    "spend for each day of last week": "spend last week",
    "show me the spend for each day of last week": "spend last week",
    "spend on each day in october": "spend 2026-10",
    "cost of every day since monday": "spend 2026-11-16..2026-11-22",
    "what do we spend each day": "spend 1m",
    "how much do we spend each month": "spend 1y",
    "send me the spend each day": "schedule each day spend",
    "spend by model, every day at 9:00": "schedule every day 9:00 spend by model",
    "spend of keys starting with ci": "spend 1d key:ci*",
    "keys that start with ci": "keys key:ci*",
    "which keys end in evals?": "keys key:*evals",
    "spend of keys ending in 005": "spend 1d key:*005",
    "cost of models that contain opus": "spend 1d model:*opus*",
    "how much did we spend every month this year?": "spend this year",
    "which keys were not used for 3 months": "keys unused 90d",
    "why did the price go up last week": "why last week",
    "which key has no limit?": "keys unlimited",
    "export last month": "last month csv",
    "download last week by key as pdf": "last week by key pdf",
    "show me unused keys": "keys unused",
    "what's the budget left for my key?": "limits me",
    "limits": "limits",
    "how much did caching save us?": "cache 1m",
    "does the cache work": "cache 1m",
    "is caching worth it for ada": "cache 1m creator:ada@example.com",
    "cache hit rate by model last week": "cache last week by model",
    "what share of our prompt tokens is cached, by key?": "cache 1m by key",
    "why did the cache hit rate drop on opus": "cache 1m by key model:*opus*",
    "what would it cost without caching": "cache 1m",
    "new models this month": "new models this month",
    "which new models did we use last week?": "new models last week",
    "any new keys since monday": "new keys 2026-11-16..2026-11-22",
    "new people in october": "new creators 2026-10",
    "which models are being retired?": "retiring",
    "any deprecated models in use": "retiring",
    "who still uses retiring models": "retiring by creator",
    "when is opus going to be deprecated": "retiring model:*opus*",
    "which of our models will go away next month": "retiring before 2027-01",
    "how slow is sonnet": "latency 1d model:*sonnet*",
    "why is sonnet so slow": "latency 1d model:*sonnet*",
    "how fast is opus": "latency 1d model:*opus*",
    "response times by key yesterday": "latency yesterday by key",
    "what is our p95 latency": "latency 1d",
    "which model is slowest": "latency 1d by model",
    "did errors go up this week": "errors this week vs before",
    "is latency getting worse": "latency 1d vs before",
    "how has latency changed this month": "latency this month vs before",
    "how much did latency improve this week": "latency this week vs before",
    "did the error rate change this week": "errors this week vs before",
    "has the error rate of opus increased this month": "errors this month model:*opus* vs before",
    "are we slower than last week": "latency this week vs last week",
    "how many requests failed yesterday": "errors yesterday",
    "tokens by customer last week": "tokens last week by end-user",
    "which customers spent the most this week": "spend this week by end-user",
    "which provider fails most": "errors 1d by provider",
    "error rate yesterday": "errors yesterday",
    "how many failed requests last week": "errors last week",
    "how often do requests fail": "errors 1d",
    "what share of requests failed this week by model": "errors this week by model",
    "errors by end user": "errors 1d by end-user",
}


@pytest.mark.parametrize(("asked", "meant"), KINDS.items())
def test_a_question_that_asks_for_sense_is_one_of_its_kind(asked: str, meant: str) -> None:
    heard = ask(asked)
    assert isinstance(heard, ParsedText)
    assert heard.canonical == meant
    assert command(meant) == meant


@pytest.mark.parametrize("asked", ["spend next week", "forecast last month"])
def test_a_forecast_is_of_a_period_that_is_still_running(asked: str) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError)
    assert found.problem.startswith("I can forecast how a period that is still running ends")


TOPICS = {
    "spend by app last month": Topic.APP,
    "top apps this month": Topic.APP,
    "spend by workspace": Topic.WORKSPACE,
    "spend by team": Topic.TEAM,
    "how much does each team spend": Topic.TEAM,
    "team:search spend": Topic.TEAM,
}


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ("forecast tokens", "I can forecast spend only, not tokens."),
        ("how many requests will we make this month", "I can forecast spend only, not requests."),
        ("keys unused 0d", "`unused` takes a number of days from 1 to 3,650"),
        ("keys unused 99999d", "`unused` takes a number of days from 1 to 3,650"),
        ("keys unused 5", "`unused` takes a number of days from 1 to 3,650"),
        ("price by model top 0", "`top` needs a number from 1 to 50"),
        ("cache top 51", "`top` needs a number from 1 to 50"),
        ("price why", "A question can have only one kind: “price” or “why”."),
    ],
)
def test_a_word_that_matters_is_refused_and_never_left_out(asked: str, problem: str) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError), found
    assert found.problem.startswith(problem)


@pytest.mark.parametrize(("asked", "topic"), TOPICS.items())
def test_what_has_no_answer_yet_is_recognized_and_never_answered_with_something_else(
    asked: str, topic: Topic
) -> None:
    found = parse_command(command(asked))
    assert isinstance(found, TopicAsked)
    assert found.topic is topic
    assert " yet; " in not_yet(topic)
    heard = ask(asked)
    assert isinstance(heard, ParsedText)
    assert heard.note() == ""


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("enough credits for the month?", "balance this month"),
        ("will our credits last until the end of the month", "balance this month"),
        ("will our credits last this week", "balance this week"),
        ("will we run out of credits today", "balance today"),
        ("do we have enough credits", "balance"),
        ("when will the credits run out this month", "balance"),
        ("how many credits are left this month?", "balance this month"),
        ("balance this week tz Europe/Berlin", "balance this week tz Europe/Berlin"),
        ("how many credits are left tz asia/tokyo", "balance tz Asia/Tokyo"),
    ],
)
def test_it_can_be_asked_whether_the_credits_last(asked: str, meant: str) -> None:
    assert command(asked) == meant
    assert isinstance(parse_command(meant), BalanceAsked)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("retiring before january", "retiring before 2027-01"),
        ("retiring before 15 jan", "retiring before 2027-01-15"),
        ("retiring before march 2027", "retiring before 2027-03"),
        ("which models retire next month?", "retiring before 2027-01"),
        ("which models are deprecated this year", "retiring before 2027-01"),
        ("models retiring by the end of february", "retiring before 2027-03"),
        ("models that retire before q2 by creator", "retiring before 2027-04 by creator"),
        ("which models were retired last month", "retiring"),
    ],
)
def test_models_retire_at_a_coming_date(asked: str, meant: str) -> None:
    assert command(asked) == meant


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("balance by key", "takes no `by`; `limits` lists what each key and member has left."),
        ("balance last week", "takes no period; `spend credits last month` shows what was spent."),
        ("how much credit was left in october", "takes no period; "),
        ("balance vs last month", "takes no comparison."),
        ("balance csv", "takes no file; `spend credits csv` is a file of what was spent."),
        ("balance top 3", "takes no `top`."),
        ("balance byok", "takes no `byok`."),
        ("balance tokens", "takes no metric."),
        ("balance share", "takes no `share`."),
        ("budget pdf", "`budget` lists what is used of every limit now, so it takes no file; "),
        ("budget tz Europe/Berlin", "so it takes no time zone; "),
        ("balance tz Mars/Olympus", "`tz` needs a time zone like Europe/Berlin"),
        ("budget tz Mars/Olympus", "`tz` needs a time zone like Europe/Berlin"),
        ("limits tz Mars/Olympus", "`tz` needs a time zone like Europe/Berlin"),
        ("whatif opus -> haiku tz Mars/Olympus", "`tz` needs a time zone like Europe/Berlin"),
        ("balance foo", "I don't recognize “foo”."),
        ('balance "', "A quotation mark is missing."),
    ],
)  # fmt: skip
def test_what_the_balance_and_the_budgets_do_not_take_is_refused(asked: str, said: str) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError)
    assert said in found.problem


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("balance key:prod", "limits key:prod"),
        ("budget of prod", "limits key:prod"),
        ("limits please tz asia/tokyo", "limits tz Asia/Tokyo"),
        ("which keys are unused csv", "keys unused csv"),
    ],
)
def test_answers_about_now_keep_what_they_take(asked: str, meant: str) -> None:
    assert command(asked) == meant


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ("balance", BalanceAsked), ("how much is left", BalanceAsked), ("Credits", BalanceAsked),
        ("credits left", BalanceAsked), ("when will we run out of credits?", BalanceAsked),
        ("how long will our credits last", BalanceAsked), ("is our balance ok?", BalanceAsked),
        ("budget", BudgetAsked), ("what's our budget", BudgetAsked), ("me", MeAsked),
    ],
)  # fmt: skip
def test_the_balance_and_ones_own_month_are_commands(asked: str, kind: type) -> None:
    assert isinstance(parse_command(command(asked)), kind)


@pytest.mark.parametrize(
    "asked",
    ["hi there", "good morning", "morning!", "Morning all", "evening",
      "thank you so much!", "who are you", "what can you do?", "hello?",
     "how are you", "\U0001f44b hi", "ok"],
)  # fmt: skip
def test_a_greeting_asks_for_nothing(asked: str) -> None:
    assert ask(asked) is None


@pytest.mark.parametrize("asked", ["help", "?", "help me"])
def test_help_is_help(asked: str) -> None:
    assert isinstance(parse_command(command(asked)), HelpCommand)


@pytest.mark.parametrize(
    ("asked", "problem", "candidates"),
    [
        ("10/03/2026", "Does “10/03/2026” mean 3 October or 10 March 2026?",
         ("2026-10-03", "2026-03-10")),
        ("spend 10/03/2026 by key", "Does “10/03/2026” mean 3 October or 10 March 2026?",
         ("spend 2026-10-03 by key", "spend 2026-03-10 by key")),
        ("spend from 10/03/2026 to 10/05/2026",
         "Does “10/03/2026” mean 3 October or 10 March 2026?",
         ("spend 2026-10-03..2026-10-05", "spend 2026-03-10..2026-05-10")),
        ("what did sam spend",
         "“sam” could mean `creator:sam@example.com` or `creator:lee@example.com`.",
         ("spend 1d creator:sam@example.com", "spend 1d creator:lee@example.com")),
    ],
)  # fmt: skip
def test_what_can_mean_two_things_is_asked_with_a_command_for_each(
    asked: str, problem: str, candidates: tuple[str, ...]
) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError)
    assert (found.problem, found.candidates) == (problem, candidates)
    assert all(isinstance(parse_command(one), QuestionCommand) for one in candidates)


def test_a_date_that_can_mean_two_days_names_both_on_its_buttons() -> None:
    found = ask("spend 10/03/2026 by key")
    assert isinstance(found, CommandError)
    assert found.labels == ("3 October 2026", "10 March 2026")


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("list keys", "keys"),
        ("whose keys are they", "keys"),
        ("who owns the prod key", "keys key:prod"),
        ("spend since the 1st", "spend 2026-11-01..2026-11-22"),
        ("since the 25th by model", "2026-10-25..2026-11-22 by model"),
        ("spend since the first", "spend 2026-11-01..2026-11-22"),
        ("spend half year", "spend 6m"),
        ("half a year by key", "6m by key"),
        ("spend in the last half year", "spend 6m"),
        ("which keys do we have", "keys"),
        ("who am i", "me"),
        ("whoami", "me"),
        ("spend today (today)", "spend today"),
        ("spend (last week)", "spend last week"),
        ("fortnight", "14d"),
        ("spend last fortnight", "spend 14d"),
        ("2 fortnights by model", "28d by model"),
        ("did grace spend more than ada",
         "spend 1d by creator creator:grace@example.com creator:ada@example.com"),
        ("spend month to date", "spend mtd"),
        ("tell me if we ever spend $50 a day", "alert spend > $50 per day"),
    ],
)  # fmt: skip
def test_short_and_odd_requests_mean_what_they_say(asked: str, meant: str) -> None:
    assert command(asked) == meant


@pytest.mark.parametrize("asked", ["quit", "exit", "logout", "Quit."])
def test_leaving_is_answered_without_a_suggestion(asked: str) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError)
    assert found.problem == "There is nothing to close; `help` shows what you can ask."
    assert not found.candidates


@pytest.mark.parametrize(
    "asked",
    [
        "all time",
        "spend all time by model",
        "all-time spend",
        "total spend ever",
        "forever",
        "did we ever use gpt",
    ],
)
def test_all_time_is_refused_and_never_read_as_the_past_day(asked: str) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError)
    assert found.problem.startswith("I can't show all time at once")
    assert not found.candidates


@pytest.mark.parametrize(("asked", "by"), [("least model", "model"), ("cheapest key", "key")])
def test_ranking_from_the_smallest_is_refused_with_what_comes_closest(asked: str, by: str) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError)
    assert found.problem == (
        "I can only rank from largest to smallest, so I can't rank by"
        f" “{asked.partition(' ')[0]}”. Try `spend by {by} top 50`; the smallest come last."
    )


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ("$1.500,50", "I can't filter by “$1.500,50”."),
        ("who spent less than $100 last week", "I can't filter by “$100”."),
        ("spend < $50", "I can't filter by “<”."),
        ("who spent more than €100 last week", "I can't filter by “€100”."),
        ("spend 500", "I can't read “500” as a date."),
        ("spend by foo", "You can group by model, key or creator, not by “foo”."),
        ("spend without weather", "I don't recognize what to leave out after “without”."),
        ("spend - opus", "With or without “opus”?"),
        ("least used model", "I can only rank from largest to smallest"),
        ("cheapest key last month", "I can only rank from largest to smallest"),
        ("alert errors > 5%", "I don't recognize “errors”."),
        ("compare october and july", "I can compare a period only with the one right before it"),
        ("spend 3 hours ago", "I can't look at a single hour in the past."),
        ("31 february", "There is no such date as “31 february”."),
        ("week 60", "There is no such date as “week 60”."),
        ("spend 2027-03-05 by kye", "You can group by model, key or creator, not by “kye”."),
    ],
)
def test_nothing_is_offered_that_means_something_else(asked: str, problem: str) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError)
    assert found.problem.startswith(problem)
    assert "\n" not in found.problem
    assert asked.endswith("kye") or found.candidates == ()


@pytest.mark.parametrize(
    ("asked", "candidate"),
    [
        ("tokns 1m", "tokens 1m"),
        ("spend novmber", "spend 2026-11"),
        ("spend last mnth", "spend last month"),
        ("spend 2026-02-30", "spend 2026-02-28"),
        ("-modle:claude*", "1d -model:claude*"),
    ],
)
def test_a_typo_is_answered_with_the_command_that_was_meant(asked: str, candidate: str) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError)
    assert found.candidates == (candidate,)


@pytest.mark.parametrize(
    ("asked", "meant", "remark"),
    [
        ("how mcuh did we spedn last week", "spend last week",
         "I took “mcuh” for “much” and “spedn” for “spend”."),
        ("what did we spnd last week by person", "spend last week by creator",
         "I took “spnd” for “spend”."),
        ("spend for novmber", "spend 2026-11", "I took “novmber” for “november”."),
        ("waht did ada spend yestrday", "spend yesterday creator:ada@example.com",
         "I took “waht” for “what” and “yestrday” for “yesterday”."),
        ("cheapest model last month", "price last month by model",
         "The most expensive come first, so the cheapest come last, and free ones at the end."),
        ("which keys spent over $100 in october", "spend 2026-10 by key top 50",
         "I can't leave out amounts below $100; the list starts with the largest."),
        ("who spent more than $100 last week", "spend last week by creator top 50",
         "I can't leave out amounts below $100; the list starts with the largest."),
        ("costs in £ last month", "spend last month",
         "OpenRouter bills in US dollars, so these are dollars, not pounds."),
        ("spend in euros by key", "spend 1d by key",
         "OpenRouter bills in US dollars, so these are dollars, not euros."),
        ("output tokens last week by model", "tokens last week by model",
         "The CSV has them for each group."),
        ("spend between 9am and 5pm yesterday", "spend yesterday",
         "I can't look at single hours of a day, so this is the whole day."),
        ("which day was the most expensive?", "spend 1m",
         "I can't rank days; the chart shows the usage over time."),
        ("on which day did we spend most in october", "spend 2026-10",
         "I can't rank days; the chart shows the usage over time."),
        ("what's the budget for marketing?", "budget",
         "These are all budgets and limits; I didn't look for “for marketing”."),
        ("5 most expensive days", "spend 1m",
         "I can't rank days; the chart shows the usage over time."),
        ("top 5 days last month", "last month",
         "I can't rank days; the chart shows the usage over time."),
        ("busiest hour", "1d", "I can't rank hours; the chart shows the usage over time."),
        ("peak hour yesterday", "yesterday",
         "I can't rank hours; the chart shows the usage over time."),
        ("what if we used sonnet instead of opus on weekends", "whatif opus -> sonnet 1m",
         "I ignored “on weekends”."),
        ("spend after 18:00", "spend today",
         "I can't look at single hours of a day, so this is the whole day."),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_as_asked_is_answered_as_near_as_it_can_and_said(
    asked: str, meant: str, remark: str
) -> None:
    found = ask(asked)
    assert isinstance(found, ParsedText)
    assert found.canonical == meant
    assert found.note().endswith(remark)


@pytest.mark.parametrize(
    "asked",
    ["what did we spend on gimini", "how much did adaa spend", "what about zzzz", "tokns 1m",
     "the wether of yestrday"],
)  # fmt: skip
def test_no_typo_is_corrected_that_may_be_a_name_or_anything_else(asked: str) -> None:
    assert isinstance(ask(asked), CommandError)


def test_over_an_amount_of_what_is_asked() -> None:
    found = ask("spend > 100")
    assert isinstance(found, CommandError)
    assert found.problem == "What is to be over $100: each model, each API key or each creator?"
    assert found.candidates == tuple(
        f"spend 1d by {by} top 50" for by in ("model", "key", "creator")
    )
    assert found.labels == ("Model", "API key", "Creator")


@pytest.mark.parametrize(
    "asked", ["alert if prod > €50 per day", "tell me when prod costs more than 50 euros a day"]
)
def test_another_currency_in_an_alert_is_asked_about_and_never_converted(asked: str) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError)
    assert found.problem == "OpenRouter bills in US dollars, not euros. Did you mean dollars?"
    assert found.candidates == ("alert spend > $50 per day key:prod",)


@pytest.mark.parametrize("asked", ["throughput today", "our uptime", "tokens per second by model"])
def test_what_openrouter_does_not_count_is_one_sentence(asked: str) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError)
    assert found.problem.startswith("I can't show throughput or uptime")
    assert not found.candidates


def test_a_year_that_has_not_begun_is_one_sentence() -> None:
    found = ask("spend 2027")
    assert isinstance(found, CommandError)
    assert found.problem == "2027-01-01 is in the future, so there is nothing to show yet."


def test_the_answer_says_how_the_words_were_read() -> None:
    found = ask("how much did we spend per hour in october without opus?")
    assert isinstance(found, ParsedText)
    assert found.note() == (
        "I read that as `/activity spend 2026-10 -model:*opus*`. I ignored “per hour”; the chart"
        " picks its own interval for this period."
    )
    assert found.note("activity ask").startswith("I read that as `activity ask spend 2026-10")
    strict = ask("spend 7d by key")
    assert isinstance(strict, ParsedText)
    assert strict.note() == ""


def test_a_running_day_is_pointed_out() -> None:
    found = ask("tokens of the past 7 days")
    assert isinstance(found, ParsedText)
    assert found.note().endswith(" The last day isn't over; the average counts it as a whole day.")


@pytest.mark.parametrize(
    ("asked", "now", "zone", "meant"),
    [
        # 5:00 on 1 September in Tokyo, while UTC is still in August
        ("what did we spend in september", "2026-08-31T20:00+00:00", "Asia/Tokyo",
         "spend 2026-09 tz Asia/Tokyo"),
        ("what did we spend in september", "2026-08-31T20:00+00:00", "UTC", "spend 2025-09"),
        ("what did we spend in september tz Asia/Tokyo", "2026-08-31T20:00+00:00", "UTC",
         "spend 2026-09 tz Asia/Tokyo"),
        ("tokens since sep 1", "2026-08-31T20:00+00:00", "Asia/Tokyo",
         "tokens 2026-09-01 tz Asia/Tokyo"),
        # the evening of 30 November in Los Angeles, while UTC is in December
        ("spend in december", "2026-12-01T03:00+00:00", "America/Los_Angeles", "spend 2025-12"),
        ("spend in november", "2026-12-01T03:00+00:00", "America/Los_Angeles", "spend 2026-11"),
        ("spend on tuesday", "2026-12-01T03:00+00:00", "America/Los_Angeles", "spend 2026-11-24"),
    ],
)  # fmt: skip
def test_a_date_is_that_of_the_person_who_asks(asked: str, now: str, zone: str, meant: str) -> None:
    found = ask(asked, datetime.fromisoformat(now), zone)
    assert isinstance(found, ParsedText)
    assert found.canonical == meant


def test_a_filter_never_comes_from_a_part_of_a_word() -> None:
    for asked in ("spend on news", "spend on letter", "spend on em", "spend lap", "spend rod"):
        assert isinstance(ask(asked), CommandError), asked
    assert command("spend on drafts") == "spend 1d key:*drafts*"


WORDS = sorted(
    {word for asked in (*QUESTIONS, *DATES, *EXCLUSIONS, *TOPICS) for word in asked.split()}
    | {"$5", "1,5", "5%", '"', "-", "\u2014", "<@U1|ada>", "<mailto:a@b.c|a@b.c>", "*", ":", "``"}
)


@given(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=9)), max_size=40).map(" ".join))
@settings(max_examples=300, deadline=None)
@example("drafts " * 40)
@example("q3 " * 60)
@example("10/03/2026 " * 25)
@example("sam " * 70)
@example("not " * 70)
@example("-" * 300)
@example("x" * 10_000)
def test_any_words_are_a_command_or_one_line(text: str) -> None:
    found = ask(text)
    if isinstance(found, CommandError):
        assert "\n" not in found.problem
        for one in found.candidates:
            assert not isinstance(parse_command(one), CommandError), one
    elif found:
        assert not isinstance(parse_command(found.words), CommandError)
        assert "\n" not in found.note()


def test_stop_leads_to_the_lists_that_have_a_button_for_it() -> None:
    found = ask("stop")
    assert isinstance(found, CommandError)
    assert found.problem.startswith("To stop an alert, open `alerts` and press Delete.")
    assert found.suggestion == "alerts"


@pytest.mark.parametrize(
    "asked",
    ["spend last 45 minutes", "spend last 2 quarters", "spend yesterday tz PST",
     "spend yesterday tz GMT+1", "yesterday vs gpt-9"],
)  # fmt: skip
def test_nothing_is_suggested_that_means_something_else(asked: str) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError)
    assert not found.candidates


def test_a_count_that_is_run_together_with_a_word_keeps_its_number() -> None:
    found = ask("top 3models")
    assert isinstance(found, CommandError)
    assert found.candidates == ("1d top 3",)


@pytest.mark.parametrize(
    ("asked", "grouped", "sought"),
    [
        ("share of claude-opus-4.5 last month", "spend last month by model top 50",
         "each model; look for “claude-opus-4.5”"),
        ("what's ada's share", "spend this month by creator top 50",
         "each creator; look for “Ada Lovelace”"),
        ("what percent is opus", "spend this month by model top 50", "look for “opus”"),
        ("what % of spend is opus", "spend this month by model top 50", "look for “opus”"),
        ("how much of our spend is prod-006", "spend this month by key top 50",
         "each API key; look for “prod-006”"),
        ("what fraction of tokens in october is opus", "tokens 2026-10 by model top 50",
         "look for “opus”"),
    ],
)  # fmt: skip
def test_a_share_of_the_whole_is_answered_by_group_and_not_posted(
    asked: str, grouped: str, sought: str
) -> None:
    found = ask(asked)
    assert isinstance(found, ParsedText), found
    assert found.canonical == grouped
    assert sought in found.note()


def test_shares_of_groups_are_an_answer_by_group() -> None:
    found = ask("percentage of spend by model last month")
    assert isinstance(found, ParsedText)
    assert found.canonical == "spend last month by model"


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("spend after november 10 by model", "spend 2026-11-11..{today} by model"),
        ("after november 10", "2026-11-11..{today}"),
        ("what does a million tokens cost", "price"),
        ("compare with last week", "this week vs last week"),
        ("compare prod with last month", "this month key:prod vs last month"),
        ("spend compared to yesterday", "spend today vs yesterday"),
        ("compare last week with this week", "this week vs last week"),
    ],
)
def test_open_spans_comparisons_and_prices_are_understood(asked: str, meant: str) -> None:
    found = ask(asked)
    assert isinstance(found, ParsedText)
    assert found.words == meant.format(today=NOW.date())


@pytest.mark.parametrize(
    ("asked", "problem", "choices"),
    [
        ("spend until october 15", "From which day until 15 Oct 2026?",
         ("spend 2026-10-01..2026-10-15", "spend 2026-01-01..2026-10-15")),
        ("by model before november 10", "From which day until 9 Nov 2026?",
         ("2026-11-01..2026-11-09 by model", "2026-01-01..2026-11-09 by model")),
        ("compare with last tuesday", "I can compare a period only with", ()),
        ("spend on weekends", "I can't pick out all weekends", ()),
        ("weekends", "I can't pick out all weekends", ()),
        ("spend after november", "There are no days after 2026-11-30 yet.", ()),
        ("stop my reports", "To stop a scheduled report, open `schedules`", ("schedules",)),
        ("pause my weekly report", "To pause a scheduled report, open `schedules`", ("schedules",)),
        ("stop sending me reports", "To stop a scheduled report, open `schedules`",
         ("schedules",)),
    ],
)  # fmt: skip
def test_what_is_unclear_or_impossible_is_said_in_one_sentence(
    asked: str, problem: str, choices: tuple[str, ...]
) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError)
    assert found.problem.startswith(problem)
    assert found.candidates == choices


def test_a_name_that_several_people_have_is_asked_about_in_a_what_if_question_too() -> None:
    found = ask("what if sam used haiku last month")
    assert isinstance(found, CommandError)
    assert "“sam” could mean" in found.problem
    assert found.choices == tuple(
        f"whatif all -> haiku last month creator:{name}@example.com" for name in ("sam", "lee")
    )


@pytest.mark.parametrize("when", ["december", "2027", "30 days", "the summer"])
def test_the_end_of_a_model_is_not_the_end_of_its_name(when):
    assert isinstance(ask(f"which models end in {when}"), CommandError)
