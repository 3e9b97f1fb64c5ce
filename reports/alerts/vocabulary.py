"""The words of the alert grammar, and their meanings."""

from __future__ import annotations

from reports.alerts.kinds.registry import SPELLINGS
from reports.alerts.rule import Recipient, RecipientKind
from reports.questions.grammar import DIMENSIONS, METRICS
from reports.time.period import Unit
from reports.wording.safe_text import clean
from reports.wording.shared_grammar import channel_mention

EXAMPLE = "alert spend > $50 per day by creator"
ABOVE = {">", ">=", "=>", "above", "over", "exceeds", "exceed", "reaches", "more"}
BELOW = {"<", "<=", "=<", "below", "under", "less"}
UNITS = {str(unit): unit for unit in (Unit.HOUR, Unit.DAY, Unit.WEEK, Unit.MONTH, Unit.YEAR)}
FREQUENCIES = {
    "hourly": Unit.HOUR, "daily": Unit.DAY, "weekly": Unit.WEEK, "monthly": Unit.MONTH,
    "1h": Unit.HOUR, "1d": Unit.DAY, "1w": Unit.WEEK, "today": Unit.DAY,
}  # fmt: skip
PER = {"per", "a", "an", "each", "every", "this", "/"}
WATCHES = SPELLINGS
"""The key of the kind, by its word."""
FILLERS = {
    "for", "of", "on", "if", "when", "is", "are", "goes", "gets", "than", "at", "least", "me",
    "the", "and", "my", "usage", "use", "any", "with", "used", "alert", "please", "tell", "notify",
    "warn", "dm", "us", "all", "total", "whole", "org", "organisation", "organization", "everybody",
    "everyone", "it", "that", "as", "soon", "or",
}  # fmt: skip
KNOWN = (
    *METRICS, *WATCHES, *UNITS, *DIMENSIONS, "by", "per", "above", "below", "urgent", "owner",
    "quiet", "to", "in", "here", "tz",
)  # fmt: skip


class WrongWords(ValueError):  # noqa: N818 - its text is what is said
    """Words aren't a valid alert; `instead` replaces the wrong word, `corrected` is a whole
    command."""

    def __init__(
        self, problem: str, corrected: str = EXAMPLE, instead: tuple[str, str] | None = None
    ) -> None:
        super().__init__(problem)
        self.corrected = corrected
        self.instead = instead


def unit_of(word: str) -> Unit | None:
    """The unit of time that a word names: hour, day, week, month or year."""
    lower = word.lower().strip(".,")
    return UNITS.get(lower) or UNITS.get(lower.removesuffix("s"))


def recipient_of(named: str, word: str) -> Recipient:
    """The recipient named after `to` or `in`. WrongWords if there is none."""
    lower = named.lower()
    if lower in {"me", "myself"}:
        return Recipient()
    if lower in {"owner", "owners", "creator", "creators"}:
        return Recipient(RecipientKind.OWNER)
    if lower in {"here", "this"}:
        return Recipient(RecipientKind.CHANNEL)
    if known := channel_mention(named):
        return Recipient(RecipientKind.CHANNEL, *known)
    shown = clean(named, 40) if named else ""
    if named.startswith("<@"):
        raise WrongWords(
            "An alert can go to you, to the key's owner, or to a channel, but not to another"
            " person. They can set one up themselves.",
            instead=(named, "me"),
        )
    if named.startswith("#"):
        raise WrongWords(
            f"I can't tell which channel “{shown}” is. Pick it from the list that Slack shows while"
            " you type. For a private channel, use `here` inside it.",
            instead=(named, "here"),
        )
    said = f", not “{shown}”" if shown else ""
    raise WrongWords(
        f"After `{clean(word, 20)}` I need a channel like #finance, or `to me` or `to"
        f" owner`{said}.",
        instead=(named, "me") if named else None,
    )
