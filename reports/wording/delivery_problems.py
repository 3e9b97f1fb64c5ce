"""Explains why a report or alert wasn't delivered, and how to fix it."""

from __future__ import annotations

OUTSIDERS = "outsiders"

MAY_NOT_ASK = "may_not_ask"

ONLY_ADMINS = "only_admins"

_REVOKED = (
    "Slack no longer accepts the bot's token. Whoever runs the bot needs to reinstall the app and"
    " set SLACK_BOT_TOKEN; `activity doctor` checks it."
)

FIXES = {
    "gave_up": "It couldn't be sent for three days. If Slack works again, send it now;"
    " `activity doctor` shows what is wrong.",
    MAY_NOT_ASK: "The person who set it up can't use this bot anymore: they left, or are a guest"
    " now. A bot admin can delete it under `schedules`.",
    ONLY_ADMINS: "Only bot admins can send reports to every creator, and the person who set it up"
    " isn't an admin.",
    "not_in_channel": "Invite me there (`/invite`), then send it again.",
    "channel_not_found": "The channel was deleted, or it's private and I'm not a member. Invite me"
    " there, or edit the schedule and choose another channel.",
    "is_archived": "The channel is archived. Unarchive it, or edit the schedule and choose another"
    " channel.",
    "restricted_action": "Your workspace doesn't let me post there. Ask a workspace admin to allow"
    " it, or edit the schedule and choose another channel.",
    OUTSIDERS: "That channel is shared with another company, and reports stay inside yours. Edit"
    " the schedule and choose another channel.",
    "missing_scope": "The app is missing a permission. Whoever runs the bot can find out which one"
    " with `activity doctor`, add it as in manifest.yml and reinstall the app.",
    **dict.fromkeys(
        ("token_revoked", "token_expired", "invalid_auth", "not_authed", "account_inactive"),
        _REVOKED,
    ),
}


OURS = frozenset({"gave_up", "question", MAY_NOT_ASK, ONLY_ADMINS, OUTSIDERS})
"""Reasons specific to this program."""

REASONS = {
    "gave_up": "it couldn't be sent for three days",
    "question": "its question can't be answered anymore",
    "nobody": "there was nobody to send it to",
    MAY_NOT_ASK: "the person who set it up can't use this bot anymore",
    ONLY_ADMINS: "the person who set it up isn't an admin",
    OUTSIDERS: "the channel is shared with another company",
    "not_in_channel": "I'm not in the channel",
    "channel_not_found": "the channel was deleted, or I'm not in it",
    "is_archived": "the channel is archived",
}
"""Our own reasons, and Slack's most frequent ones, as phrases within a sentence."""


def reason(code: str) -> str:
    """A phrase why something wasn't delivered; Slack's rarer codes are returned unchanged."""
    return REASONS.get(code, code)


STATES = {
    "sent": ":white_check_mark: sent",
    "posted": ":white_check_mark: sent, files to follow",
    "uncertain": ":grey_question: unclear whether it arrived",
    "failed": ":x: could not be delivered",
    "skipped": ":fast_forward: skipped",
}
