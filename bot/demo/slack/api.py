"""The Web API: checks tokens, scopes and rate limits, and calls the methods."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.demo.slack.chat import Chat
from bot.demo.slack.conversations import Conversations
from bot.demo.slack.files import Files
from bot.demo.slack.rates import POSTING, TIER_3, TIER_4, UNLIMITED, Rate, Rates
from bot.demo.slack.views import Views
from bot.demo.slack.workspace import Json, SlackError

SCOPES = frozenset(
    {
        "commands",
        "chat:write",
        "files:write",
        "files:read",
        "users:read",
        "users:read.email",
        "im:write",
        "channels:read",
        "groups:read",
        "channels:history",
        "groups:history",
        "im:history",
    }
)
_JSON_ARGUMENTS = ("blocks", "metadata", "view", "files", "attachments")


@dataclass(frozen=True, slots=True)
class Call:
    """One call as received, without its token, and the error that it was answered with."""

    method: str
    args: Json
    error: str | None


@dataclass(frozen=True, slots=True)
class Method:
    """A method: what it does, the scope that it needs, and how often it may be called."""

    run: Callable[[Json], Json]
    scope: str | Callable[[Json], str] = ""
    rate: Rate = TIER_3
    rate_key: str = ""


class Api:
    """Every method that the local Slack knows."""

    def __init__(
        self,
        chat: Chat,
        conversations: Conversations,
        files: Files,
        views: Views,
        *,
        token: str,
        rate_limits: bool,
    ) -> None:
        self.workspace = chat.workspace
        self.token = token
        self.scopes = conversations.scopes
        self.rate_limits = rate_limits
        self._rates = Rates(self.workspace.clock)
        read, history = self._scope_by_kind("read"), self._scope_by_kind("history")
        post = Method(chat.post_message, "chat:write", POSTING, "channel")
        self._methods: dict[str, Method] = {
            "api.test": Method(lambda args: {"args": args}, rate=TIER_4),
            "auth.test": Method(self._auth_test, rate=UNLIMITED),
            "chat.postMessage": post,
            "chat.postEphemeral": Method(chat.post_ephemeral, "chat:write", TIER_4),
            "chat.update": Method(chat.update, "chat:write"),
            "chat.delete": Method(chat.delete, "chat:write"),
            "conversations.open": Method(conversations.open, "im:write"),
            "conversations.info": Method(conversations.info, read),
            "conversations.members": Method(conversations.members, read, TIER_4),
            "conversations.history": Method(conversations.history, history),
            "conversations.replies": Method(conversations.replies, history),
            "users.info": Method(conversations.user_info, "users:read", TIER_4),
            "users.lookupByEmail": Method(conversations.lookup_by_email, "users:read.email"),
            "files.getUploadURLExternal": Method(files.get_upload_url, "files:write", TIER_4),
            "files.completeUploadExternal": Method(files.complete, "files:write", TIER_4),
            "files.info": Method(files.info, "files:read", TIER_4),
            "views.open": Method(views.open, rate=TIER_4),
            "views.push": Method(views.push, rate=TIER_4),
            "views.update": Method(views.update, rate=TIER_4),
            "views.publish": Method(views.publish, rate=TIER_4),
        }

    def _scope_by_kind(self, right: str) -> Callable[[Json], str]:
        prefix = {"public": "channels", "private": "groups", "im": "im"}

        def needed(args: Json) -> str:
            channel = self.workspace.channels.get(str(args.get("channel")))
            return f"{prefix[channel.kind if channel else 'public']}:{right}"

        return needed

    def _auth_test(self, _args: Json) -> Json:
        workspace = self.workspace
        return {
            "url": f"https://{workspace.team_domain}.example/",
            "team": "Demo",
            "user": workspace.users[workspace.bot_user_id].name,
            "team_id": workspace.team_id,
            "user_id": workspace.bot_user_id,
            "bot_id": workspace.bot_id,
            "enterprise_id": workspace.enterprise_id or None,
            "is_enterprise_install": False,
        }

    def call(self, name: str, args: Json, token: str | None) -> Json:
        """Call a method and return its answer. Raises ``SlackError`` if it refuses."""
        method = self._methods.get(name)
        if method is None:
            raise SlackError("unknown_method", req_method=name)
        with self.workspace.lock:
            self._authorize(name, method, args, token)
            key = f"{name} {args.get(method.rate_key)}" if method.rate_key else name
            rate = method.rate if self.rate_limits else UNLIMITED
            if seconds := self._rates.wait(key, rate):
                raise SlackError("ratelimited", retry_after=seconds)
            return {"ok": True, **method.run(args)}

    def _authorize(self, name: str, method: Method, args: Json, token: str | None) -> None:
        if name == "api.test":
            return
        if not token:
            raise SlackError("not_authed")
        if token != self.token:
            raise SlackError("invalid_auth")
        needed = method.scope if isinstance(method.scope, str) else method.scope(args)
        if needed and needed not in self.scopes:
            provided = ",".join(sorted(self.scopes))
            raise SlackError("missing_scope", needed=needed, provided=provided)


def arguments(fields: Mapping[str, Any]) -> Json:
    """The arguments of a call, with the JSON in form fields read."""
    args: Json = dict(fields)
    for name in _JSON_ARGUMENTS:
        if isinstance(args.get(name), str) and args[name]:
            args[name] = _read(name, args[name])
    return args


def _read(name: str, text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        return strict_json(text)
    except ValueError:
        wrong = "invalid_arguments" if name in ("view", "files") else f"invalid_{name}_format"
        raise SlackError(wrong) from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def strict_json(text: str | bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Parse JSON without Python's NaN and Infinity. Raises ``ValueError`` if it isn't valid."""
    return json.loads(text, parse_constant=_no_constant)
