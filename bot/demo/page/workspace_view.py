"""What each person sees of the workspace, as JSON for the page."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from bot.demo.page.feed import Feed
from bot.demo.slack import Channel, LocalSlack, User
from bot.demo.slack.workspace import Json

REFUSALS_KEPT = 100
_HIDDEN = ("_user", "metadata")


@dataclass(frozen=True, slots=True)
class Role:
    """A person's role in a few words, and a hint for the user who acts as them."""

    words: str
    hint: str = ""


NO_ROLE = Role("")


class WorkspaceView:
    """Reads the local Slack for the page, and sends every change to the feed."""

    def __init__(self, slack: LocalSlack, feed: Feed, roles: Mapping[str, Role]) -> None:
        self.slack = slack
        self.feed = feed
        self.roles = roles
        self.refusals: deque[Json] = deque(maxlen=REFUSALS_KEPT)
        self._numbers = count(1)
        self.stop = slack.listen(self._changed)

    def people(self) -> list[Json]:
        """Everyone that the user can act as; those with a role first."""
        users = [u for u in self.slack.workspace.users.values() if not (u.is_bot or u.deleted)]
        users.sort(key=lambda user: user.id not in self.roles)
        return [self._person(user) for user in users]

    def names(self) -> Json:
        """The names behind the ids that messages mention."""
        users = self.slack.workspace.users.values()
        return {user.id: {"name": user.name, "real": user.real_name} for user in users}

    def channels(self, person: str) -> list[Json]:
        """The channels in this person's sidebar, their direct messages with the bot last."""
        who = self.slack.user(person)
        dm = self.slack.im(who.id)
        seen = [c for c in self.slack.workspace.channels.values() if self._in_sidebar(c, who)]
        return [self._channel(channel) for channel in [*sorted(seen, key=_by_name), dm]]

    def messages(self, person: str, channel: str) -> list[Json]:
        """A conversation as this person sees it, oldest first."""
        if not self._sees(self.slack.channel(channel), self.slack.user(person)):
            return []
        both = self.slack.messages(channel) + self.slack.ephemerals(person, channel)
        return [drawn(message) for message in sorted(both, key=lambda message: message["ts"])]

    def views(self, person: str) -> list[Json]:
        """The modals that are open for this person."""
        return [_view(view) for view in self.slack.views(person)]

    def _person(self, user: User) -> Json:
        role = self.roles.get(user.id, NO_ROLE)
        found = {"id": user.id, "name": user.name, "real": user.real_name}
        return {**found, "role": role.words, "hint": role.hint}

    def _channel(self, channel: Channel) -> Json:
        return {
            "id": channel.id,
            "name": channel.name,
            "kind": channel.kind,
            "members": len(channel.members - {self.slack.bot_user_id}),
            "shared": channel.is_ext_shared,
            "bot": self.slack.bot_user_id in channel.members,
        }

    def _in_sidebar(self, channel: Channel, who: User) -> bool:
        return channel.kind != "im" and not channel.is_archived and self._sees(channel, who)

    def _sees(self, channel: Channel, who: User) -> bool:
        ours = who.team_id == self.slack.team_id and not who.is_restricted
        return who.id in channel.members or (ours and channel.kind == "public")

    def _audience(self, channel_id: str) -> frozenset[str]:
        channel = self.slack.workspace.channels[channel_id]
        users = self.slack.workspace.users.values()
        return frozenset(user.id for user in users if self._sees(channel, user))

    def _changed(self, kind: str, data: Json) -> None:
        match kind:
            case "message" | "message_changed" | "ephemeral":
                self._send_message({"kind": "message", "message": drawn(data)}, data)
            case "message_deleted":
                gone = {"kind": "deleted", "channel": data["channel"], "ts": data["ts"]}
                self._send_message(gone, data)
            case "view":
                self._send_views(data["_user"])
            case "view_closed":
                self._send_views(data["user"])
            case "home":
                self.feed.send({"kind": "home", "view": _view(data)}, frozenset({data["_user"]}))
            case "refused":
                self._send_refusal(data)

    def _send_message(self, event: Json, message: Json) -> None:
        one = message.get("_user")
        people = frozenset({one}) if one else self._audience(message["channel"])
        self.feed.send(event, people)

    def _send_views(self, person: str) -> None:
        self.feed.send({"kind": "views", "views": self.views(person)}, frozenset({person}))

    def _send_refusal(self, data: Json) -> None:
        """Send a refusal to all pages: it is for the bot's developer, who may act as anyone."""
        args, details = data.get("args", {}), data.get("details", {})
        metadata = details.get("response_metadata", {})
        refusal: Json = {
            "id": next(self._numbers),
            "method": data["method"],
            "error": data["error"],
            "problems": details.get("errors") or metadata.get("messages", []),
            "channel": data.get("channel") or args.get("channel"),
            "at": self.slack.workspace.clock().timestamp(),
            "sent": args,
        }
        self.refusals.append(refusal)
        self.feed.send({"kind": "refused", "refusal": refusal})


def drawn(message: Json) -> Json:
    """A message as the page shows it."""
    kept = {name: value for name, value in message.items() if name not in _HIDDEN}
    typed = kept.pop("_typed", None)
    return {**kept, "typed": typed} if typed else kept


def _view(view: Json) -> Json:
    errors = view.get("_errors", {})
    kept = {name: value for name, value in view.items() if not name.startswith("_")}
    return {**kept, "errors": errors}


def _by_name(channel: Channel) -> str:
    return channel.name
