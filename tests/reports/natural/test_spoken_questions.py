"""Questions as people say them: which command each means, and what is refused with which reason."""

from __future__ import annotations

import pytest

from reports.commands import parse_command
from reports.natural.names import KnownNames
from reports.natural.parsed_text import ParsedText
from reports.natural.refusals import (
    NAME_A_MODEL,
    NO_CATALOG,
    NO_DISABLED_KEYS,
    NO_EMAIL,
    NO_FISCAL_CALENDAR,
    NO_HOLIDAYS,
    NO_IDLE_PEOPLE,
    NO_MEDIANS,
    NO_OTHER_QUANTILES,
    NO_PAYMENTS,
    NO_REMINDERS,
    NO_REQUEST_SIZE,
    NO_TIMES_OF_DAY,
    NOT_ANNUALIZED,
    NOT_COUNTED,
    READ_ONLY,
    UNUSUAL,
)
from reports.natural.rules.kinds import ABOUT_NOW
from reports.natural.rules.options import NO_SPEND_OF_PARTS
from reports.questions.grammar import CommandError
from reports.reader import Clock, read
from tests.reports.natural.test_questions_people_ask import NOW, ask, command

READ_AS = {
    "when does prod hit its limit": "limits key:prod",
    "is prod near its limit": "limits key:prod",
    "how close is prod to its limit": "limits key:prod",
    "how much is left on prod": "limits key:prod",
    "how much does ada have left": "limits creator:ada@example.com",
    "when does the prod key run out": "limits key:prod",
    "how much can I still spend": "limits me",
    "am I close to my limit": "limits me",
    "which guardrails apply to me": "limits me",
    "what stops first": "limits",
    "what will block us first": "limits",
    "which limits are full": "limits",
    "my keys": "keys me",
    "my unused keys": "keys unused me",
    "my keys last week": "last week by key creator:me",
    "who owns prod-006": "keys key:prod-006",
    "which keys belong to people who left": "keys orphaned",
    "keys nobody has used in 90 days": "keys unused 90d",
    "keys without a limit that spent the most": "keys unlimited",
    "who is behind prod": "1d by creator key:prod",
    "who's behind the newsletter-drafts key": "1d by creator key:newsletter-drafts",
    "end of month estimate": "forecast this month",
    "expected spend by creator": "forecast this month by creator",
    "what will november cost": "forecast this month",
    "swap opus for sonnet": "whatif opus -> sonnet 1m",
    "replace opus with haiku": "whatif opus -> haiku 1m",
    "how much would opus 4.5 cost on sonnet 4.5 last month":
        "whatif opus-4.5 -> sonnet-4.5 last month",
    "what would opus have cost on sonnet": "whatif opus -> sonnet 1m",
    "what is the cost on opus": "spend 1d model:*opus*",
    "which model got more expensive": "why spend 1w by model",
    "what got cheaper last month": "why last month",
    "get me the most expensive models": "spend 1d by model",
    "reasoning share by model": "cache 1m by model",
    "how much does one request cost": "price 1m",
    "this month vs october": "this month vs before",
    "tokens burned by prod-006 yesterday": "tokens yesterday key:prod-006",
    "send it to me as csv please, october": "2026-10 csv",
    "how many keys do we have": "keys",
    "who joined this month": "new creators this month",
    "hi! how much did we burn over the weekend? thanks a lot":
        "spend 2026-11-21..2026-11-22",
    "yo whos spending the most": "spend 1d by creator top 1",
    "pull the latest numbers for october": "2026-10",
    "what has ada been using lately": "1m creator:ada@example.com",
    "what is ada working on": "1d by model creator:ada@example.com",
    "spend last month by team member": "spend last month by creator",
    "average daily spend": "spend 1m",
    "what's our burn rate": "spend 1m",
    "what's a typical day": "spend 1m",
    "what's our daily spend": "spend 1m",
    "monthly costs this year": "spend this year",
    "spend of the last 3 full months": "spend 2026-08-01..2026-10-31",
    "requests in the last complete week by model": "requests last week by model",
    "last week vs the week before": "last week vs before",
    "yesterday vs the day before": "yesterday vs before",
    "month to date spend vs the same point last month": "spend mtd vs last month",
    "input vs output tokens last week": "tokens last week",
    "most popular model last month": "requests last month by model top 1",
    "which vendor costs the most": "spend 1d by model",
    "is anyone spending too much": "spend 1w by creator vs before",
    "what % of spend is byok": "spend this month",
    "byok vs credits": "spend this month",
    "gpt5.1 cost this month": "spend this month model:*gpt-5.1*",
    "gemini pro spend": "spend 1d model:*gemini*pro*",
    "spend without the chatroom": "spend 1d -key:(chatroom)",
    "when did we start using gemini": "1y model:*gemini*",
    "when did ada last use opus": "1y creator:ada@example.com model:*opus*",
    "when is spend highest": "spend 3m",
    "how much does a request cost on average": "price 1m",
    "which model is the best value": "price 1m by model",
    "is sonnet cheaper than gpt-5.1": "price 1m by model model:*sonnet* model:*gpt-5.1*",
    "which key went up the most this week": "why this week by key",
    "spend growth this month": "why spend this month",
    "is today normal": "why today",
    "where will we land this month": "forecast this month",
    "will we stay under 20k this month": "forecast over $20000 this month",
    "when do we hit $7k": "forecast over $7000 this month",
    "are we going to exceed 6k in november": "forecast over $6000 this month",
    "forecast for the rest of the year": "forecast this year",
    "what's blocking us": "limits",
    "how much headroom does prod-006 have": "limits key:prod-006",
    "when does prod-006 reset": "limits key:prod-006",
    "is prod-006 out of budget": "limits key:prod-006",
    "why is prod-006 at its limit": "limits key:prod-006",
    "does anything hit its limit today": "limits",
    "did any key run out": "limits",
    "quick question: how much $$ did we spend friday": "spend 2026-11-20",
    "where are we at this month": "spend this month",
    "is november worse than october": "2026-11 vs before",
    "are we ahead of last month": "this month vs last month",
    "are we trending higher than october": "this month vs before",
    "will november be more expensive than october": "forecast this month",
    "pie chart of spend by model": "spend 1d by model",
    "bar chart of daily spend": "spend 1m",
    "keys over 80% of their limit": "limits",
    "newest keys": "new keys 1m",
    "keys created by grace": "keys creator:grace@example.com",
    "prod-006' opus spend": "spend 1d key:prod-006 model:*opus*",
    "cost of opus calls from prod-006 last week": "spend last week model:*opus* key:prod-006",
    "prod-006 opus vs sonnet this month":
        "this month by model key:prod-006 model:*opus* model:*sonnet*",
    "how much is 1m tokens of sonnet": "price 1m model:*sonnet*",
    "cost per 1000 requests": "price 1m",
    "which three people spent most in october": "spend 2026-10 by creator top 3",
    "what does ada use besides opus": "1d by model creator:ada@example.com -model:*opus*",
    "what made ci-005 so costly": "why spend 1w key:ci-005",
    "did anything change this week": "why this week",
    "who is driving costs up": "why spend 1w by creator",
    "will we break 6k": "forecast over $6000 this month",
    "will ada go over $1000": "forecast over $1000 this month creator:ada@example.com",
    "are credits running low": "balance",
    "days of runway left": "balance",
    "what keys belong to grace": "keys creator:grace@example.com",
    "key list": "keys",
    "which models are new since last month": "new models 2026-10-01..2026-11-22",
    "spend in tokyo time yesterday": "spend yesterday tz Asia/Tokyo",
    "whats the damage this month": "spend this month",
    "how bad was last week": "spend last week",
    "rank people by spend this month": "spend this month by creator",
    "leaderboard": "spend 1d by creator",
    "pdf of last quarter for the board": "2026-07-01..2026-09-30 pdf",
    "what models are people using": "1d by model",
    "does anyone still use gpt-5.1": "1d model:*gpt-5.1*",
    "spend per active user": "spend 1d by creator",
    "max daily spend last month": "spend last month",
    "what time do we spend the most": "spend 1d",
    "difference between october and november": "2026-11 vs before",
    "change since yesterday": "why today",
    "month by month spend": "spend 1y",
    "q4 to date by creator": "2026-10-01..2026-11-22 by creator",
    "before noon today": "today",
    "does caching help prod-006": "cache 1m key:prod-006",
    "who isn't using the cache": "cache 1m by creator",
    "keys nobody used since october": "keys unused 52d",
    "keys not used this month": "keys unused 21d",
    "are we going to blow the budget": "budget",
    "budget status": "budget",
    "my month": "me",
    "how close is ada to her limit": "limits creator:ada@example.com",
    "how long will the money last": "balance",
    "what if we dropped opus for sonnet": "whatif opus -> sonnet 1m",
    "what do we need to migrate before new year": "retiring before 2027-01",
    "what resets tomorrow": "limits",
    "keys without owner": "keys orphaned",
    "how expensive are tokens for prod": "price 1m key:prod",
    "why is today cheaper than yesterday": "why today",
    "why did cache hit rate drop": "cache 1m by key",
    "me by key": "this month by key creator:me",
    "me yesterday": "yesterday creator:me",
    "me csv": "this month creator:me csv",
    "will the credits last until friday": "balance until 2026-11-27",
    "enough credits until dec 25?": "balance until 2026-12-25",
    "credits enough until 25 dec": "balance until 2026-12-25",
    "will the credits last before dec 25": "balance until 2026-12-24",
    "balance next month": "balance until 2026-12-31",
    "balance until friday": "balance until 2026-11-27",
    "will the credits last another 2 weeks": "balance until 2026-12-06",
    "when should I top up": "balance",
    "how much credit do we still have": "balance",
    "do we need to buy more credits soon": "balance",
    "which keys can we delete": "keys unused",
    "dead keys": "keys unused",
    "how old is the prod-006 key": "keys key:prod-006",
    "when was prod-006 last used": "keys key:prod-006",
    "how many keys does grace own": "keys creator:grace@example.com",
    "who created prod-006": "keys key:prod-006",
    "who left and still spends": "keys orphaned",
    "show keys created this month": "new keys this month",
    "who's new": "new creators 1m",
    "what new models did people try this month": "new models this month",
    "who benefits most from caching": "cache 1m by creator",
    "how much are we wasting without cache": "cache 1m",
    "switch prod-006 to gemini pro": "whatif all -> gemini-pro 1m key:prod-006",
    "what would october have cost on sonnet": "whatif all -> sonnet 2026-10",
    "how much cheaper would gpt-5-mini be than sonnet": "whatif sonnet -> gpt-5-mini 1m",
    "whatif opus -> sonnet for ada without the chatroom in europe/berlin":
        "whatif opus -> sonnet 1m creator:ada@example.com -key:(chatroom) tz Europe/Berlin",
}  # fmt: skip
REFUSED = {
    "anything unusual?": UNUSUAL,
    "any anomalies this week": UNUSUAL,
    "remind me every monday": NO_REMINDERS,
    "which weekday do we spend most": NO_TIMES_OF_DAY,
    "spend at night": NO_TIMES_OF_DAY,
    "tokens per second": NOT_COUNTED,
    "what's the p99 latency of opus": NO_OTHER_QUANTILES,
    "p90 by model": NO_OTHER_QUANTILES,
    "p99.9 this week": NO_OTHER_QUANTILES,
    "forecast for december": "I can forecast how a period that is still running ends",
    "limits of marketing": "I don't recognize \N{LEFT DOUBLE QUOTATION MARK}marketing",
    "which keys does marketing own": "I don't recognize \N{LEFT DOUBLE QUOTATION MARK}marketing",
    "this month vs september": "I can compare a period only with the one right before it",
    "how much is left for marketing": "I don't recognize “marketing”",
    "how much was left last month": "`balance` takes no period",
    "raise prod-006's limit": READ_ONLY,
    "create a key for grace": READ_ONLY,
    "block opus": READ_ONLY,
    "openrouter fees": NO_PAYMENTS,
    "when did we last top up": NO_PAYMENTS,
    "email me the csv": NO_EMAIL,
    "is ci-005 out of control": UNUSUAL,
    "cheapest alternative to opus": NAME_A_MODEL,
    "production spend": "I don't recognize “production”",
    "how much per million output tokens": NO_SPEND_OF_PARTS,
    "show me the 5 cheapest keys": "I can only rank from largest to smallest",
    "spend over christmas": NO_HOLIDAYS,
    "last business day": NO_FISCAL_CALENDAR,
    "tokens per request": NO_REQUEST_SIZE,
    "how much do we spend on reasoning": NO_SPEND_OF_PARTS,
    "median cost per request": NO_MEDIANS,
    "who is inactive": NO_IDLE_PEOPLE,
    "which users haven't spent anything": NO_IDLE_PEOPLE,
    "what models do we have access to": NO_CATALOG,
    "could we save money with a cheaper model": NAME_A_MODEL,
    "annual run rate": NOT_ANNUALIZED,
    "disabled keys": NO_DISABLED_KEYS,
    "forecast over $5,000 and under $6,000":
        "A forecast can be compared with only one amount: $5000 or $6000.",
    "what if opus to sonnet byok": "`whatif` reprices all usage of a model",
}  # fmt: skip
CHOICES = {
    "what's new": ("new models 1m", "new keys 1m", "new creators 1m"),
    "spend last week by key and model": ("spend last week by key", "spend last week by model"),
    "top 3 people and top 3 models": ("1d by creator top 3", "1d by model top 3"),
    "weekly spend": ("schedule weekly spend", "spend 1m"),
    "monthly spend by model": ("schedule monthly spend by model", "spend 1y by model"),
}


@pytest.mark.parametrize(("text", "expected"), READ_AS.items())
def test_a_question_is_read_as_its_command(text: str, expected: str) -> None:
    assert command(text) == expected


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_what_cannot_be_answered_is_refused_with_the_reason(text: str, reason: str) -> None:
    found = ask(text)
    assert isinstance(found, CommandError), found
    assert reason in found.problem


@pytest.mark.parametrize(("text", "choices"), CHOICES.items())
def test_what_can_be_meant_in_several_ways_is_asked_with_each(
    text: str, choices: tuple[str, ...]
) -> None:
    found = ask(text)
    assert isinstance(found, CommandError), found
    assert found.choices == choices
    assert not any(isinstance(parse_command(one), CommandError) for one in choices)


def test_each_group_is_said_to_be_shown_where_the_average_of_all_is_asked() -> None:
    found = ask("average cost per user last month")
    assert isinstance(found, ParsedText)
    assert found.canonical == "spend last month by creator"
    assert found.note().endswith("This is for each creator; I can't average over all of them.")


def test_a_key_that_is_called_like_a_phrase_keeps_its_name() -> None:
    known = KnownNames(("openai/gpt-5",), ("burn rate", "team members", "chatroom", "p40"), ())
    for name in known.keys:
        found = read(f"spend of {name}", lambda: known, Clock(NOW))
        assert isinstance(found, ParsedText)
        quoted = f'"{name}"' if " " in name else name
        assert found.canonical == f"spend 1d key:{quoted}"


@pytest.mark.parametrize(
    "text",
    ["which keys have no limit this month", "did anyone hit a limit today"],
)
def test_a_period_that_a_present_answer_cannot_have_is_said_to_be_left_out(text: str) -> None:
    found = ask(text)
    assert isinstance(found, ParsedText)
    assert ABOUT_NOW in found.note()
    unused = ask("which keys have not been used for 60 days")
    assert isinstance(unused, ParsedText)
    assert ABOUT_NOW not in unused.note()


@pytest.mark.parametrize(
    ("text", "unknown"), [("for my boss", "boss"), ("hi, for our records!", "records")]
)
def test_words_that_only_say_what_for_are_not_a_question(text: str, unknown: str) -> None:
    found = ask(text)
    assert isinstance(found, CommandError)
    assert found.problem.startswith(f"I don't recognize “{unknown}”")


def test_a_number_of_whole_days_is_not_shortened() -> None:
    found = ask("spend last 1000 full days")
    assert isinstance(found, CommandError)
    assert "not “1000”" in found.problem


def test_a_date_that_the_balance_cannot_read_is_refused_with_what_to_type() -> None:
    for words in ("balance 2026-12-25", "will the credits last 3 more weeks"):
        found = ask(words)
        assert isinstance(found, CommandError), words
        assert "`balance until 2027-01-15`" in found.problem


def test_yes_is_explained_where_it_is_asked_if_the_credits_run_out() -> None:
    found = ask("will we run out of credits by friday")
    assert isinstance(found, ParsedText)
    assert found.words == "balance until 2026-11-27"
    assert "“Yes” means that the credits last." in found.note()
    assert "“Yes”" not in str(ask("when will the credits run out"))


def test_words_beside_each_other_are_the_one_key_that_has_all_of_them() -> None:
    keys = ("nightly-refactor-agent", "nightly-tests", "search-agent", "web")
    known = KnownNames(("openai/gpt-5",), keys, ())
    for words, meant in (
        ("spend excluding the nightly agent", "spend 1d -key:nightly-refactor-agent"),
        ("spend without the nightly agent key", "spend 1d -key:nightly-refactor-agent"),
        ("spend of the nightly agent", "spend 1d key:nightly-refactor-agent"),
        ("spend without nightly and agent", "spend 1d -key:*nightly* -key:*agent*"),
        ("spend without web agent", "spend 1d -key:web -key:*agent*"),
    ):
        found = read(words, lambda: known, Clock(NOW))
        assert isinstance(found, ParsedText), words
        assert found.canonical == meant


@pytest.mark.parametrize("name", ["slow bot", "better stack", "change log", "improved", "slow"])
def test_a_key_whose_name_begins_with_a_word_about_latency_or_errors_keeps_it(name: str) -> None:
    known = KnownNames((), (name, "prod"), ())
    quoted = f'"{name}"' if " " in name else name
    for kind in ("latency", "errors"):
        found = read(f"{kind} of {name} this week", lambda: known, Clock(NOW))
        assert isinstance(found, ParsedText)
        assert found.canonical == f"{kind} this week key:{quoted}"
