"""Forecast alerts have the figures of the answer `forecast`, and say how sure they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.alerts.context import WatchedRule
from bot.alerts.kinds.forecast import explain
from bot.alerts.scope import RuleMembers
from bot.analysis.forecast import gather_forecast
from bot.analysis.request import AnalysisRequest
from bot.answers.visibility import ANYONE
from bot.demo.openrouter.sample_organization import sample
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import LocalSlack
from reports.alerts.evaluation import Measurement
from reports.alerts.rule import Rule
from reports.analysis.document import AnalysisDocument
from reports.commands import parse_command
from reports.questions.grammar import QuestionCommand
from tests import databases
from tests.bot.alerts.alert_bot import DAY, MINUTE, NOON, AlertBot, Truth
from tests.cache_help import Cache
from tests.clock import Clock


@pytest.mark.parametrize("words", ["", " by key", " tz America/New_York", " key:prod"])
def test_the_message_has_the_range_and_the_record(bot: AlertBot, words: str) -> None:
    truth = Truth()
    for day in range(200):
        truth.use(NOON - day * DAY - timedelta(hours=1), 8 + day % 5, "prod")
    bot.sync(truth, back=210 * DAY)
    bot.set_up(f"alert forecast > $100 per month{words}")
    bot.clock.now += MINUTE
    bot.tick()
    [message] = bot.direct_messages()
    assert "At this pace the month will end at $" in message["text"]
    assert "The 80% range is $" in message["text"]
    assert re.search(
        r"the last \d months, (this forecast|the forecast of all keys together) was off by",
        message["text"],
    )


@pytest.fixture(scope="module")
def sample_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample organization as a sync has stored it."""
    path = tmp_path_factory.mktemp("sample") / "activity.db"
    clock = Clock(NOON)
    with LocalOpenRouter(sample(NOON), clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, path, clock)
        cache.fill()
        cache.close()
    return path


@pytest.fixture
def sample_bot(sample_cache: Path, tmp_path: Path) -> Iterator[AlertBot]:
    """The bot with the sample organization, half a minute after the sync."""
    path = tmp_path / "activity.db"
    databases.copy(sample_cache, path)
    with LocalSlack(file_delay=timedelta(0), rate_limits=False) as slack:
        bot = AlertBot(path, Clock(NOON + timedelta(seconds=30)), slack)
        yield bot
        bot.close()


def answered(bot: AlertBot, words: str) -> AnalysisDocument:
    asked = parse_command(f"forecast {words}")
    assert isinstance(asked, QuestionCommand), asked
    found = gather_forecast(AnalysisRequest(bot.store, asked.query, bot.clock(), "UTC"))
    assert isinstance(found, AnalysisDocument), found
    return found


def nano(amount: str | None) -> int:
    return int(Decimal(amount or 0).scaleb(9))


def measured(bot: AlertBot, words: str) -> tuple[WatchedRule, list[Measurement]]:
    limit = "> $1 per month"
    source, _, others = words.partition(" ") if words in {"credits", "byok"} else ("", "", words)
    rule = parse_command(f"alert forecast {source} {limit} {others}")
    assert isinstance(rule, Rule), rule
    entry = bot.set_up(f"alert forecast {source} {limit} {others}")
    stored = bot.evaluator.rule(entry)
    assert stored is not None
    watched = WatchedRule(entry, stored, stored.zone or "", ANYONE, RuleMembers(), NOON)
    return watched, bot.evaluator.current_measurements(entry, stored)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "credits",
        "byok",
        'key:"*a*"',
        "model:anthropic/*",
        "-model:anthropic/*",
        'key:"*a*" model:anthropic/*',
        "tz America/New_York",
        "tz Asia/Kolkata",
        "tz Australia/Lord_Howe key:*a*",
    ],
)
def test_the_alert_has_the_figure_of_the_answer(sample_bot: AlertBot, words: str) -> None:
    data, (_, [found]) = answered(sample_bot, words).data(), measured(sample_bot, words)
    assert found.value == nano(data["end"])
    assert found.so_far == nano(data["so_far"])
    assert found.value > found.so_far > 0


@pytest.mark.parametrize(
    "words",
    ["by creator", "by key", "by model", "by key model:anthropic/*", "by creator tz Asia/Kolkata"],
)
def test_the_alert_has_the_figure_of_each_group_of_the_answer(
    sample_bot: AlertBot, words: str
) -> None:
    answer = answered(sample_bot, words)
    _, found = measured(sample_bot, words)
    groups: dict[str, Any] = {one["label"]: one for one in answer.data()["groups"]}
    assert {one.label: one.value for one in found if one.value} == {
        label: nano(one["end"]) for label, one in groups.items() if nano(one["end"])
    }
    assert {one.label: one.so_far for one in found if one.so_far} == {
        label: nano(one["so_far"]) for label, one in groups.items() if nano(one["so_far"])
    }
    assert len(groups) > 3


@pytest.mark.parametrize("words", ["", "key:*a*", "by creator", "by key tz Asia/Kolkata"])
def test_the_alert_has_the_range_and_the_record_of_the_answer(
    sample_bot: AlertBot, words: str
) -> None:
    answer = answered(sample_bot, words)
    watched, found = measured(sample_bot, words)
    largest = max(found, key=lambda one: one.value or 0)
    context = sample_bot.evaluator.context(sample_bot.clock())
    [band, record] = explain(watched, context, largest, "UTC")
    [row] = [one for one in answer.rows if one[0] == largest.label] or [None]
    low, high = row[4:6] if row else ("", "")
    assert f"range is {low} to {high}." in band if row else band in answer.sentences
    [said] = [one for one in answer.sentences if "on average" in one]
    assert record.partition(" was off by ")[2] == said.partition(" was off by ")[2]


def test_without_a_sync_the_forecast_does_not_move(sample_bot: AlertBot) -> None:
    before = answered(sample_bot, "").data()
    watched, first = measured(sample_bot, "")
    sample_bot.clock.now += timedelta(hours=5)
    later = answered(sample_bot, "").data()
    assert {**later, "range": before["range"]} == before
    again = sample_bot.evaluator.current_measurements(watched.entry, watched.rule)
    assert again == first


def test_revised_days_change_what_is_kept_of_them(bot: AlertBot) -> None:
    truth = Truth()
    for day in range(60):
        truth.use(NOON - day * DAY - timedelta(hours=1), 10, "prod")
        truth.use(NOON - day * DAY - timedelta(hours=1), 5, "evals")
    bot.sync(truth, back=70 * DAY)
    watched, [before] = measured(bot, "key:prod")
    # moved from one key to the other, so that the sum of the day stays
    truth.use(NOON - 10 * DAY, 5, "prod")
    truth.use(NOON - 10 * DAY, -5, "evals")
    bot.sync(truth, back=70 * DAY)
    [found] = bot.evaluator.current_measurements(watched.entry, watched.rule)
    assert found.value == nano(answered(bot, "key:prod").data()["end"])
    assert found.value != before.value
