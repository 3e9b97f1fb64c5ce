"""Posts messages that can be found again, and uploads files.

Slack has no idempotency keys. Each message has a key in its metadata instead, by which it is found
in the channel's history if the response to the post was lost.
"""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any

import httpx

from bot.slack.client import Slack, attempt, content
from bot.slack.types import DeliveryError
from reports.block_kit.message import Message

log = logging.getLogger(__name__)

EVENT = "activity_report"
PAGE = 200
"""Messages per page of a history: the largest number that Slack recommends."""
MEMBERS_PAGE = 999
"""Members per page: Slack allows fewer than 1,000, so most channels take one call."""
LONGEST_WAIT = 30.0
"""The longest wait for the rate limit in seconds; for longer ones the run is retried later."""
_UPLOAD_SECONDS = 60  # for one file; large exports take some seconds
_MOST_WAITS = 5  # after that the run is retried later


@dataclass(frozen=True, slots=True)
class Conversation:
    """A channel as Slack describes it; `outsiders`: it is shared with another company."""

    id: str
    name: str
    outsiders: bool
    archived: bool
    member: bool
    private: bool = False


@dataclass(frozen=True, slots=True)
class Posted:
    """A posted message: its channel and ts."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class PostedAbout:
    """A posted message of the bot with its key and what it is about, as given to `post`."""

    posted: Posted
    key: str
    about: frozenset[str]


class Posting:
    """Posts with one bot token. `wait` sleeps for seconds, shorter if the process is stopping."""

    def __init__(self, slack: Slack, wait: Callable[[float], object]) -> None:
        self.slack = slack
        self._wait = wait
        self._lookups_allowed_at = 0.0

    def conversation(self, channel: str) -> Conversation:
        """Look up a channel. Raises DeliveryError, without a call while Slack is rate limiting."""
        pause = self._lookups_allowed_at - monotonic()
        if pause > 0:
            raise DeliveryError("ratelimited", permanent=False, retry_after=pause)
        try:
            response = self.slack.call("conversations.info", channel=channel)["channel"]
        except DeliveryError as error:
            self._lookups_allowed_at = monotonic() + error.retry_after
            raise
        return Conversation(
            channel,
            str(response.get("name") or ""),
            bool(response.get("is_ext_shared") or response.get("is_pending_ext_shared")),
            bool(response.get("is_archived")),
            bool(response.get("is_member", True)),
            bool(response.get("is_private")),
        )

    def has_member(self, channel: str, user: str) -> bool:
        """Whether a person (Slack id) is a member of a channel. Raises DeliveryError."""
        cursor = ""
        while True:
            page = {"cursor": cursor} if cursor else {}
            response = self.slack.call(
                "conversations.members", channel=channel, limit=MEMBERS_PAGE, **page
            )
            if user in response["members"]:
                return True
            cursor = str((response.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return False

    def post(
        self,
        target: str,
        message: Message,
        key: str,
        thread: str | None = None,
        about: Sequence[str] = (),
    ) -> Posted:
        """Post once, to a channel or a person, without the chart if Slack rejects it.

        `thread` is the ts of a message to reply to, `about` are short words without spaces by which
        `recent` and `thread` tell what it is about; they are left out if Slack finds them too long.
        Raises DeliveryError; if it is `uncertain`, the message may have been posted.
        """
        try:
            return self._post(target, message, key, thread, about)
        except DeliveryError as error:
            if not about or error.code != "metadata_too_large":
                raise
            return self._post(target, message, key, thread, ())

    def _post(
        self, target: str, message: Message, key: str, thread: str | None, about: Sequence[str]
    ) -> Posted:
        payload = {"key": key, "about": " ".join(about)} if about else {"key": key}
        metadata = {"event_type": EVENT, "event_payload": payload}
        how: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False, "metadata": metadata}
        if thread:
            how["thread_ts"] = thread
        response = attempt(
            message,
            lambda one: self.slack.call("chat.postMessage", channel=target, **content(one), **how),
        )
        return Posted(str(response["channel"]), str(response["ts"]))

    def copies(self, target: str, key: str, since: datetime) -> list[Posted]:
        """The bot's messages with a key in a conversation since a time (UTC), oldest first.

        Raises DeliveryError if the history can't be read.
        """
        return self.keyed(target, since).get(key, [])

    def keyed(self, target: str, since: datetime) -> dict[str, list[Posted]]:
        """All messages of the bot with any key in a conversation, by key. Raises DeliveryError."""
        channel = self._channel(target)
        bot_id = self.slack.identity().bot_id
        found: dict[str, list[Posted]] = {}
        for message in self._history(channel, since):
            if message.get("bot_id") == bot_id and (key := _key(message)):
                found.setdefault(key, []).append(Posted(channel, str(message["ts"])))
        for copies in found.values():
            copies.sort(key=lambda one: float(one.ts))
        return found

    def recent(self, target: str, since: datetime) -> list[PostedAbout]:
        """The bot's messages in a conversation since a time (UTC), oldest first, without replies.

        Raises DeliveryError if the history can't be read.
        """
        channel = self._channel(target)
        found = self._of_bot(channel, self._history(channel, since))
        return sorted(found, key=lambda one: float(one.posted.ts))

    def thread(self, root: Posted) -> list[PostedAbout]:
        """A message of the bot and its replies in the thread, oldest first. Raises
        DeliveryError."""
        found = self._of_bot(root.channel, self._replies(root))
        return sorted(found, key=lambda one: float(one.posted.ts))

    def replied(self, root: Posted, key: str) -> Posted | None:
        """The bot's reply with a key in a message's thread. Raises DeliveryError."""
        bot_id = self.slack.identity().bot_id
        for message in self._replies(root):
            if message.get("bot_id") == bot_id and _key(message) == key:
                return Posted(root.channel, str(message["ts"]))
        return None

    def update(self, posted: Posted, message: Message) -> None:
        """Replace the content of a message of the bot, without the chart if Slack rejects it.

        Raises DeliveryError.
        """
        where = {"channel": posted.channel, "ts": posted.ts}
        attempt(message, lambda one: self._call_patiently("chat.update", **where, **content(one)))

    def delete(self, posted: Posted) -> None:
        """Delete a message of the bot, if it is still there. Raises DeliveryError."""
        try:
            self._call_patiently("chat.delete", channel=posted.channel, ts=posted.ts)
        except DeliveryError as error:
            if error.code != "message_not_found":
                raise

    def reply(self, posted: Posted, words: str) -> None:
        """Post a sentence to a message's thread. Raises DeliveryError."""
        self.slack.post(posted.channel, Message(words, ()), thread_ts=posted.ts)

    def upload(self, path: Path, name: str, words: str) -> str:
        """Upload a file without sharing it yet; returns its id. Raises DeliveryError."""
        data = path.read_bytes()
        response = self._call_patiently(
            "files.getUploadURLExternal", filename=name, length=len(data), alt_txt=words[:1_000]
        )
        address, file = response.get("upload_url"), response.get("file_id")
        if not (isinstance(address, str) and isinstance(file, str)):
            raise DeliveryError("no_upload_url", permanent=False)
        _put(address, data)
        return file

    def share(self, files: Sequence[tuple[str, str]], posted: Posted, words: str) -> None:
        """Share uploaded files (id, title) in a message's thread. Raises DeliveryError."""
        self._call_patiently(
            "files.completeUploadExternal",
            files=json.dumps([{"id": id_, "title": title} for id_, title in files]),
            channel_id=posted.channel,
            thread_ts=posted.ts,
            initial_comment=words,
        )

    def shared(self, file: str) -> bool:
        """Whether an uploaded file was already shared. Raises DeliveryError."""
        try:
            response = self._call_patiently("files.info", file=file)["file"]
        except DeliveryError as error:
            if error.code in {"file_not_found", "file_deleted"}:
                return False
            raise
        return any(response.get(where) for where in ("channels", "groups", "ims", "shares"))

    def person(self, email: str) -> str | None:
        """The Slack id for an e-mail address, or None. Raises DeliveryError."""
        try:
            return str(self._call_patiently("users.lookupByEmail", email=email)["user"]["id"])
        except DeliveryError as error:
            if error.code == "users_not_found":
                return None
            raise

    def _channel(self, target: str) -> str:
        return self.slack.dm(target) if target[:1] in {"U", "W"} else target

    def _history(self, channel: str, since: datetime) -> Iterator[dict[str, Any]]:
        oldest = f"{since.timestamp():.6f}"
        return _pages(
            lambda page: self._call_patiently(
                "conversations.history", channel=channel, oldest=oldest, **page
            )
        )

    def _replies(self, root: Posted) -> Iterator[dict[str, Any]]:
        """A message and its thread."""
        return _pages(
            lambda page: self._call_patiently(
                "conversations.replies", channel=root.channel, ts=root.ts, **page
            )
        )

    def _of_bot(self, channel: str, messages: Iterator[dict[str, Any]]) -> Iterator[PostedAbout]:
        bot_id = self.slack.identity().bot_id
        for message in messages:
            if message.get("bot_id") == bot_id and (key := _key(message)):
                about = frozenset(_payload(message, "about").split())
                yield PostedAbout(Posted(channel, str(message["ts"])), key, about)

    def _call_patiently(self, method: str, **arguments: object) -> Any:  # noqa: ANN401 - Slack's JSON
        """Make an idempotent call, retried when rate limited for at most LONGEST_WAIT."""
        for turn in range(_MOST_WAITS):
            try:
                return self.slack.call(method, **arguments)
            except DeliveryError as error:
                last = turn == _MOST_WAITS - 1
                if not 0 < error.retry_after <= LONGEST_WAIT or last:
                    raise
                self._wait(error.retry_after)
        raise AssertionError("the last iteration returns or raises")


def _pages(ask: Callable[[dict[str, Any]], Any]) -> Iterator[dict[str, Any]]:
    """The messages of all pages of an answer."""
    page: dict[str, Any] = {"limit": PAGE, "include_all_metadata": True}
    while True:
        response = ask(page)
        yield from response.get("messages", [])
        cursor = str((response.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            return
        page = {**page, "cursor": cursor}


def _key(message: dict[str, Any]) -> str:
    return _payload(message, "key")


def _payload(message: dict[str, Any], name: str) -> str:
    metadata = message.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != EVENT:
        return ""
    payload = metadata.get("event_payload")
    return str(payload.get(name, "")) if isinstance(payload, dict) else ""


@cache
def _tls() -> ssl.SSLContext:
    """A TLS context for all uploads of a process, because loading the certificates takes 30 ms."""
    return httpx.create_ssl_context()


def _put(url: str, data: bytes) -> None:
    """The second step of an upload, to the URL from the first step.

    Raises DeliveryError for any failure.
    """
    if not url.startswith(("https://", "http://")):
        raise DeliveryError("no_upload_url", permanent=False)
    headers = {"Content-Type": "application/octet-stream"}
    try:
        # redirects aren't followed, so that figures are only sent to the address that Slack gave
        answer = httpx.post(
            url, content=data, headers=headers, timeout=_UPLOAD_SECONDS, verify=_tls()
        )
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise DeliveryError("upload_failed", permanent=False) from error
    if not answer.is_success:
        raise DeliveryError("upload_failed", permanent=False)
