"""One reader of what people type or say, for every way of asking: Slack and the terminal alike.

The words of the grammar are read first. What they do not cover is read as natural language, and
the answer then says how it was read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from reports.commands import parse_command
from reports.grammar import CommandError
from reports.grammar_loose import Heard, hear, strictly
from reports.loose_names import Known


@dataclass(frozen=True, slots=True)
class Clock:
    """The moment of a question (aware), the asker's time zone, and that of calendar periods."""

    now: datetime
    zone: str = "UTC"
    default: str = ""

    @property
    def today(self) -> date:
        """The asker's date."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()


def read(text: str, names: Callable[[], Known], clock: Clock) -> Heard | CommandError | None:
    """What somebody typed, as a command of the grammar; None where nothing is asked.

    `text` is without the mention of the bot. `names` gives the names that the asker may use; it is
    called only where the grammar does not cover the words. `Heard.words` is always a command that
    `parse_command` reads; `Heard.note` is the sentence to show above its answer.
    """
    strict = parse_command(text)
    if not isinstance(strict, CommandError):
        return strictly(text, strict)
    found = hear(text, names(), clock.today)
    if isinstance(found, CommandError) and strict.suggestion and not found.candidates:
        return strict  # a typo in the grammar's own words
    return found
