"""Response URLs: five uses within thirty minutes of a command or a click."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.demo.slack.chat import Chat
from bot.demo.slack.content import check_there_is_content
from bot.demo.slack.workspace import Channel, Json, SlackError, new_secret

USES = 5
LIFETIME = timedelta(minutes=30)


@dataclass(slots=True)
class Hook:
    """One response URL: its person, channel and message."""

    user_id: str
    channel: Channel
    message: Json | None
    typed: str
    made_at: datetime
    uses: int = 0


class ResponseUrls:
    """All issued response URLs, by path, and every use of them in order."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.used: list[Json] = []
        self._hooks: dict[str, Hook] = {}

    def issue(
        self, user_id: str, channel: Channel, message: Json | None = None, typed: str = ""
    ) -> str:
        """The path of a new response URL."""
        workspace = self.chat.workspace
        kind = "actions" if message else "commands"
        path = f"/{kind}/{workspace.team_id}/{new_secret(6)}/{new_secret(12)}"
        with workspace.lock:
            self._hooks[path] = Hook(user_id, channel, message, typed, workspace.clock())
        return path

    def place(self, path: str) -> Json:
        """The person and channel of a response URL; empty if it is unknown."""
        hook = self._hooks.get(path)
        return {"user": hook.user_id, "channel": hook.channel.id} if hook else {}

    def use(self, path: str, payload: Json) -> None:
        """Process a post to a response URL. Raises SlackError if Slack would refuse it."""
        hook = self._hooks.get(path)
        if hook is None:
            raise SlackError("invalid_url")
        if self.chat.workspace.clock() - hook.made_at > LIFETIME:
            raise SlackError("expired_url")
        if hook.uses >= USES:
            raise SlackError("used_url")
        hook.uses += 1
        self.answer(hook, payload)

    def answer(self, hook: Hook, payload: Json) -> None:
        """Apply an answer to a command or click, however it was sent."""
        user, channel = hook.user_id, hook.channel.id
        record: Json = {"user": user, "channel": channel, "payload": payload, "error": None}
        self.used.append(record)
        try:
            self._apply(hook, payload)
        except SlackError as refused:
            record["error"] = refused.error
            raise
        self.chat.workspace.changed("response", record)

    def _apply(self, hook: Hook, payload: Json) -> None:
        if hook.message and payload.get("delete_original"):
            self.chat.remove(self.chat.find(hook.channel.id, hook.message["ts"]))
            return
        content = self.chat.content.checked(payload)
        check_there_is_content(content)
        if hook.message and payload.get("replace_original"):
            original = self.chat.find(hook.channel.id, hook.message["ts"])
            self.chat.change(original, {"blocks": [], **content})
        elif payload.get("response_type") == "in_channel":
            self._post(hook, payload, content)
        else:
            self.chat.show(hook.channel, hook.user_id, content)

    def _post(self, hook: Hook, payload: Json, content: Json) -> None:
        extra: Json = {}
        if hook.typed:
            extra["_typed"] = {"user": hook.user_id, "text": hook.typed}
        if payload.get("thread_ts"):
            extra["thread_ts"] = str(payload["thread_ts"])
        self.chat.post(hook.channel, content, **extra)
