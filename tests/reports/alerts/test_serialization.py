"""Alert states and measurements as they are stored: whatever was written can be read again."""

from __future__ import annotations

from datetime import UTC, datetime

from reports.alerts.evaluation import AlertState, Baseline, Measurement
from reports.alerts.serialization import (
    pack_measurement,
    pack_state,
    unpack_measurement,
    unpack_state,
)

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_a_measurement_is_read_again_with_its_visibility() -> None:
    one = Measurement("key", "prod", 5, 4, AT, visibility="own ada@example.com")
    packed = pack_measurement(one)
    assert packed["sight"] == one.visibility  # the name in databases of earlier versions
    assert unpack_measurement(packed) == one


def test_a_measurement_is_read_again_with_its_creator_and_baseline() -> None:
    usual = Baseline(median=1, spread=2, threshold=3, count=4)
    one = Measurement("key", "prod", 5, 4, AT, usual=usual, creator="ada@example.com")
    packed = pack_measurement(one)
    # the names in databases of earlier versions
    assert packed["owner"] == "ada@example.com"
    assert packed["usual"] == {"median": 1, "spread": 2, "line": 3, "count": 4}
    assert unpack_measurement(packed) == one


def test_a_state_is_read_again_with_its_visibility() -> None:
    one = AlertState(visibility="own ada@example.com")
    packed = pack_state(one)
    assert packed["sight"] == one.visibility
    assert unpack_state(packed) == one
