"""The bounded part of the frozen processes; `make trust` does 100 of each."""

import pytest

from .frozen import run


@pytest.mark.own_journal
@pytest.mark.parametrize("what", ["reports", "alerts"])
def test_a_process_that_stood_still_while_another_delivered_leaves_one_message(
    filled, tmp_path, what
):
    outcome = run(tmp_path, filled[1], rounds=4, seed=5, what=what)
    assert (outcome.frozen, outcome.lost, outcome.doubled) == (4, 0, 0), str(outcome)
    assert outcome.late == 4, str(outcome)
