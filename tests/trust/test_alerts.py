"""A short kill loop of alerts; the long one is `make trust`."""

import pytest

from .alerts import run


@pytest.mark.own_journal
def test_every_crossing_is_told_once_however_often_the_workers_are_killed(tmp_path):
    outcome = run(tmp_path, kills=15, most=3, seed=5, longest=60)
    assert outcome.wrong == [], str(outcome)
    assert outcome.crossings > 100


@pytest.mark.own_journal
def test_sync_reports_and_alerts_together_lose_and_double_nothing_when_killed(tmp_path):
    outcome = run(tmp_path, kills=30, most=3, seed=8, longest=90, reports=20, within=10)
    assert outcome.wrong == [], str(outcome)
    assert outcome.crossings > 50
