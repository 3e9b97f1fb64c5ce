"""What people are told about alerts that could not be told as they were meant."""

from __future__ import annotations

from collections.abc import Sequence

from reports.render.blocks import Message
from reports.render.notices import MENDS, OUTSIDERS
from reports.render.parts import LONGEST_SECTION, code, section
from reports.text import clean, escape

NO_OWNER = "It was meant for the owner, whom nobody knows here, so you hear it instead."
MOST_LISTED = 10
_MENDS = {
    **MENDS,
    "not_in_channel": "Invite me there (`/invite`).",
    OUTSIDERS: "People of other companies read along there, and alerts stay inside. Set the rule up"
    " for another channel.",
    "is_archived": "The channel is archived. Set the rule up for another one.",
    "restricted_action": "Your workspace does not let me post there. An admin of the workspace can"
    " allow it; or set the rule up for another channel.",
    "channel_not_found": "The channel is gone, or it is private and I am not in it. Invite me"
    " there (`/invite`), or set the rule up for another channel.",
}


def no_account(owner: str) -> str:
    """Why the maker of a rule hears what was meant for a creator."""
    return (
        f"It was meant for {escape(clean(owner, 80))}, who has no Slack account here that may hear"
        " it, so you hear it instead."
    )


def made_by(maker: str) -> str:
    """Why somebody hears of a rule that is not theirs."""
    return f"<@{maker}> has set this alert up for the creator concerned, who is you."


def of_some(note: str) -> str:
    """A sentence that is about some of many alerts."""
    return f"About some of these: {note}"


def elsewhere(channel: str, code: str) -> str:
    """Why the maker of a rule hears what was meant for a channel, and what mends it."""
    return f"This was meant for <#{channel}>, where I cannot post. {mend(code)}"


def mend(code: str) -> str:
    """What mends it that Slack does not take an alert for a channel."""
    return _MENDS.get(code, f"Slack answered `{escape(clean(code, 60))}`.")


def handed_over(left: str, heir: str, rules: Sequence[str], command: str, *, mine: bool) -> Message:
    """The alert rules of somebody who left have gone to an admin."""
    count = "one alert rule" if len(rules) == 1 else f"{len(rules)} alert rules"
    whose = "They are yours now" if mine else f"They are <@{heir}>'s now"
    if len(rules) == 1:
        whose = whose.replace("They are", "It is")
    shown = [f"• {code(rule, 200)}" for rule in rules]
    more = len(shown) - MOST_LISTED
    if more > 0:
        shown[MOST_LISTED:] = [f"• and {more} more"]
    text = (
        f"<@{left}> has left, who had {count}. {whose}: look at"
        f" `{escape(command)} alerts` to edit, pause or delete.\n" + "\n".join(shown)
    )
    text = text[:LONGEST_SECTION]
    return Message(text, (section(text),))
