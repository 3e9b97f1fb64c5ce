"""Who may use the bot, what they may do, and who sees only their own usage; and refusals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bot.config import Guests, Settings, Visibility
from bot.slack.types import Identity, SlackUser, UnknownPersonError

FOREIGN = "This bot only works for members of its own workspace."
OUTSIDERS = "This channel is shared with another company, so only you can see this."
UNSEEN = (
    "I'm not in this conversation and can't tell whether it's shared with another company, so only"
    " you can see this. Invite me and ask again to share it."
)
_MAX_NAMED = 5  # admins named in a refusal; more would make the sentence too long


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a person may not do something, as mrkdwn to show them."""

    text: str


class Role(StrEnum):
    """A person's role for this bot.

    Only people in ACTIVITY_ADMINS are admins: an admin of the Slack workspace doesn't need to see
    everyone's spend. Bots and former members are NOBODY.
    """

    ADMIN = "admin"
    MEMBER = "member"
    GUEST = "guest"
    OUTSIDER = "outsider"
    NOBODY = "nobody"


def role_of(person: SlackUser, identity: Identity, settings: Settings) -> Role:
    """A person's role; being an outsider takes precedence over everything else."""
    if not is_member(person, identity):
        return Role.OUTSIDER
    if person.bot or person.deleted:
        return Role.NOBODY
    if person.guest and settings.guests is Guests.DENY:
        return Role.GUEST
    return Role.ADMIN if is_admin(person, settings) else Role.MEMBER


def is_member(person: SlackUser, identity: Identity) -> bool:
    """Whether a person belongs to the bot's workspace, according to users.info.

    On Enterprise Grid their home workspace may be another one of the same organization; then the
    list of their workspaces decides. People of another organization never belong.
    """
    if person.stranger:
        return False
    if person.enterprise_id and person.enterprise_id != identity.enterprise_id:
        return False
    if identity.team_id in person.teams or person.team_id in {"", identity.team_id}:
        return True
    # if the bot is installed for a whole organization, its team id is the organization's id
    return bool(person.enterprise_id) and identity.team_id == identity.enterprise_id


def is_certainly_foreign(
    identity: Identity | None, teams: Iterable[object], enterprise: object
) -> bool:
    """Whether the ids in a request's payload prove that it comes from outside the workspace.

    `teams` are all workspaces in it, `enterprise` is the organization of the person; any of them
    may be missing. For another workspace of the same organization users.info has to decide.
    """
    others = {team for team in teams if team and isinstance(team, str)}
    if identity is None or not others - {identity.team_id}:
        return False
    if not identity.enterprise_id:
        return True
    return bool(enterprise) and enterprise != identity.enterprise_id


def refusal(person: SlackUser, identity: Identity, settings: Settings) -> Refusal | None:
    """The reason why a person may not use the bot; None if they may."""
    role = role_of(person, identity, settings)
    if role is Role.OUTSIDER:
        return Refusal(FOREIGN)
    if role is Role.NOBODY:
        return Refusal("Only people can use this bot.")
    if role is Role.GUEST:
        return Refusal(
            "Guests can't see this organization's usage. Ask whoever runs the bot to allow it"
            " (ACTIVITY_GUESTS=allow)."
        )
    return None


def unknown_person_text(error: UnknownPersonError) -> str:
    """The text for a person who couldn't be looked up with users.info."""
    if error.permanent:
        return (
            f"Slack won't tell me who you are ({error.code}), so I can't check what you may see."
            " Whoever runs the bot can find out why with `activity doctor`."
        )
    return (
        "Slack isn't telling me who you are right now, so I can't check what you may see. Try again"
        " in a minute."
    )


def is_admin(person: SlackUser, settings: Settings) -> bool:
    """Whether a person is named in ACTIVITY_ADMINS and may see and change everything."""
    return person.id in settings.admins


def sees_own_only(user: str, settings: Settings) -> bool:
    """Whether a Slack user only sees their own usage."""
    return settings.visibility is Visibility.OWN and user not in settings.admins


def may_send_to_creators(user: str, settings: Settings) -> bool:
    """Whether a Slack user may schedule reports that go to every creator: admins only."""
    return user in settings.admins


def clicks_stay_private(settings: Settings) -> bool:
    """Whether a click on a shared answer is answered privately.

    If people see different usage, only an explicit `share` posts for everyone.
    """
    return settings.visibility is Visibility.OWN


def admins(settings: Settings, *, but: str = "") -> str:
    """The admins in mrkdwn, such as `<@U1> and <@U2>`, except `but`; "" if there are none."""
    named = [f"<@{user}>" for user in sorted(settings.admins - {but})]
    more = len(named) - _MAX_NAMED
    if more > 0:
        named[_MAX_NAMED:] = ["one more" if more == 1 else f"{more} more"]
    return " and ".join(filter(None, (", ".join(named[:-1]), *named[-1:])))


def admins_only(what: str, user: str, settings: Settings) -> str:
    """A refusal in mrkdwn; `what` completes the sentence "Only bot admins can ..."."""
    named = admins(settings)
    if named:
        return f"Only bot admins can {what}. Ask {named}."
    return (
        f"Only bot admins can {what}, and this bot has none yet. Whoever runs it can make you an"
        f" admin with the setting `ACTIVITY_ADMINS={user}`."
    )


def ask_admins(settings: Settings) -> str:
    """Who to ask, in mrkdwn: `Ask <@U1>.`, or whoever runs the bot."""
    return f"Ask {admins(settings) or 'whoever runs this bot'}."
