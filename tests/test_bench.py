"""What `make bench` needs besides the bot, so that it doesn't break without anybody noticing."""

from importlib import import_module
from pkgutil import iter_modules

import pytest

import tests.bench
from bot.openrouter.client import OpenRouter
from bot.openrouter.wire import QueryGrouping
from reports.time.time_range import Granularity
from tests.bench import organizations
from tests.bench.naive import members_of
from tests.bench.organizations import NOW, WEEK, Organization, database
from tests.bench.pulled import owners_of, rows_of
from tests.bench.upstream import Upstream, listening

CHANCES = ((Granularity.DAY, 0.5), (Granularity.HOUR, 0.05), (Granularity.MINUTE, 0.01))
TINY = Organization("tiny", 20, 6, 5, 2, CHANCES)


@pytest.fixture
def upstream(tmp_path, monkeypatch) -> Upstream:
    monkeypatch.setattr(organizations, "FOLDER", tmp_path)
    path = database(TINY)
    return Upstream(rows_of(path, WEEK), owners_of(path), members_of(TINY))


def test_the_local_openrouter_of_the_measurements_answers_what_a_sync_asks(upstream):
    with listening(upstream) as address:
        openrouter = OpenRouter(address, "sk-or-v1-test")
        counts = {
            grouping: len(openrouter.usage(grouping, Granularity.DAY, WEEK.start, NOW).rows)
            for grouping in (QueryGrouping.TOTAL, QueryGrouping.KEY, QueryGrouping.CREATOR)
        }
        openrouter.close()
    assert counts[QueryGrouping.TOTAL] == 7
    assert counts[QueryGrouping.KEY] == upstream.rows
    assert 0 < counts[QueryGrouping.CREATOR] < upstream.rows


def test_every_measurement_can_be_imported():
    names = [one.name for one in iter_modules(tests.bench.__path__) if one.name != "__main__"]
    found = [import_module(f"tests.bench.{name}") for name in names]
    assert sum(hasattr(one, "run") for one in found) > 10
