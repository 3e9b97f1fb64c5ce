"""How long evaluation takes after a sync: 10,000 rules over 1,000 keys, on a large organization."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from shutil import copyfile
from time import perf_counter
from types import SimpleNamespace
from typing import Any, cast

from bot.alerts.evaluate import RuleEvaluator
from bot.alerts.services import AlertServices
from bot.config import load
from bot.store import Database, Store
from bot.store.alerts.events import AlertEvents
from bot.store.alerts.messages import AlertMessages
from bot.store.alerts.quiet_hours import StoredQuietHours
from bot.store.alerts.rules import AlertRules, NewRule
from bot.store.alerts.silences import AlertSilences
from bot.store.alerts.states import AlertStates
from bot.store.alerts.usage_sums import AlertUsage
from reports.alerts.grammar import rule_of
from tests.bench.organizations import LARGE, NOW, database
from tests.bench.table import Figure, at_most

RULES = 10_000
_TIMES = 5
_KINDS = (
    "spend > $5 per hour", "spend > $40 per day", "spend > $200 per week",
    "spend > $900 per month", "tokens > 50M per day", "requests > 20k per day", "spike",
    "forecast > $1200 per month", "spend > $300 per day", "tokens > 2B per month",
)  # fmt: skip


def run() -> Iterator[Figure]:
    """The figures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "activity.db"
        copyfile(database(LARGE), path)
        with _evaluator(path) as evaluator:
            count = _set_up(evaluator)
            begun = perf_counter()
            events = evaluator.evaluate_all()
            yield at_most(
                f"alerts: {count:,} rules evaluated first", perf_counter() - begun, "s", 10
            )
            yield Figure("alerts: crossings found then", events, "")
            took = []
            for _ in range(_TIMES):
                begun = perf_counter()
                evaluator.evaluate_all()
                took.append(perf_counter() - begun)
            yield at_most(f"alerts: {count:,} rules evaluated after a sync", max(took), "s", 2)


@contextmanager
def _evaluator(path: Path) -> Iterator[RuleEvaluator]:
    files = Database(path)
    settings = load({"DATABASE_URL": f"sqlite:///{path}"})
    # evaluation asks nothing of Slack
    services = SimpleNamespace(settings=settings, store=Store(files), clock=lambda: NOW)
    alerts = AlertServices(
        cast(Any, services), AlertRules(files, services.clock), AlertStates(files, services.clock),
        AlertSilences(files, services.clock), AlertEvents(files, services.clock),
        AlertMessages(files, services.clock), StoredQuietHours(files, services.clock),
        AlertUsage(files), cast(Any, None), cast(Any, None), cast(Any, None), "bench",
        cast(Any, None),
    )  # fmt: skip
    yield RuleEvaluator(alerts)
    files.close()


def _set_up(evaluator: RuleEvaluator) -> int:
    """Each key has ten rules, each of another kind."""
    alerts = evaluator.alerts
    chance = random.Random(7)
    with alerts.services.store.snapshot():
        directory = alerts.services.store.directory()
    keys = [label for id_, label in directory.labels.items() if _is_key(directory, id_)]
    wanted = []
    for n in range(RULES):
        words = f'{_KINDS[n % len(_KINDS)]} key:"{keys[n // len(_KINDS) % len(keys)]}"'
        wanted.append(rule_of(words).words())
    chance.shuffle(wanted)
    # of a week ago, so that the last hours and days are evaluated too
    rules = AlertRules(alerts.rules._db, lambda: NOW - timedelta(days=7))
    for n, words in enumerate(wanted):
        rules.add(NewRule(f"U{n % 300:04}", "", words))
    return len(wanted)


def _is_key(directory: Any, id_: int) -> bool:
    member = directory.members[id_]
    return bool(member.dimension == "key" and member.ref)
