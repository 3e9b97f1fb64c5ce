"""Values about Slack: people, where messages go and are, and why one was not delivered."""

from __future__ import annotations

from dataclasses import dataclass

_APP_IS_OUT = {
    "account_inactive", "invalid_auth", "missing_scope", "not_authed", "token_expired",
    "token_revoked",
}  # fmt: skip


class DeliveryError(Exception):
    """Slack did not accept a call. `permanent`: trying again changes nothing.

    `uncertain`: no clear answer came, so it may have been taken all the same. `retry_after`: the
    seconds that Slack asks to wait.
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
        mend = " (`activity doctor` says what to do)" if code in _APP_IS_OUT else ""
        super().__init__(words or f"Slack answered {code}{mend}")
        self.code = code
        self.permanent = permanent
        self.uncertain = uncertain
        self.retry_after = retry_after


class UnknownPersonError(DeliveryError):
    """Slack could not be asked about a person, so it is unknown what they may see."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot is: its workspace's id and name, and its own ids.

    `enterprise_id` is the Enterprise Grid organization of the workspace, "" where there is none.
    """

    team_id: str
    bot_id: str
    user_id: str
    team: str = ""
    enterprise_id: str = ""


@dataclass(frozen=True, slots=True)
class SlackUser:
    """A Slack user, with what decides what they may ask and see.

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
    """What they are called in Slack; may be empty."""


@dataclass(frozen=True, slots=True)
class ReplyTarget:
    """Where an answer goes: to the response URL first, to a direct message where that is used up.

    `thread` is the thread that it belongs to, if any. Where there is no response URL, as for what
    people say in a `channel`, it is posted there: to the person alone, unless it is `shared`.
    `home` is for what was done in the Home, which shows by itself what became of it.
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
        """Whether it is in the direct messages of one person."""
        return self.channel.startswith("D")
