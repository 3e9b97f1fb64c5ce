"""``conversations.*`` and ``users.*``."""

import base64
import binascii

from bot.demo.slack.chat import Chat, public
from bot.demo.slack.workspace import (
    Channel,
    Json,
    SlackError,
    User,
    channel_json,
    user_json,
)


class Conversations:
    """People, channels and their history."""

    def __init__(self, chat: Chat, scopes: frozenset[str], longest_page: int = 999) -> None:
        self.chat = chat
        self.workspace = chat.workspace
        self.scopes = scopes
        self.longest_page = longest_page

    def known_channel(self, args: Json) -> Channel:
        """The channel of the call by its id; private ones only if the bot is a member."""
        channel = self.workspace.channels.get(str(args.get("channel")))
        if channel is None:
            raise SlackError("channel_not_found")
        if channel.kind == "private" and self.workspace.bot_user_id not in channel.members:
            raise SlackError("channel_not_found")
        return channel

    def open(self, args: Json) -> Json:
        """``conversations.open``"""
        names = args.get("users") or ""
        ids = names if isinstance(names, list) else [n for n in names.split(",") if n]
        if not ids and args.get("channel"):
            return {"channel": {"id": self.known_channel(args).id}}
        if len(ids) != 1:
            raise SlackError("users_list_not_supplied" if not ids else "method_not_supported")
        user = self._user(ids[0])
        if user.deleted:
            raise SlackError("user_disabled")
        if user.is_bot:
            raise SlackError("cannot_dm_bot")
        channel = self.workspace.open_im(user.id)
        return {"channel": channel_json(channel, self.workspace.bot_user_id)}

    def info(self, args: Json) -> Json:
        """``conversations.info``"""
        channel = self.known_channel(args)
        return {"channel": channel_json(channel, self.workspace.bot_user_id)}

    def members(self, args: Json) -> Json:
        """``conversations.members``"""
        ids = sorted(self.known_channel(args).members)
        start = _cursor(args.get("cursor"))
        size = _page_size(args, min(self.longest_page, 999))
        more = len(ids) > start + size
        following = _next_cursor(start + size) if more else ""
        return {
            "members": ids[start : start + size],
            "response_metadata": {"next_cursor": following},
        }

    def history(self, args: Json) -> Json:
        """``conversations.history``"""
        channel = self.known_channel(args)
        self.chat.check_membership(channel)
        said = [
            message
            for message in self.chat.in_channel(channel.id)
            if message.get("thread_ts", message["ts"]) == message["ts"]
        ]
        return self._page(self._within(said, args)[::-1], args)

    def replies(self, args: Json) -> Json:
        """``conversations.replies``"""
        channel = self.known_channel(args)
        self.chat.check_membership(channel)
        root = str(args.get("ts"))
        said = self.chat.in_channel(channel.id)
        thread = [m for m in said if root in (m["ts"], m.get("thread_ts"))]
        if not thread:
            raise SlackError("thread_not_found")
        return self._page(thread[:1] + self._within(thread[1:], args), args)

    def _within(self, messages: list[Json], args: Json) -> list[Json]:
        oldest, latest = args.get("oldest") or "0", args.get("latest") or "9999999999"
        try:
            low, high = float(oldest), float(latest)
        except ValueError:
            raise SlackError("invalid_ts_oldest") from None
        inclusive = flag(args.get("inclusive"))
        return [
            message
            for message in messages
            if low < float(message["ts"]) < high
            or (inclusive and message["ts"] in (str(oldest), str(latest)))
        ]

    def _page(self, messages: list[Json], args: Json) -> Json:
        start = _cursor(args.get("cursor"))
        size = _page_size(args, self.longest_page)
        metadata = flag(args.get("include_all_metadata"))
        more = len(messages) > start + size
        following = _next_cursor(start + size) if more else ""
        return {
            "messages": [public(m, metadata) for m in messages[start : start + size]],
            "has_more": more,
            "response_metadata": {"next_cursor": following},
        }

    def _user(self, user_id: object) -> User:
        user = self.workspace.users.get(str(user_id))
        if user is None:
            raise SlackError("user_not_found")
        return user

    def user_info(self, args: Json) -> Json:
        """``users.info``"""
        return self._user_answer(self._user(args.get("user")))

    def lookup_by_email(self, args: Json) -> Json:
        """``users.lookupByEmail``"""
        mail = str(args.get("email", "")).lower()
        for user in self.workspace.users.values():
            ours = user.team_id == self.workspace.team_id and not user.deleted
            if mail and ours and user.email.lower() == mail:
                return self._user_answer(user)
        raise SlackError("users_not_found")

    def _user_answer(self, user: User) -> Json:
        with_email = "users:read.email" in self.scopes and not user.is_stranger
        return {"user": user_json(user, self.workspace.clock(), with_email)}


def flag(value: object) -> bool:
    """Whether a value is one that clients send for true."""
    return value in (True, 1, "1", "true", "True")


def _page_size(args: Json, longest: int) -> int:
    try:
        size = int(args.get("limit") or 100)
    except ValueError:
        raise SlackError("invalid_limit") from None
    if size < 1:
        raise SlackError("invalid_limit")
    return min(size, longest)


def _next_cursor(offset: int) -> str:
    return base64.b64encode(f"offset:{offset}".encode()).decode()


def _cursor(cursor: object) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.b64decode(str(cursor), validate=True).decode().partition(":")
        if word != "offset":
            raise SlackError("invalid_cursor")
        return int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise SlackError("invalid_cursor") from None
