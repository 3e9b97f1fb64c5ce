"""Why something was not delivered, as people read it."""

import pytest

from reports.schedules.slack.notices import failed_notice
from reports.wording.delivery_problems import OURS, reason


@pytest.mark.parametrize("code", sorted(OURS))
def test_no_name_of_our_own_for_a_reason_is_shown_to_anyone(code: str) -> None:
    assert reason(code) != code
    assert "_" not in reason(code)
    assert "`)" not in failed_notice("spend last week", "in <#C1>", code, 1).text


def test_slacks_own_codes_are_shown_beside_the_advice() -> None:
    assert reason("invalid_blocks") == "invalid_blocks"
    assert (
        "in <#C1> (`invalid_blocks`)."
        in failed_notice("spend last week", "in <#C1>", "invalid_blocks", 1).text
    )
