"""The grammar of commands about the bot itself: status, audit log and help.

status = "status"
audit  = "audit" { PERSON | period | "csv" }     PERSON as Slack writes mentions: <@U123|ada>
help   = "help" [ "asking" | "understanding" | "files" | "schedules" | "alerts" | "running" ]
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reports.questions.grammar import LONGEST, CommandError, QuestionCommand, parse, tokens
from reports.questions.query import Query
from reports.time.period import Period
from reports.wording.safe_text import clean, plain

WORDS = ("status", "audit")
TOPICS = {
    "asking": "asking", "ask": "asking", "questions": "asking",
    "understanding": "understanding", "price": "understanding", "why": "understanding",
    "forecast": "understanding", "cache": "understanding", "retiring": "understanding",
    "new": "understanding",
    "files": "files", "file": "files", "csv": "files", "pdf": "files",
    "schedules": "schedules", "schedule": "schedules", "reports": "schedules",
    "alerts": "alerts", "alert": "alerts",
    "running": "running", "running it": "running", "run": "running", "admin": "running",
    "admins": "running", "status": "running", "audit": "running",
}  # fmt: skip
"""Words after `help`, and the sections they refer to."""
_PERSON = "Choose people from Slack's list as you type @, so that I know who is meant."


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """A request for the status."""


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """A request for the audit log: person (Slack id; "": all), period (None: all), as CSV."""

    person: str = ""
    period: Period | None = None
    csv: bool = False

    def words(self) -> str:
        """The request as a command."""
        person = f"<@{self.person}>" if self.person else ""
        period = str(self.period) if self.period else ""
        return " ".join(filter(None, ("audit", person, period, "csv" if self.csv else "")))


@dataclass(frozen=True, slots=True)
class HelpRequest:
    """A request for a section of the help; `unknown` is what was typed if it isn't a section."""

    section: str
    unknown: str = ""


Admin = StatusRequest | AuditRequest | HelpRequest


_POLITE = {"", "me", "us", "please", "me please", "us please"}
"""Words after `help` that don't name a section."""


def parse_admin(text: str) -> Admin | CommandError | None:
    """Parse a command about the bot itself; None if it is about something else."""
    typed = plain(text[: LONGEST * len("&amp;")]).strip()
    first, _, rest = typed.partition(" ")
    match first.lower():
        case "status":
            return _status(rest)
        case "audit":
            return _audit(rest[:LONGEST])
        case "help" | "?":
            named = " ".join(rest.lower().split())
            if named.strip("?!. ") in _POLITE:
                return None
            return HelpRequest(TOPICS.get(named, ""), "" if named in TOPICS else clean(rest, 60))
    return None


def _status(rest: str) -> StatusRequest | CommandError:
    if rest.strip():
        return CommandError("`status` takes no further words.", "status", "status")
    return StatusRequest()


def _audit(rest: str) -> AuditRequest | CommandError:
    asked, remaining = AuditRequest(), list[str]()
    try:
        words = tokens(rest)
    except ValueError as error:
        return CommandError(str(error), "", "audit")
    for word in words:
        bare = word.removeprefix("creator:").removeprefix("by:")
        if bare.startswith("<@") and bare.endswith(">"):
            asked = replace(asked, person=bare.strip("<@>").partition("|")[0])
        elif bare.startswith("@"):
            return CommandError(_PERSON, "", asked.words())
        elif bare.lower() == "csv":
            asked = replace(asked, csv=True)
        else:
            remaining.append(word)
    if not remaining:
        return asked
    found = parse(" ".join(remaining))
    if (
        isinstance(found, QuestionCommand)
        and found.dated
        and found.query == Query(period=found.query.period)
    ):
        return replace(asked, period=found.query.period)
    typed = clean(" ".join(remaining), 60)
    suggestion = replace(asked, period=parse_period("7d")).words()
    problem = f"You can filter the audit log by person and period, but “{typed}” is neither."
    return CommandError(problem, asked.words(), suggestion)


def parse_period(words: str) -> Period | None:
    """The period that words name, if they name nothing else."""
    found = parse(words)
    return found.query.period if isinstance(found, QuestionCommand) else None
