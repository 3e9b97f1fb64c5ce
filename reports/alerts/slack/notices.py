"""Notices about alerts that couldn't be delivered as intended."""

from __future__ import annotations

from collections.abc import Sequence

from reports.block_kit.elements import LONGEST_SECTION, code, section
from reports.block_kit.message import Message
from reports.wording.delivery_problems import FIXES, OUTSIDERS
from reports.wording.safe_text import clean, escape

NO_OWNER = "The key's owner has no Slack account here, so this came to you."
MOST_LISTED = 10
_MENDS = {
    **FIXES,
    "not_in_channel": "Invite me there (`/invite`).",
    OUTSIDERS: "That channel is shared with another company, and alerts stay inside yours. Choose"
    " another channel for this alert.",
    "is_archived": "The channel is archived. Choose another channel for this alert.",
    "restricted_action": "Your workspace doesn't let me post there. Ask a workspace admin to allow"
    " it, or choose another channel for this alert.",
    "channel_not_found": "The channel was deleted, or it's private and I'm not a member. Invite me"
    " (`/invite`), or choose another channel for this alert.",
}


def no_account(owner: str) -> str:
    """Explains why a rule's owner gets an alert that was meant for a creator (an e-mail
    address)."""
    return (
        f"{escape(clean(owner, 80))} has no Slack account here that can get this alert, so it came"
        " to you."
    )


def made_by(owner: str) -> str:
    """Explains why a creator gets an alert that another person (a Slack id) set up, in mrkdwn."""
    return f"<@{owner}> set up this alert. You get it because it's about your usage."


def of_some(note: str) -> str:
    """A note that applies to some of the alerts in a message."""
    return f"For some of these: {note}"


def elsewhere(channel: str, code: str) -> str:
    """Explains why a rule's owner gets an alert that was meant for a channel, and how to fix it."""
    return f"I couldn't post this in <#{channel}>, so it came to you. {mend(code)}"


def mend(code: str) -> str:
    """How to fix an error code of Slack's for a channel."""
    return _MENDS.get(code, f"Slack's error code is `{escape(clean(code, 60))}`.")


def handed_over(left: str, heir: str, rules: Sequence[str], command: str, *, mine: bool) -> Message:
    """Tell an admin who took over the alerts of an owner who left; `mine`: the reader did.

    `left` and `heir` are Slack ids, `rules` the words of the rules.
    """
    many = len(rules) != 1
    count = f"Their {len(rules)} alerts are" if many else "Their alert is"
    whose = "yours" if mine else f"<@{heir}>'s"
    shown = [f"• {code(rule, 200)}" for rule in rules]
    more = len(shown) - MOST_LISTED
    if more > 0:
        shown[MOST_LISTED:] = [f"• {more} more"]
    them = "them" if many else "it"
    text = (
        f"<@{left}> left the workspace. {count} now {whose}. Use `{escape(command)} alerts` to"
        f" edit, pause or delete {them}.\n" + "\n".join(shown)
    )
    text = text[:LONGEST_SECTION]
    return Message(text, (section(text),))
