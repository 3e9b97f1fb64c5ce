"""Who may ask, and what is said to those who may not."""

from __future__ import annotations

from bot.config import Guests, Settings, Visibility
from bot.slack import Identity, Person

FOREIGN = "This bot answers the people of its own workspace only."


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


def is_admin(person: Person, settings: Settings) -> bool:
    """Whether a person may see and change everything: those named in the settings."""
    return person.id in settings.admins


def sees_own_only(person: Person, settings: Settings) -> bool:
    """Whether a person's answers are limited to their own usage."""
    return settings.visibility is Visibility.OWN and not is_admin(person, settings)
