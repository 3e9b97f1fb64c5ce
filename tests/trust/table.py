"""The table of `make trust`: a row for each thing that was tried, as text and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "<!-- make trust writes from here -->", "<!-- to here -->"
HEADINGS = ("Part", "What was tried", "How many", "Lost", "Doubled", "Wrong", "Seed", "Time")
NONE = "-"
"""What a part cannot have, such as a seed where nothing is random."""


@dataclass(frozen=True)
class Row:
    """What one part tried, and what came of it.

    `count` says how many in words. `lost` and `doubled` are None where nothing is delivered.
    `wrong` is everything else that is not as it has to be, `seconds` the wall time.
    """

    part: str
    tried: str
    count: str
    wrong: int
    seconds: float
    seed: int | None = None
    lost: int | None = None
    doubled: int | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing was lost, doubled or wrong."""
        return not (self.lost or self.doubled or self.wrong)

    def cells(self) -> tuple[str, ...]:
        """The row in words, in the order of HEADINGS."""
        counts = (self.lost, self.doubled, self.wrong)
        return (
            self.part,
            self.tried,
            self.count,
            *(NONE if count is None else f"{count:,}" for count in counts),
            NONE if self.seed is None else str(self.seed),
            duration(self.seconds),
        )


def duration(seconds: float) -> str:
    """Seconds as people say them: 42 s, 12 min."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def as_text(rows: Iterable[Row]) -> str:
    """The table for a terminal."""
    table = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in {3, 4, 5, 6, 7} else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    )


def as_markdown(lines: Iterable[Sequence[str]]) -> str:
    """The table for the documentation, of the cells of its rows."""
    ruler = ("---", "---", "---", "--:", "--:", "--:", "--:", "--:")
    table = [HEADINGS, ruler, *lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in table)


def write(page: Path, rows: Sequence[Row], order: Sequence[str]) -> None:
    """Put rows into the table of a page, instead of those of the same parts; the others stay.

    `order` has the names of all parts; rows of other parts are taken out.
    """
    text = page.read_text()
    before, rest = text.split(BEGIN)
    old, after = rest.split(END)
    new = {row.part for row in rows}
    lines = [cells for cells in _lines(old) if cells[0] not in new and cells[0] in order]
    lines += [row.cells() for row in rows]
    lines.sort(key=lambda cells: order.index(cells[0]))
    page.write_text(f"{before}{BEGIN}\n\n{as_markdown(lines)}\n\n{END}{after}")


def _lines(table: str) -> list[tuple[str, ...]]:
    found = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [tuple(re.split(r" *\| *", line.strip(" |"))) for line in found]
