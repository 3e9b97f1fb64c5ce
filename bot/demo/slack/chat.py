"""Messages: ``chat.*``, the history of channels, and what only one person sees."""

import json
import re
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from bot.demo.slack import blocks as block_kit
from bot.demo.slack.schema import Problem
from bot.demo.slack.workspace import Channel, Json, SlackError, Workspace

ImageCheck = Callable[[Json], bool]


def refusal(problems: list[Problem], error: str | None = None) -> SlackError:
    """The answer that names each problem, as Slack words it."""
    lines = [str(problem) for problem in problems]
    messages = [f"[ERROR] {line}" for line in lines]
    return SlackError(
        error or problems[0].error, errors=lines, response_metadata={"messages": messages}
    )


def public(message: Json, metadata: bool = True) -> Json:
    """A message as Slack shows it to apps."""
    hidden = () if metadata else ("metadata",)
    shown = {k: v for k, v in message.items() if not k.startswith("_") and k not in hidden}
    return deepcopy(shown)


class Chat:
    """All messages of the workspace, newest last."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.refuse_charts = False
        self.public_posting = False
        self.is_image: ImageCheck = lambda _: False
        self._messages: dict[str, list[Json]] = {}
        self._ephemerals: list[Json] = []

    def in_channel(self, channel_id: str) -> list[Json]:
        """Every message of a channel, oldest first, threads included."""
        with self.workspace.lock:
            return [deepcopy(message) for message in self._messages.get(channel_id, [])]

    def only_for(self, user_id: str, channel_id: str) -> list[Json]:
        """What only this person sees in the channel, oldest first."""
        with self.workspace.lock:
            return [
                deepcopy(message)
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

    def checked_content(self, args: Json, longest: int | None = None) -> Json:
        """The text, blocks and metadata of a message, or the refusal of any of them."""
        text = args.get("text") or args.get("markdown_text") or ""
        if not isinstance(text, str):
            raise SlackError("invalid_arguments")
        if args.get("markdown_text"):
            _check_markdown(args)
        if longest and len(text.encode("utf-8", "replace")) > longest:
            raise SlackError("msg_too_long")
        content: Json = {"text": text[: block_kit.TEXT_CHARACTERS]}
        if args.get("blocks") is not None:
            content["blocks"] = self._checked_blocks(args["blocks"])
        if args.get("attachments"):
            content["attachments"] = args["attachments"]
        if args.get("metadata") is not None:
            content["metadata"] = _checked_metadata(args["metadata"])
        return content

    def _checked_blocks(self, blocks: object) -> list[Json]:
        if not isinstance(blocks, list):
            raise SlackError("invalid_blocks_format")
        problems = block_kit.validate(blocks)
        if self.refuse_charts:
            problems += block_kit.newer_blocks(blocks)
        if not problems:
            pictures = block_kit.images(blocks)
            unready = [pointer for pointer, file in pictures if not self.is_image(file)]
            problems = [Problem(pointer, "invalid slack file") for pointer in unready]
        if problems:
            raise refusal(problems)
        return named(blocks, self.workspace)

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
        """Refuse where the bot is no member; a private channel does not even exist then."""
        if self.workspace.bot_user_id in channel.members:
            return
        if channel.kind != "public":
            raise SlackError("channel_not_found")
        if not public_is_enough:
            raise SlackError("not_in_channel")

    def post(self, channel: Channel, content: Json, **extra: Any) -> Json:
        """Store a message of the bot and tell of it."""
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

    def post_as_user(self, channel: Channel, user_id: str, text: str) -> Json:
        """Store what a person said."""
        workspace = self.workspace
        message = {"type": "message", "ts": workspace.new_ts(), "channel": channel.id}
        message |= {"user": user_id, "team": workspace.users[user_id].team_id, "text": text}
        with workspace.lock:
            self._messages.setdefault(channel.id, []).append(message)
            workspace.changed("message", message)
        return deepcopy(message)

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
        """Take a message away, an ephemeral one too."""
        if "_user" in message:
            self._ephemerals.remove(message)
        else:
            self._messages[message["channel"]].remove(message)
        self.workspace.changed("message_deleted", message)

    def post_message(self, args: Json) -> Json:
        """``chat.postMessage``"""
        channel = self.target(args.get("channel"))
        self.check_membership(channel, self.public_posting)
        content = self.checked_content(args)
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
        content = self.checked_content(args, longest=4_000)
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
        content = self.checked_content(args)
        if len(content["text"]) > 4_000:
            raise SlackError("msg_too_long")
        if args.get("text") is None:
            del content["text"]
        if not content:
            raise SlackError("no_text")
        self.change(message, content)
        told = {"channel": message["channel"], "ts": message["ts"], "text": message["text"]}
        return {**told, "message": public(message)}

    def delete(self, args: Json) -> Json:
        """``chat.delete``"""
        message = self._own(args, "cant_delete_message")
        self.remove(message)
        return {"channel": message["channel"], "ts": message["ts"]}


def named(blocks: Iterable[Json], workspace: Workspace) -> list[Json]:
    """The blocks with the ``block_id`` and ``action_id`` that Slack adds where there is none."""
    copies = deepcopy(list(blocks))
    for block in copies:
        block.setdefault("block_id", workspace.new_id("k"))
        inside = [*block.get("elements", []), block.get("accessory"), block.get("element")]
        for element in inside:
            if isinstance(element, dict) and _is_interactive(element):
                element.setdefault("action_id", workspace.new_id("a"))
    return copies


def _is_interactive(element: Json) -> bool:
    passive = ("image", "plain_text", "mrkdwn")
    return element["type"] not in passive and not element["type"].startswith("rich_text")


def check_there_is_content(content: Json) -> None:
    """Refuse a message that shows nothing."""
    if not (content["text"].strip() or content.get("blocks") or content.get("attachments")):
        raise SlackError("no_text")


def _check_markdown(args: Json) -> None:
    if args.get("text") or args.get("blocks"):
        raise SlackError("markdown_text_conflict")
    if len(args["markdown_text"]) > block_kit.MARKDOWN_CHARACTERS:
        raise SlackError("msg_too_long")


def _checked_metadata(metadata: object) -> Json:
    if metadata == {}:
        return {}
    if not isinstance(metadata, dict) or set(metadata) != {"event_type", "event_payload"}:
        raise SlackError("invalid_metadata_format")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.\-]{0,254}", str(metadata["event_type"])):
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata["event_payload"], dict):
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(metadata).encode()) > block_kit.METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return metadata
