"""Who may ask, and what is said to those who may not."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from bot.config import Guests, Settings, Visibility
from bot.slack import Identity, Person, UnknownPersonError

FOREIGN = "This bot only works for members of its own workspace."
OUTSIDERS = "People of other companies read along here, so this answer is for you alone."
UNSEEN = (
    "I am not in this conversation and cannot see whether people of other companies read along, so"
    " this answer is for you alone. Invite me and ask again to share it."
)
_MOST_NAMED = 5


class Role(StrEnum):
    """What somebody is to this bot.

    Admins are those whom ACTIVITY_ADMINS names, and nobody else: who runs the Slack workspace need
    not see what everybody spends. Bots and people who left are nobody.
    """

    ADMIN = "admin"
    MEMBER = "member"
    GUEST = "guest"
    OUTSIDER = "outsider"
    NOBODY = "nobody"


def role_of(person: Person, identity: Identity, settings: Settings) -> Role:
    """What a person is; whoever is no member of the workspace is that before anything else."""
    if not is_member(person, identity):
        return Role.OUTSIDER
    if person.bot or person.deleted:
        return Role.NOBODY
    if person.guest and settings.guests is Guests.DENY:
        return Role.GUEST
    return Role.ADMIN if is_admin(person, settings) else Role.MEMBER


def is_member(person: Person, identity: Identity) -> bool:
    """Whether somebody belongs to the bot's workspace, by what users.info says of them.

    On Enterprise Grid the home workspace may be another one of the same organization: there
    the list of their workspaces decides. Somebody whose organization is another one never belongs.
    """
    if person.stranger:
        return False
    if person.enterprise_id and person.enterprise_id != identity.enterprise_id:
        return False
    if identity.team_id in person.teams or person.team_id in {"", identity.team_id}:
        return True
    # a bot that is installed for a whole organization has the organization's id as its team's
    return bool(person.enterprise_id) and identity.team_id == identity.enterprise_id


def surely_foreign(identity: Identity | None, teams: Iterable[object], enterprise: object) -> bool:
    """Whether a request comes from outside, by the ids in its payload alone.

    `teams` are all workspaces that it names, `enterprise` is the organization of whoever acts. A
    request from another workspace of our own organization is not surely foreign: users.info tells
    whether its sender is a member. None of the ids needs to be there.
    """
    others = {team for team in teams if team and isinstance(team, str)}
    if identity is None or not others - {identity.team_id}:
        return False
    if not identity.enterprise_id:
        return True
    return bool(enterprise) and enterprise != identity.enterprise_id


def refusal(person: Person, identity: Identity, settings: Settings) -> str | None:
    """Why a person may not ask, as a sentence to say to them; None if they may."""
    role = role_of(person, identity, settings)
    if role is Role.OUTSIDER:
        return FOREIGN
    if role is Role.NOBODY:
        return "Only people can ask."
    if role is Role.GUEST:
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


def sees_own_only(user: str, settings: Settings) -> bool:
    """Whether what a Slack user gets is limited to their own usage."""
    return settings.visibility is Visibility.OWN and user not in settings.admins


def may_send_to_creators(user: str, settings: Settings) -> bool:
    """Whether reports of a Slack user may go to every creator; who sees all may write to all."""
    return not sees_own_only(user, settings)


def clicks_stay_private(settings: Settings) -> bool:
    """Whether what a click on a shared answer brings goes to the clicker alone.

    Where people see different things, only what somebody shares in words is for everybody.
    """
    return settings.visibility is Visibility.OWN


def admins(settings: Settings, *, but: str = "") -> str:
    """Who the admins are, in mrkdwn: `<@U1> and <@U2>`; nothing where there are none.

    `but` is one who is named already.
    """
    named = [f"<@{user}>" for user in sorted(settings.admins - {but})]
    more = len(named) - _MOST_NAMED
    if more > 0:
        named[_MOST_NAMED:] = ["one more" if more == 1 else f"{more} more"]
    return " and ".join(filter(None, (", ".join(named[:-1]), *named[-1:])))


def admins_only(what: str, user: str, settings: Settings) -> str:
    """What is said, in mrkdwn, to somebody who wants what admins alone may have."""
    named = admins(settings)
    if named:
        return f"{what} is for the admins of this bot: {named}."
    return (
        f"{what} is for the admins of this bot, and it has none yet. Whoever runs it names them in"
        f" its settings; for you alone that is `ACTIVITY_ADMINS={user}`."
    )


def ask_admins(settings: Settings) -> str:
    """Whom to turn to, in mrkdwn: ` Ask <@U1>.`, or whoever runs the bot."""
    return f"Ask {admins(settings) or 'whoever runs this bot'}."
