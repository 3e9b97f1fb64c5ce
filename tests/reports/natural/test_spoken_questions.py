"""Questions as people say them: which command each means, and what is refused with which reason."""

from __future__ import annotations

import pytest

from reports.natural.parsed_text import ParsedText
from reports.natural.refusals import NO_REMINDERS, NO_TIMES_OF_DAY, NOT_COUNTED, UNUSUAL
from reports.natural.rules.kinds import ABOUT_NOW
from reports.questions.grammar import CommandError
from tests.reports.natural.test_questions_people_ask import ask, command

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
}  # fmt: skip
REFUSED = {
    "anything unusual?": UNUSUAL,
    "any anomalies this week": UNUSUAL,
    "remind me every monday": NO_REMINDERS,
    "which weekday do we spend most": NO_TIMES_OF_DAY,
    "spend at night": NO_TIMES_OF_DAY,
    "tokens per second": NOT_COUNTED,
    "forecast for december": "I can forecast how a period that is still running ends",
    "limits of marketing": "I don't recognize \N{LEFT DOUBLE QUOTATION MARK}marketing",
    "which keys does marketing own": "I don't recognize \N{LEFT DOUBLE QUOTATION MARK}marketing",
    "this month vs september": "I can compare a period only with the one right before it",
}


@pytest.mark.parametrize(("text", "expected"), READ_AS.items())
def test_a_question_is_read_as_its_command(text: str, expected: str) -> None:
    assert command(text) == expected


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_what_cannot_be_answered_is_refused_with_the_reason(text: str, reason: str) -> None:
    found = ask(text)
    assert isinstance(found, CommandError), found
    assert reason in found.problem


@pytest.mark.parametrize("text", ["keys expiring in december", "did anyone hit a limit today"])
def test_a_period_that_a_present_answer_cannot_have_is_said_to_be_left_out(text: str) -> None:
    found = ask(text)
    assert isinstance(found, ParsedText)
    assert ABOUT_NOW in found.note()
    unused = ask("which keys have not been used for 60 days")
    assert isinstance(unused, ParsedText)
    assert ABOUT_NOW not in unused.note()
