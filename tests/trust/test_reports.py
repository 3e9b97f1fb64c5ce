"""A short kill loop; the long one is `make trust`."""

from .reports import run


def test_no_report_is_lost_or_doubled_however_often_the_workers_are_killed(filled, tmp_path):
    outcome = run(tmp_path, filled[1], reports=60, kills=12, most=3, seed=5, longest=60)
    assert (outcome.lost, outcome.doubled, outcome.intact) == (0, 0, True), str(outcome)
    assert outcome.states == {"sent": 60}, str(outcome)
