"""The workspace: its people and channels, ids, time, and listeners for every change."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Condition
from time import monotonic
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

Json = dict[str, Any]
Clock = Callable[[], datetime]
Listener = Callable[[str, Json], None]
T = TypeVar("T")

PEOPLE: tuple[tuple[str, str], ...] = (
    ("ada@example.com", "Ada Lovelace"),
    ("grace@example.com", "Grace Hopper"),
    ("alan@example.com", "Alan Turing"),
    ("katherine@example.com", "Katherine Johnson"),
)
OTHER_TEAM = "T0OTHER0001"


def utc_now() -> datetime:
    """The current time (UTC)."""
    return datetime.now(UTC)


class SlackError(Exception):
    """A refusal: its ``error``, and further fields of Slack's response."""

    def __init__(self, error: str, **details: Any) -> None:
        super().__init__(error)
        self.error = error
        self.details: Json = details


@dataclass(frozen=True, slots=True)
class User:
    """A person or bot, with Slack's field names."""

    id: str
    name: str
    real_name: str
    email: str = ""
    tz: str = "Europe/Berlin"
    team_id: str = ""
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    deleted: bool = False
    enterprise_id: str = ""
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel, or with ``kind`` "im" the direct messages of the bot and one person."""

    id: str
    name: str
    kind: Literal["public", "private", "im"] = "public"
    members: frozenset[str] = frozenset()
    is_ext_shared: bool = False
    is_archived: bool = False


class Workspace:
    """People and channels, with one lock for all changes."""

    def __init__(self, clock: Clock = utc_now, people: Sequence[tuple[str, str]] = PEOPLE) -> None:
        self.clock = clock
        self.team_id = "T0DEMO00001"
        self.enterprise_id = ""
        self.team_domain = "demo"
        self.app_id = "A0DEMO00001"
        self.bot_id = "B0DEMO00001"
        self.bot_user_id = "U0DEMO00BOT"
        self.lock = Condition()
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self._counts: dict[str, int] = {}
        self._last_ts = 0
        self._listeners: list[Listener] = []
        self._settle(people)

    def _settle(self, people: Sequence[tuple[str, str]]) -> None:
        bot = User(self.bot_user_id, "activity", "Activity", is_bot=True, team_id=self.team_id)
        self.users[bot.id] = bot
        staff = [
            self.add_user(mail.partition("@")[0], name, mail, is_admin=not index)
            for index, (mail, name) in enumerate(people)
        ]
        guest = self.add_user("guest", "Gil Guest", "guest@example.com", is_restricted=True)
        self.add_user("former", "Fay Former", "former@example.com", deleted=True)
        outsider = self.add_user(
            "otto", "Otto Other", "otto@other.example", team_id=OTHER_TEAM, is_stranger=True
        )
        everyone = [bot, *staff, guest]
        self.add_channel("general", everyone)
        self.add_channel("spend", [bot, *staff])
        self.add_channel("finance", [bot, *staff[:1]], kind="private")
        self.add_channel("random", staff)
        self.add_channel("partners", [bot, *staff, outsider], is_ext_shared=True)
        self.add_channel("archive", [bot, *staff], is_archived=True)

    def new_id(self, prefix: str) -> str:
        """A fresh id such as ``C0DEMO00007``."""
        self._counts[prefix] = self._counts.get(prefix, 0) + 1
        return f"{prefix}0DEMO{self._counts[prefix]:05d}"

    def new_ts(self) -> str:
        """A message's timestamp: now, and later than every one before it."""
        since = self.clock() - datetime(1970, 1, 1, tzinfo=UTC)
        self._last_ts = max(since // timedelta(microseconds=1), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def add_user(self, name: str, real_name: str, email: str = "", **flags: Any) -> User:
        """Add a person, by default to our team."""
        with self.lock:
            flags.setdefault("team_id", self.team_id)
            user = User(self.new_id("U"), name, real_name, email, **flags)
            self.users[user.id] = user
            return user

    def add_channel(self, name: str, members: Iterable[User] = (), **flags: Any) -> Channel:
        """Add a channel; the bot is in it only if it is among the members."""
        with self.lock:
            ids = frozenset(member.id for member in members)
            channel = Channel(self.new_id("C"), name, members=ids, **flags)
            self.channels[channel.id] = channel
            return channel

    def open_im(self, user_id: str) -> Channel:
        """The direct messages between the bot and this person; opened if necessary."""
        with self.lock:
            members = frozenset({user_id, self.bot_user_id})
            for channel in self.channels.values():
                if channel.kind == "im" and channel.members == members:
                    return channel
            channel = Channel(self.new_id("D"), "directmessage", "im", members)
            self.channels[channel.id] = channel
            return channel

    def user(self, name: str) -> User:
        """The person of this name or id; ``KeyError`` if there is none."""
        with self.lock:
            return _find(self.users, name)

    def channel(self, name: str) -> Channel:
        """The channel of this name or id; ``KeyError`` if there is none."""
        with self.lock:
            return _find(self.channels, name.removeprefix("#"))

    def change_user(self, name: str, **changes: Any) -> User:
        """Change flags of a person."""
        with self.lock:
            user = replace(self.user(name), **changes)
            self.users[user.id] = user
            return user

    def change_channel(self, name: str, **changes: Any) -> Channel:
        """Change flags or members of a channel."""
        with self.lock:
            channel = replace(self.channel(name), **changes)
            self.channels[channel.id] = channel
            return channel

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call this with (kind, data) at every change; it must be quick. Returns how to stop it."""
        with self.lock:
            self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def changed(self, kind: str, data: Json) -> None:
        """Notify listeners and waiting threads of a change."""
        with self.lock:
            for listener in list(self._listeners):
                listener(kind, deepcopy(data))
            self.lock.notify_all()

    def wait_for(self, found: Callable[[], T], timeout: float = 60) -> T:
        """Wait up to ``timeout`` seconds (real time) until ``found()`` is truthy, and return it."""
        end = monotonic() + timeout
        with self.lock:
            while not (result := found()):
                left = end - monotonic()
                if left <= 0 or not self.lock.wait(left):
                    if result := found():
                        break
                    raise TimeoutError(f"nothing of the kind within {timeout} s")
            return result


def _find(known: dict[str, T], name: str) -> T:
    if name in known:
        return known[name]
    for item in known.values():
        if getattr(item, "name", None) == name:
            return item
    raise KeyError(name)


def user_json(user: User, now: datetime, with_email: bool) -> Json:
    """A person as ``users.info`` returns them."""
    offset = now.astimezone(ZoneInfo(user.tz)).utcoffset() or timedelta()
    profile = {"real_name": user.real_name, "display_name": user.name, "team": user.team_id}
    if with_email:
        profile["email"] = user.email
    flags = ("is_restricted", "is_ultra_restricted", "is_stranger", "is_bot", "deleted", "is_admin")
    grid: Json = {"id": user.id, "enterprise_id": user.enterprise_id, "enterprise_name": "Grid"}
    grid |= {"is_admin": False, "is_owner": False, "teams": list(user.teams)}
    return {
        **({"enterprise_user": grid} if user.enterprise_id else {}),
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "real_name": user.real_name,
        "tz": user.tz,
        "tz_offset": int(offset.total_seconds()),
        "is_owner": user.is_admin,
        "is_primary_owner": user.is_admin,
        "is_app_user": False,
        "profile": profile,
        **{flag: getattr(user, flag) for flag in flags},
    }


def channel_json(channel: Channel, bot_user_id: str) -> Json:
    """A channel as ``conversations.info`` returns it."""
    fields: Json = {
        "id": channel.id,
        "is_im": channel.kind == "im",
        "is_archived": channel.is_archived,
        "is_private": channel.kind == "private",
        "is_ext_shared": channel.is_ext_shared,
        "is_shared": channel.is_ext_shared,
        "is_pending_ext_shared": False,
        "is_org_shared": False,
    }
    if channel.kind == "im":
        return {**fields, "user": next(iter(channel.members - {bot_user_id}))}
    member = bot_user_id in channel.members
    return {**fields, "name": channel.name, "is_channel": True, "is_member": member}


def new_secret(length: int = 16) -> str:
    """A random secret in hex."""
    return secrets.token_hex(length)
