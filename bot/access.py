"""Who may ask, and what is said to those who may not."""

from __future__ import annotations

from bot.config import Guests, Settings, Visibility
from bot.slack import Identity, Person, UnknownPersonError

FOREIGN = "This bot answers the people of its own workspace only."
OUTSIDERS = "People of other companies read along here, so this answer is for you alone."
UNSEEN = (
    "I am not in this conversation and cannot see whether people of other companies read along, so"
    " this answer is for you alone. Invite me and ask again to share it."
)


def refusal(person: Person, identity: Identity, settings: Settings) -> str | None:
    """Why a person may not ask, as a sentence to say to them; None if they may."""
    if person.stranger or (person.team_id and person.team_id != identity.team_id):
        return FOREIGN
    if person.bot or person.deleted:
        return "Only people can ask."
    if person.guest and settings.guests is Guests.DENY:
        return (
            "Guests of this workspace cannot see what the organisation uses. Ask whoever runs the"
            " bot to allow it (ACTIVITY_GUESTS=allow)."
        )
    return None


def unknown(error: UnknownPersonError) -> str:
    """What is said to a person of whom Slack does not tell who they are."""
    if error.permanent:
        return (
            f"Slack does not tell me who you are ({error.code}), so I cannot tell what you may see."
            " Whoever runs the bot can find out why with `activity doctor`."
        )
    return (
        "Slack does not say who you are at the moment, so I cannot tell what you may see. Try again"
        " in a minute."
    )


def is_admin(person: Person, settings: Settings) -> bool:
    """Whether a person may see and change everything: those named in the settings."""
    return person.id in settings.admins


def sees_own_only(person: Person, settings: Settings) -> bool:
    """Whether a person's answers are limited to their own usage."""
    return settings.visibility is Visibility.OWN and not is_admin(person, settings)
