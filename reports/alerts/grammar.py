"""Parses the words after `alert` and `alerts`: what to watch, and who is notified, in any order.

    alerts    = "alerts" [PAGE]
    alert     = "alert" { watch | whose | recipient | "urgent" | "tz" ZONE }
    watch     = METRIC [SOURCE] ">" AMOUNT "per" ("hour" | "day" | "week" | "month")
              | "budget" { PERCENT } | "spike" [">" DOLLARS] | "credits" "<" DOLLARS
              | ["key"] "unused" [DAYS] | ["key"] "orphaned" | ["model"] "retiring"
              | "cache" "<" PERCENT
              | "new" ("model" | "key" | "creator") | "forecast" ">" DOLLARS "per month" | "sync"
    whose     = "by" DIMENSION | DIMENSION ":" NAME
    recipient = "to" ("me" | "owner") | "in" CHANNEL | "here"
    quiet     = "alert quiet" ("22:00-7:00" | "off")

Dollars are `$50`, `$1,000` or `$1.5k`; counts `500000`, `500k`, `10m` (million) or `1b`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from reports.alerts.draft import WrongRule
from reports.alerts.meaning_check import keeps_meaning
from reports.alerts.periods import QuietHours
from reports.alerts.reader import AlertReader
from reports.alerts.rule import Rule
from reports.alerts.vocabulary import ABOVE, EXAMPLE, WrongWords, unit_of
from reports.questions.grammar import LONGEST, CommandError, HelpCommand, tokens
from reports.wording.safe_text import clean, plain
from reports.wording.shared_grammar import (
    button_request,
    only_asks_for_list,
    page_number,
    starts_with_list_word,
    time_of_day,
    with_correction,
)

EXAMPLES = (EXAMPLE, "alert spike by key", "alert budget 80%", "alerts")
QUIET = "alert quiet 22:00-7:00"
QUIETS = (QUIET, "alert quiet 10pm-8am", "alert quiet off")


@dataclass(frozen=True, slots=True)
class ListAlerts:
    """A request to list one's alert rules."""

    page: int = 1


@dataclass(frozen=True, slots=True)
class SetQuiet:
    """A request to set one's quiet hours, or to turn them off (None)."""

    quiet: QuietHours | None


Read = Rule | ListAlerts | SetQuiet | HelpCommand | CommandError


def is_alert(text: str) -> bool:
    """Whether the first word of a text says that it is about alerts."""
    return starts_with_list_word(text, "alerts")


def rule_of(words: str) -> Rule:
    """Parse a rule's own words. Raises ValueError if they aren't a rule."""
    found = parse_alert(f"alert {words}")
    if not isinstance(found, Rule):
        raise ValueError("these words aren't a rule")
    return found


def parse_alert(text: str) -> Read:
    """Read the words of an alert, including `alert` itself."""
    typed = plain(text).strip() if len(text) <= LONGEST * 5 else text
    if len(typed) > LONGEST:
        said = f"That's {len(typed):,} characters. An alert can have at most {LONGEST}."
        return CommandError(said, examples=EXAMPLES)
    words: list[str] = []
    try:
        first, *words = split_signs(tokens(typed))
        if first.lower() == "alerts" or only_asks_for_list(words):
            return _list(words)
        if words[0].lower() == "quiet":
            return parse_quiet(words[1:])
        if meant := button_request(words[0], "alerts"):
            raise WrongWords(meant.instructions(), "alerts")
        return _read(words)
    except WrongWords as wrong:
        suggestion = wrong.corrected
        if suggestion != "alerts" and not keeps_meaning(words, suggestion):
            suggestion = ""
        return CommandError(str(wrong), "", suggestion, EXAMPLES)
    except ValueError as error:
        return CommandError(str(error), "", "", EXAMPLES)


def _read(words: list[str], tries: int = 3) -> Rule | HelpCommand:
    """Read a rule; if a correction is known, suggest the whole corrected command."""
    try:
        return AlertReader().read(words)
    except WrongWords as wrong:
        if wrong.instead and tries:
            again = with_correction(words, wrong.instead)
            raise WrongWords(str(wrong), _meant(again, tries - 1)) from None
        raise
    except WrongRule as wrong:
        meant = wrong.rule.words().split()
        raise WrongWords(
            str(wrong), _meant(split_signs(tokens(" ".join(meant))), tries - 1)
        ) from None


def _meant(words: list[str], tries: int) -> str:
    """The corrected command, with further mistakes also corrected."""
    if tries < 0:
        return EXAMPLE
    if words[:1] == ["quiet"]:
        return quiet_meant(words[1:])
    try:
        found = _read(words, tries)
    except WrongWords as wrong:
        return wrong.corrected
    except ValueError:
        return EXAMPLE
    return f"alert {found.words()}" if isinstance(found, Rule) else EXAMPLE


def split_signs(words: list[str]) -> list[str]:
    """Split words at signs without spaces around them: `spend>$50/day`."""
    found: list[str] = []
    for word in words:
        if ":" in word or '"' in word or word.startswith(("<#", "<@", "<!")) or word in ABOVE:
            found.append(word)
            continue
        spaced = word
        for sign in (">=", "<=", ">", "<"):
            if sign in word:
                spaced = word.replace(sign, f" {sign} ", 1)
                break
        if "/" in spaced and unit_of(spaced.rpartition("/")[2]):
            spaced = spaced.replace("/", " per ")
        found += spaced.split()
    return found


def _list(words: list[str]) -> ListAlerts:
    if wanted := page_number(words):
        return ListAlerts(wanted)
    if meant := button_request(words[0], "alerts"):
        raise WrongWords(meant.instructions(), "alerts")
    said = f"After `alerts` I only understand a page number, not “{clean(words[0])}”."
    raise WrongWords(said, "alerts")


def parse_quiet(words: list[str]) -> SetQuiet | CommandError:
    """Read what follows `alert quiet`."""
    if [word.lower() for word in words] in (["off"], ["none"], ["never"]):
        return SetQuiet(None)
    sides = [side for word in words for side in word.replace("–", "-").split("-") if side]
    clocks = [_clock(side) for side in sides if side.lower() not in {"to", "until", "from"}]
    if len(clocks) != 2 or None in clocks:
        said = "Quiet hours need a start and an end time, or `off`."
        return CommandError(said, "", "", QUIETS)
    start, end = clocks
    if start is None or end is None or start == end:
        said = "Quiet hours need two different times."
        return CommandError(said, "", "", QUIETS)
    return SetQuiet(QuietHours(start, end))


def quiet_meant(words: list[str]) -> str:
    """The command that sets the quiet hours in some words, or an example."""
    found = parse_quiet(words)
    if isinstance(found, CommandError):
        return QUIET
    return f"alert quiet {found.quiet.words() if found.quiet else 'off'}"


def _clock(word: str) -> time | None:
    lower = word.lower()
    half = lower[-2:] if lower.endswith(("am", "pm")) else ""
    hours, _, minutes = lower.removesuffix(half).partition(":")
    return time_of_day(hours, minutes or "00", half)
