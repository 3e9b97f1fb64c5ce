"""`make trust`: what the bot promises, tried at random and at length, as one table.

`python -m tests.trust frozen slack` does some parts alone, and PARTS has all. Parts that mostly
wait run beside parts that compute; `--alone` runs one after the other. `--seed N` makes other
random choices, `--size 0.1` does a tenth of everything, and `--write FILE` puts the rows into the
table of a page of the documentation. Ends with 1 if anything was lost, doubled or wrong.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from .lanes import LANES, run
from .parts import PARTS, Request
from .table import Row, as_text, duration, write


def main() -> None:
    options = argparse.ArgumentParser(
        prog="python -m tests.trust", description=__doc__.partition("\n")[0]
    )
    options.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    options.add_argument("--seed", type=int, default=1, help="which random choices are made")
    options.add_argument("--size", type=float, default=1.0, help="how much, 1 is all")
    options.add_argument("--alone", action="store_true", help="one part after the other")
    options.add_argument("--write", type=Path, metavar="FILE", help="a page with the table")
    chosen = options.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        options.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    names, begun = chosen.parts or list(PARTS), time.monotonic()
    lanes = [names] if chosen.alone else [[one for one in lane if one in names] for lane in LANES]
    rows: list[Row] = []
    for some in run(lanes, Request(chosen.seed, chosen.size)):
        rows = sorted([*rows, *some], key=lambda row: list(PARTS).index(row.part))
        if chosen.write:  # at once: the parts take an hour together
            write(chosen.write, rows, list(PARTS))
    print(f"\n{as_text(rows)}\n")
    print(f"All of it took {duration(time.monotonic() - begun)}.")
    broken = [row.part for row in rows if not row.holds]
    print(f"Broken: {', '.join(broken)}" if broken else "Nothing lost, doubled or wrong.")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
