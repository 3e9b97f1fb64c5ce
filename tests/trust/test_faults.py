"""The bounded part of faults of OpenRouter, Slack, the disk and the clock; see `make trust`."""

import pytest

from . import disk, downtime, malformed, openrouter, resources, slack


def test_answers_are_right_or_say_what_is_missing_whatever_openrouter_sends(tmp_path):
    outcome = openrouter.run(tmp_path, seed=1, every=60)
    assert outcome.trials >= 12
    assert outcome.wrong == []


def test_all_faults_of_openrouter_have_names_of_their_own():
    names = openrouter.names()
    assert len(names) == len(set(names)) > 700


@pytest.mark.parametrize(("kind", "every"), [("reports", 41), ("alerts", 47), ("answers", 23)])
def test_nothing_is_lost_or_doubled_without_a_word_whatever_slack_does(tmp_path, kind, every):
    outcome = slack.KINDS[kind](tmp_path, every=every)
    assert outcome.trials >= 6
    assert (outcome.lost, outcome.doubled, outcome.wrong) == ([], [], [])


@pytest.mark.sqlite_only("about the file")
@pytest.mark.own_journal
@pytest.mark.skipif(disk.compiler() is None, reason="needs a C compiler")
def test_a_failing_disk_leaves_the_database_whole_and_it_heals(tmp_path):
    outcome = disk.run(tmp_path, farthest=3)
    assert outcome.failed > 50
    assert outcome.wrong == []


def test_questions_and_reports_leave_descriptors_threads_and_memory_as_they_were(
    database, tmp_path
):
    outcome = resources.use(tmp_path, database, 200, 20)
    assert (outcome.grown, outcome.unanswered, outcome.lost) == ([], 0, 0), str(outcome)


def test_mutated_requests_get_an_answer_that_is_no_failure(database, tmp_path):
    outcome = malformed.run(tmp_path, database, 300, seed=2)
    assert len(outcome.statuses) >= 5
    assert outcome.wrong == []


@pytest.mark.parametrize(("what", "count"), [("reports", 5), ("alerts", 3)])
def test_downtime_and_steps_of_the_clock_lose_and_double_nothing(tmp_path, what, count):
    outcome = getattr(downtime, what)(tmp_path, count, seed=3)
    assert outcome.late > 2
    assert (outcome.lost, outcome.doubled, outcome.wrong) == ([], [], [])
