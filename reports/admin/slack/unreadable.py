"""Messages about stored items that this version can't read, after a rollback."""

from __future__ import annotations

from reports.block_kit.message import Message, text_message
from reports.wording.safe_text import clean

_LONGEST = 200  # characters of a quoted command; the rest is not needed to recognize it


def events(count: int, version: str) -> Message:
    """For admins: alerts that were set aside; `version` is the running version."""
    what = "1 alert" if count == 1 else f"{count} alerts"
    it = "It is" if count == 1 else "They are"
    them = "it" if count == 1 else "them"
    return text_message(
        f"I couldn't read {what} in my database, so nobody was notified. A newer version of the"
        f" bot probably saved {them}; this is {version}. {it} kept, and an upgrade within 3 days"
        f" sends {them}. All other alerts work as usual."
    )


def runs(count: int, version: str) -> Message:
    """For admins: report runs that failed because they can't be read."""
    what = "1 scheduled report" if count == 1 else f"{count} scheduled reports"
    return text_message(
        f"I couldn't read {what} in my database, so nothing was posted for this run. A newer"
        f" version of the bot probably saved this; this is {version}. Other reports work as usual."
    )


def rule(words: str, command: str) -> Message:
    """For the owner of an alert rule that this version can't parse."""
    return text_message(
        f"This version of the bot doesn't understand your alert `{_quoted(words)}`, so it isn't"
        f" checked right now. Set it up again with `{command} alert ...`, or ask whoever"
        " runs the bot to upgrade it."
    )


def schedule(question: str, command: str) -> Message:
    """For the owner of a schedule that this version can't read."""
    return text_message(
        f"This version of the bot can't read your scheduled report `{_quoted(question)}`, so it is"
        " paused. It resumes by itself once the bot is upgraded; or set it up again with"
        f" `{command} schedule ...`."
    )


def _quoted(words: str) -> str:
    return clean(words, _LONGEST).replace("`", "'")
