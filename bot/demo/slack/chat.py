"""Messages: ``chat.*``, the history of channels, and ephemeral messages."""

import json
from typing import Any

from bot.demo.slack.content import Content, check_there_is_content
from bot.demo.slack.workspace import Channel, Json, SlackError, Workspace


def copied(message: Json) -> Json:
    """A copy of a message, which is JSON: so it takes a tenth of the time of `deepcopy`."""
    copy: Json = json.loads(json.dumps(message))
    return copy


def public(message: Json, metadata: bool = True) -> Json:
    """A message as Slack shows it to apps."""
    hidden = () if metadata else ("metadata",)
    shown = {k: v for k, v in message.items() if not k.startswith("_") and k not in hidden}
    return copied(shown)


class Chat:
    """All messages of the workspace, newest last."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.content = Content(workspace)
        self.public_posting = False
        self._messages: dict[str, list[Json]] = {}
        self._ephemerals: list[Json] = []

    def in_channel(self, channel_id: str) -> list[Json]:
        """Every message of a channel, oldest first, threads included."""
        with self.workspace.lock:
            return [copied(message) for message in self._messages.get(channel_id, [])]

    def only_for(self, user_id: str, channel_id: str) -> list[Json]:
        """The messages in the channel that only this person sees, oldest first."""
        with self.workspace.lock:
            return [
                copied(message)
                for message in self._ephemerals
                if (message["_user"], message["channel"]) == (user_id, channel_id)
            ]

    def find(self, channel_id: str, ts: str) -> Json:
        """The stored message, ephemeral ones too; ``message_not_found`` if there is none."""
        stored = self._messages.get(channel_id, [])
        hidden = [message for message in self._ephemerals if message["channel"] == channel_id]
        for message in [*stored, *hidden]:
            if message["ts"] == ts:
                return message
        raise SlackError("message_not_found")

    def target(self, name: object) -> Channel:
        """The channel that a post may go to; a person's id opens their direct messages."""
        if not isinstance(name, str) or not name:
            raise SlackError("channel_not_found")
        person = self.workspace.users.get(name)
        if person:
            if person.deleted or person.is_bot:
                raise SlackError("channel_not_found")
            return self.workspace.open_im(name)
        try:
            channel = self.workspace.channel(name)
        except KeyError:
            raise SlackError("channel_not_found") from None
        if channel.is_archived:
            raise SlackError("is_archived")
        return channel

    def check_membership(self, channel: Channel, public_is_enough: bool = False) -> None:
        """Refuse if the bot isn't a member; then a private channel is not found at all."""
        if self.workspace.bot_user_id in channel.members:
            return
        if channel.kind != "public":
            raise SlackError("channel_not_found")
        if not public_is_enough:
            raise SlackError("not_in_channel")

    def post(self, channel: Channel, content: Json, **extra: Any) -> Json:
        """Store a message of the bot and notify listeners."""
        workspace = self.workspace
        message = {
            "type": "message",
            "ts": workspace.new_ts(),
            "channel": channel.id,
            "user": workspace.bot_user_id,
            "bot_id": workspace.bot_id,
            "app_id": workspace.app_id,
            "team": workspace.team_id,
            **content,
            **extra,
        }
        self._messages.setdefault(channel.id, []).append(message)
        workspace.changed("message", message)
        return message

    def post_as_user(self, channel: Channel, user_id: str, text: str, thread: str = "") -> Json:
        """Store a person's message, in a thread if one is given."""
        workspace = self.workspace
        message = {"type": "message", "ts": workspace.new_ts(), "channel": channel.id}
        message |= {"user": user_id, "team": workspace.users[user_id].team_id, "text": text}
        if thread:
            message["thread_ts"] = self._thread(channel, thread)
        with workspace.lock:
            self._messages.setdefault(channel.id, []).append(message)
            workspace.changed("message", message)
        return copied(message)

    def show(self, channel: Channel, user_id: str, content: Json) -> Json:
        """Show one person a message that nobody else sees."""
        workspace = self.workspace
        message = {"type": "message", "ts": workspace.new_ts(), "channel": channel.id, **content}
        message |= {"user": workspace.bot_user_id, "bot_id": workspace.bot_id}
        message |= {"app_id": workspace.app_id, "is_ephemeral": True, "_user": user_id}
        self._ephemerals.append(message)
        workspace.changed("ephemeral", message)
        return message

    def change(self, message: Json, content: Json) -> None:
        """Put new content into a stored message."""
        message.update(content)
        if "_user" not in message:
            message["edited"] = {"user": message["user"], "ts": self.workspace.new_ts()}
        self.workspace.changed("message_changed", message)

    def remove(self, message: Json) -> None:
        """Delete a message, also an ephemeral one."""
        if "_user" in message:
            self._ephemerals.remove(message)
        else:
            self._messages[message["channel"]].remove(message)
        self.workspace.changed("message_deleted", message)

    def post_message(self, args: Json) -> Json:
        """``chat.postMessage``"""
        channel = self.target(args.get("channel"))
        self.check_membership(channel, self.public_posting)
        content = self.content.checked(args)
        check_there_is_content(content)
        extra: Json = {}
        if args.get("thread_ts"):
            extra["thread_ts"] = self._thread(channel, str(args["thread_ts"]))
        message = self.post(channel, content, **extra)
        return {"channel": channel.id, "ts": message["ts"], "message": public(message)}

    def _thread(self, channel: Channel, ts: str) -> str:
        try:
            parent = self.find(channel.id, ts)
        except SlackError:
            raise SlackError("cannot_reply_to_message") from None
        return str(parent.get("thread_ts", ts))

    def post_ephemeral(self, args: Json) -> Json:
        """``chat.postEphemeral``"""
        channel = self.target(args.get("channel"))
        self.check_membership(channel)
        user_id = str(args.get("user"))
        if user_id not in channel.members:
            raise SlackError("user_not_in_channel")
        content = self.content.checked(args, longest=4_000)
        check_there_is_content(content)
        if args.get("thread_ts"):
            content["thread_ts"] = self._thread(channel, str(args["thread_ts"]))
        return {"message_ts": self.show(channel, user_id, content)["ts"]}

    def _own(self, args: Json, refused: str) -> Json:
        channel = self.target(args.get("channel"))
        message = self.find(channel.id, str(args.get("ts")))
        if "_user" in message:
            raise SlackError("message_not_found")
        if message.get("bot_id") != self.workspace.bot_id:
            raise SlackError(refused)
        return message

    def update(self, args: Json) -> Json:
        """``chat.update``"""
        message = self._own(args, "cant_update_message")
        content = self.content.checked(args)
        if len(content["text"]) > 4_000:
            raise SlackError("msg_too_long")
        if args.get("text") is None:
            del content["text"]
        if not content:
            raise SlackError("no_text")
        self.change(message, content)
        answer = {"channel": message["channel"], "ts": message["ts"], "text": message["text"]}
        return {**answer, "message": public(message)}

    def delete(self, args: Json) -> Json:
        """``chat.delete``"""
        message = self._own(args, "cant_delete_message")
        self.remove(message)
        return {"channel": message["channel"], "ts": message["ts"]}
