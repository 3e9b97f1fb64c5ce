"""Values for Slack: people, reply targets, message locations, delivery errors."""

from __future__ import annotations

from dataclasses import dataclass

TOKEN_PROBLEMS = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
)
"""Slack's error codes for a refused token: until it is replaced, no call works."""
_APP_PROBLEMS = TOKEN_PROBLEMS | {"missing_scope"}


class DeliveryError(Exception):
    """A call to Slack failed. `permanent`: retrying doesn't help.

    `uncertain`: there was no clear response, so the call may have taken effect. `retry_after`: the
    delay that Slack requested, in seconds, 0 for none.
    """

    def __init__(
        self,
        code: str,
        *,
        permanent: bool,
        words: str = "",
        uncertain: bool = False,
        retry_after: float = 0,
    ) -> None:
        advice = " (`activity doctor` says what to do)" if code in _APP_PROBLEMS else ""
        super().__init__(words or f"Slack answered {code}{advice}")
        self.code = code
        self.permanent = permanent
        self.uncertain = uncertain
        self.retry_after = retry_after


class UnknownPersonError(DeliveryError):
    """A person couldn't be looked up, so it is unknown what they may see."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The bot's own ids, and its workspace's id and name.

    `enterprise_id` is the Enterprise Grid organization of the workspace, "" if there is none.
    """

    team_id: str
    bot_id: str
    user_id: str
    team: str = ""
    enterprise_id: str = ""


@dataclass(frozen=True, slots=True)
class SlackUser:
    """A Slack user, with the properties that decide what they may do and see.

    On Enterprise Grid `team_id` is their home workspace (or the organization itself), `teams` are
    all workspaces of the organization that they belong to.
    """

    id: str
    team_id: str
    email: str | None
    zone: str | None
    bot: bool
    deleted: bool
    guest: bool
    stranger: bool
    admin: bool
    enterprise_id: str = ""
    teams: frozenset[str] = frozenset()
    name: str = ""
    """Their display name; may be empty."""


@dataclass(frozen=True, slots=True)
class ReplyTarget:
    """The place for an answer: the response URL, or a direct message if that has expired.

    `thread` is the ts of its thread, if any. Without a response URL, as for messages in `channel`,
    the answer is posted there: visible to the person only, unless it is `shared`. `home`: the
    action was in App Home, which is refreshed instead of answered.
    """

    response_url: str
    user: str
    shared: bool = False
    thread: str = ""
    channel: str = ""
    home: bool = False


@dataclass(frozen=True, slots=True)
class MessageLocation:
    """A message of the bot: its channel and ts; `hidden`: only one person sees it."""

    channel: str
    ts: str
    hidden: bool

    @property
    def direct(self) -> bool:
        """Whether the message is in a person's direct messages."""
        return self.channel.startswith("D")
