"""Which parts of `make trust` run beside which."""

from .lanes import LANES
from .parts import PARTS


def test_every_part_runs_once_in_one_of_the_lanes():
    assert sorted(name for lane in LANES for name in lane) == sorted(PARTS)
