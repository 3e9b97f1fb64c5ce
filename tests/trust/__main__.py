"""`make trust`: the long kill loop, with what came of it in one line a round."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bot.demo.openrouter import LocalOpenRouter

from .. import world as worlds
from .reports import Outcome, run

ROUNDS = ((600, 90, 1, 11), (600, 90, 2, 12), (600, 90, 3, 13), (600, 90, 4, 14))
"""Reports, kills, most workers at a time, seed."""


def main() -> None:
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        openrouter = LocalOpenRouter(worlds.small())
        openrouter.requests_per_minute = None
        filled = Path(folder) / "filled.db"
        with openrouter:
            worlds.fill(openrouter, filled)
        for reports, kills, most, seed in ROUNDS:
            place = Path(folder) / str(seed)
            place.mkdir()
            outcome = run(place, filled, reports, kills, most, seed, longest=900)
            print(f"1 to {most} workers: {outcome}", flush=True)
            outcomes.append(outcome)
    whole = all(
        (one.lost, one.doubled, one.intact, one.states) == (0, 0, True, {"sent": one.reports})
        for one in outcomes
    )
    kills, reports = (sum(getattr(one, name) for one in outcomes) for name in ("kills", "reports"))
    print(f"{kills} kills over {reports} reports: {'trusted' if whole else 'NOT to be trusted'}")
    sys.exit(not whole)


if __name__ == "__main__":
    main()
