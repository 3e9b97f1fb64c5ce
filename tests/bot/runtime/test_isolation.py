"""One bad item never stops a loop, and it is always logged."""

from __future__ import annotations

import logging

import pytest

from bot.runtime.isolation import isolated
from bot.store import StoreError

log = logging.getLogger("somewhere")


def test_what_fails_is_logged_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []
    for item in (1, 0, 2):
        with isolated(log, "Item %d failed", item):
            done.append(4 // item)
    assert done == [4, 2]
    (record,) = caplog.records
    assert (record.name, record.getMessage()) == ("somewhere", "Item 0 failed")
    assert record.exc_info
    assert record.exc_info[0] is ZeroDivisionError


def test_a_database_that_cannot_be_used_gets_no_traceback_for_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its monitor logs it, once a minute."""
    with isolated(log, "Item %d failed", 1):
        raise StoreError("the disk is full")
    assert caplog.records == []


def test_ending_the_process_is_not_delayed() -> None:
    with pytest.raises(KeyboardInterrupt), isolated(log, "An item failed"):
        raise KeyboardInterrupt
