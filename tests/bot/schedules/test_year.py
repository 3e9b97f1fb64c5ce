"""A year of weekly reports: each week's figures are those of a question for that week."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from bot.answers.answer import answer
from bot.demo.openrouter.organization import Key, Member, Organization, Record
from bot.schedules.content import ReportBuilder
from reports.questions.grammar import QuestionCommand, parse
from reports.usage.dimensions import Metric
from reports.usage.format import money
from tests import world as worlds
from tests.bot.schedules.report_bot import report_bot
from tests.bot.schedules.test_deliver import MONDAY

WEEKS = 50


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    """A cache of a year of use, a little every day, and what was used."""
    chance = random.Random(2026)
    people = [Member(f"user_{n}", n.title(), "X", f"{n}@example.com") for n in ("ada", "bob", "cy")]
    keys = [Key(f"key-{person.first_name}", creator=person.id) for person in people]
    records = [
        Record(
            MONDAY - timedelta(hours=9 + hours, minutes=chance.randrange(60)),
            keys[who].hash,
            people[who].id,
            chance.choice(("anthropic/claude-opus-4.5", "openai/gpt-5.1")),
            1,
            credits_nano=chance.randrange(1, 5 * worlds.DOLLAR),
            prompt=100,
        )
        for hours in range(1, WEEKS * 7 * 24, 17)
        for who in [chance.randrange(3)]
    ]
    organization = Organization(people, keys, records=records, credits=10**13)
    path = tmp_path_factory.mktemp("year") / "activity.db"
    worlds.filled(organization, path)
    return records, path


def test_each_weeks_report_says_what_a_question_for_that_week_says(year):
    records, path = year
    with report_bot(path, MONDAY - timedelta(days=1)) as bot:
        entry = bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
        contents = ReportBuilder(bot.reports.services, bot.reports.runs, bot.reports.posting)
        for week in range(WEEKS):
            due_at = MONDAY - timedelta(weeks=week)
            start = due_at.replace(hour=0) - timedelta(days=7)
            end = start + timedelta(days=7)
            used: Counter[str] = Counter()
            for record in records:
                if start <= record.at < end:
                    used[record.member] += record.credits_nano
            asked = parse(f"spend {start:%Y-%m-%d}..{end - timedelta(days=1):%Y-%m-%d} by creator")
            assert isinstance(asked, QuestionCommand)
            direct = answer(bot.store, asked.query, worlds.now(), "UTC", whole=True)
            spend = direct.metrics[Metric.SPEND]
            content = contents.preview(entry, entry.draft.channel, due_at)
            assert spend.sum == sum(used.values())
            assert f": {money(spend.sum)}" in content.message.text
            for group in spend.groups:
                assert f"• {group.label}: {money(group.sum)} (" in content.message.text
            assert content.spend == spend.sum
