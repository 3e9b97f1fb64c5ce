"""Slack's Web API: looks up people, and sends answers, posts and files.

When Slack is rate limiting, answers are sent after the requested delay.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace as changed
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from bot.slack.types import (
    _APP_PROBLEMS,
    DeliveryError,
    Identity,
    MessageLocation,
    ReplyTarget,
    SlackUser,
    UnknownPersonError,
)
from reports.block_kit.elements import context
from reports.block_kit.message import Message, text_message

log = logging.getLogger(__name__)

T = TypeVar("T")

PEOPLE_FOR = 600.0
"""Seconds for which a looked-up person is cached: a change of their role takes effect within ten
minutes, and users.info (a hundred calls a minute) is rarely called."""
MOST_PEOPLE = 10_000
"""The maximum number of cached people, to limit memory; a full cache is emptied."""
_TIMEOUT = 20
"""Seconds for one call, so that an unresponsive Slack doesn't block threads for long."""
LONGEST_WAIT = 180.0
"""The longest that an answer waits for Slack's rate limit, in seconds; after that it is useless."""
_SHORT_WAIT = 10.0
"""The same for lookups before an answer, such as users.info, while the person waits."""
_PACE = 1.0
"""Seconds between queued calls: Slack accepts one message per second and channel."""
_MAX_QUEUES = 1_000
"""Above this number of queues (one per method and channel), expired ones are dropped."""
_IMAGE_CHECK_DELAYS = (0.3, 0.3, 0.5, 1.0, 1.0, 2.0, 2.0, 3.0)
"""Seconds between checks whether an image has been processed, which usually takes one second; each
check is a call of files.info, of which Slack allows a hundred per minute."""
_UNREACHABLE_TARGET = {
    "cannot_dm_bot", "channel_not_found", "is_archived", "not_in_channel", "restricted_action",
    "user_disabled", "user_not_found", "users_not_found",
}  # fmt: skip
_NOT_A_MEMBER = {"not_in_channel", "channel_not_found"}
_BAD_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_payload"}
_GET_METHODS = {
    "conversations.history", "conversations.info", "conversations.members",
    "conversations.replies", "files.info", "users.info", "users.lookupByEmail",
}  # fmt: skip
"""Methods that take their arguments in the URL, not as a JSON body."""
_FORM_METHODS = {"files.completeUploadExternal", "files.getUploadURLExternal"}
"""Methods that take their arguments as a form."""
_INTERNAL_ERRORS = {"fatal_error", "internal_error", "request_timeout", "service_unavailable"}
"""Slack's internal errors, after which the call may have taken effect."""
NO_ANSWER = (URLError, OSError, HTTPException, SlackClientError, ValueError)
"""Exceptions of a call without a readable response."""


class Slack:
    """Calls the Web API with one bot token. Its methods may be called from any thread."""

    def __init__(
        self,
        token: str,
        base_url: str,
        clock: Callable[[], float] = monotonic,
        wait: Callable[[float], object] = sleep,
        timeout: int = _TIMEOUT,
    ) -> None:
        # No automatic retries: a post whose response was lost would be posted twice.
        self.client = WebClient(token=token, base_url=base_url, retry_handlers=[], timeout=timeout)
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._identity: Identity | None = None
        self._people: dict[str, tuple[float, SlackUser]] = {}
        self._date: tuple[float, datetime] | None = None
        self._next_free: dict[str, float] = {}

    def identity(self) -> Identity:
        """The bot's own ids; looked up once. Raises UnknownPersonError."""
        known = self._identity
        if known is None:
            response = self._identify("auth.test")
            known = self._identity = Identity(
                response.get("team_id", ""),
                response.get("bot_id", ""),
                response.get("user_id", ""),
                response.get("team", ""),
                str(response.get("enterprise_id") or ""),
            )
        return known

    def known_identity(self) -> Identity | None:
        """The bot's own ids if already known, for callers that must not wait for Slack."""
        return self._identity

    def person(self, user: str) -> SlackUser:
        """Look up a person; cached for ten minutes. Raises UnknownPersonError."""
        now = self._clock()
        with self._lock:
            cached = self._people.get(user)
        if cached and now - cached[0] < PEOPLE_FOR:
            return cached[1]
        response = self._identify("users.info", user=user).get("user")
        if not isinstance(response, dict):
            raise UnknownPersonError("no_user", permanent=False)
        found = _person(response)
        with self._lock:
            if len(self._people) >= MOST_PEOPLE:
                self._people.clear()
            self._people[user] = now, found
        return found

    def forget(self, user: str) -> None:
        """Drop a person from the cache, because they may have changed."""
        with self._lock:
            self._people.pop(user, None)

    def now(self) -> datetime | None:
        """The time by Slack's clock (UTC); None before the first response."""
        known = self._date
        return known and known[1] + timedelta(seconds=monotonic() - known[0])

    def knows(self, user: str) -> bool:
        """Whether a person is cached, so that `person` needs no call."""
        with self._lock:
            cached = self._people.get(user)
        return cached is not None and self._clock() - cached[0] < PEOPLE_FOR

    def outsiders_read(self, channel: str) -> bool | None:
        """Whether people of other companies can read a channel; None if the lookup fails."""
        try:
            response = self._call_briefly("conversations.info", channel=channel)
            response = _part(response, "channel")
        except DeliveryError as error:
            log.info("Could not look up a channel: %s", error)
            return None
        return bool(response.get("is_ext_shared") or response.get("is_pending_ext_shared"))

    def respond(self, reply_to: ReplyTarget, message: Message, *, replace: bool = False) -> None:
        """Answer a command or a click, without the chart or in a direct message if necessary.

        Raises DeliveryError if the person can't be reached.
        """
        if reply_to.channel and not reply_to.response_url:
            self._answer_in(reply_to, message)
            return
        code = self._use_response_url(reply_to, message, replace=replace)
        if code is not None:
            log.info("A response URL returned %s, sending a direct message instead", code)
            self.direct(reply_to.user, message)

    def _answer_in(self, reply_to: ReplyTarget, message: Message) -> None:
        """Answer in the channel in which the person wrote."""
        thread = {"thread_ts": reply_to.thread} if reply_to.thread else {}
        if reply_to.shared or reply_to.channel.startswith("D"):
            try:
                self.post(reply_to.channel, message, **thread)
            except DeliveryError as error:
                if error.uncertain or reply_to.channel.startswith("D"):
                    raise
                log.info("Cannot post in a channel (%s), sending a direct message instead", error)
                self.direct(reply_to.user, _with_reason(message, reply_to.channel, error.code))
            return
        where = {"channel": reply_to.channel, "user": reply_to.user, **thread}
        try:
            self._sent("chat.postEphemeral", message, reply_to.channel, **where)
        except DeliveryError as error:
            log.info("No ephemeral answer (%s), sending a direct message instead", error)
            self.direct(reply_to.user, _with_reason(message, reply_to.channel, error.code))

    def change(self, reply_to: ReplyTarget, location: MessageLocation, message: Message) -> None:
        """Replace the message that was clicked in, or send a direct message instead.

        Raises DeliveryError if the person can't be reached.
        """
        where = changed(reply_to, shared=not location.hidden)
        code = self._use_response_url(where, message, replace=True)
        if code is None:
            return
        log.info("A response URL returned %s, updating the message by its ts", code)
        if location.hidden or not self._update(location, message):
            self.direct(reply_to.user, message)

    def publish(self, reply_to: ReplyTarget, channel: str, message: Message) -> None:
        """Answer a click visibly for the whole conversation. Raises DeliveryError."""
        where = changed(reply_to, shared=True)
        code = self._use_response_url(where, message, replace=False)
        if code is not None:
            log.info("A response URL returned %s, posting to the channel", code)
            thread = {"thread_ts": reply_to.thread} if reply_to.thread else {}
            self.post(channel, message, **thread)

    def _update(self, location: MessageLocation, message: Message) -> bool:
        """Update a message that is visible to all; returns whether that worked."""
        where = {"channel": location.channel, "ts": location.ts}
        try:
            self._sent("chat.update", message, location.channel, **where)
        except DeliveryError as error:
            log.info("Could not update a message: %s", error)
            return False
        return True

    def say(self, reply_to: ReplyTarget, words: str) -> None:
        """Answer with one sentence (plain text). Raises DeliveryError."""
        self.respond(reply_to, text_message(words))

    def direct(self, user: str, message: Message) -> str:
        """Send a direct message; returns its channel. Raises DeliveryError."""
        channel = self.dm(user)
        self.post(channel, message)
        return channel

    def post(self, channel: str, message: Message, **more: object) -> str:
        """Post to a channel, without the chart if Slack rejects it; returns the message's ts.

        Raises DeliveryError.
        """
        plain = {"unfurl_links": False, "unfurl_media": False}
        response = self._sent(
            "chat.postMessage", message, channel, channel=channel, **plain, **more
        )
        return str(_part(response, "ts"))

    def upload(
        self,
        path: Path,
        name: str,
        words: str,
        channel: str | None = None,
        thread: str | None = None,
    ) -> str:
        """Upload a file, to a channel or unshared; returns its id. Raises DeliveryError."""
        response = self._patiently(
            "files",
            lambda: self._checked(
                lambda: self.client.files_upload_v2(
                    file=str(path),
                    filename=name,
                    title=name,
                    alt_txt=words[:1_000],
                    channel=channel,
                    thread_ts=thread,
                    initial_comment=words if channel else None,
                )
            ),
        )
        files = _part(response, "files")
        if not isinstance(files, list) or not files or not isinstance(files[0], dict):
            raise DeliveryError("no_file", permanent=False)
        return str(_part(files[0], "id"))

    def upload_image(self, path: Path, name: str, words: str) -> str | None:
        """Upload an image for use in a message; returns its id once Slack has processed it.

        None if that takes longer than ten seconds. Raises DeliveryError.
        """
        file = self.upload(path, name, words)
        for pause in _IMAGE_CHECK_DELAYS:
            response = self._patiently("files.info", lambda: self._call("files.info", file=file))
            if _part(response, "file").get("mimetype"):
                return file
            self._wait(pause)
        return None

    def call(self, method: str, **arguments: object) -> Mapping[str, Any]:
        """Make one call of the Web API, without waiting or retrying. Raises DeliveryError."""
        return self._call(method, **arguments)

    def call_patiently(self, method: str, **arguments: object) -> Mapping[str, Any]:
        """Make one call of the Web API, retried when rate limited. Raises DeliveryError."""
        return self._patiently(method, lambda: self._call(method, **arguments))

    def dm(self, user: str) -> str:
        """The channel id of a person's direct messages. Raises DeliveryError."""
        response = self.call_patiently("conversations.open", users=user)
        return str(_part(_part(response, "channel"), "id"))

    def _use_response_url(
        self, reply_to: ReplyTarget, message: Message, *, replace: bool
    ) -> str | None:
        """Post to a response URL; returns the error's code, or None if it was accepted."""
        hook = WebhookClient(reply_to.response_url, timeout=_TIMEOUT, retry_handlers=[])
        body: dict[str, Any] = {
            "response_type": "in_channel" if reply_to.shared else "ephemeral",
            "replace_original": replace,
            **({"thread_ts": reply_to.thread} if reply_to.thread else {}),
            "unfurl_links": False,
            "unfurl_media": False,
        }

        def use(one: Message) -> None:
            response = hook.send_dict(body | content(one))
            code = _code(response.body)
            if code in _BAD_BLOCKS:
                log.warning("Slack rejected the blocks of an answer: %s", code)
            if response.status_code != HTTPStatus.OK or code is not None:
                raise DeliveryError(code or str(response.status_code), permanent=False)

        try:
            attempt(message, use)
        except NO_ANSWER as error:
            return type(error).__name__
        except DeliveryError as error:
            return error.code
        return None

    def _note_date(self, headers: Mapping[str, str]) -> None:
        date = next((value for name, value in headers.items() if name.lower() == "date"), "")
        with suppress(TypeError, ValueError):
            self._date = monotonic(), parsedate_to_datetime(date)

    def _identify(self, method: str, **arguments: object) -> Mapping[str, Any]:
        try:
            return self._call_briefly(method, **arguments)
        except DeliveryError as error:
            code, words = error.code, str(error)
            raise UnknownPersonError(code, permanent=error.permanent, words=words) from error

    def _sent(
        self, method: str, message: Message, to: str, **arguments: object
    ) -> Mapping[str, Any]:
        """Send a message when the rate limit allows it, in a simpler form if Slack rejects it."""
        return attempt(
            message,
            lambda one: self._patiently(
                f"{method} {to}", lambda: self._call(method, **arguments, **content(one))
            ),
        )

    def _call_briefly(self, method: str, **arguments: object) -> Mapping[str, Any]:
        """Make a call before an answer, waiting only briefly for the rate limit."""
        return self._patiently(method, lambda: self._call(method, **arguments), _SHORT_WAIT)

    def _patiently(
        self, queue: str, call: Callable[[], Mapping[str, Any]], longest: float = LONGEST_WAIT
    ) -> Mapping[str, Any]:
        """Make a call, and retry it when rate limited. Calls of one queue wait for each other.

        Raises DeliveryError, also if the total wait would exceed `longest` seconds or the process
        is stopping.
        """
        pause, waited = self._reserve(queue, 0.0), 0.0
        while True:
            waited += pause
            ended = pause > 0 and waited <= longest and self._wait(pause)
            try:
                return call()
            except DeliveryError as error:
                pause = self._reserve(queue, error.retry_after) if error.retry_after else 0.0
                if ended or not error.retry_after or waited + pause > longest:
                    raise
                log.info(
                    "Slack is rate limiting %s, waiting %.1f s", queue.split(maxsplit=1)[0], pause
                )

    def _reserve(self, queue: str, least: float) -> float:
        """Seconds until a call may be made, `least` or more; 0 if no call is queued."""
        with self._lock:
            now = self._clock()
            free = self._next_free.get(queue, now)
            if least <= 0 and free <= now:
                return 0.0
            at = max(now + least, free)
            if len(self._next_free) >= _MAX_QUEUES:
                self._next_free = {
                    name: until for name, until in self._next_free.items() if until > now
                }
            self._next_free[queue] = at + _PACE
            return at - now

    def _call(self, method: str, **arguments: object) -> Mapping[str, Any]:
        if method in _GET_METHODS:
            return self._checked(
                lambda: self.client.api_call(method, http_verb="GET", params=arguments)
            )
        if method in _FORM_METHODS:
            return self._checked(lambda: self.client.api_call(method, params=arguments))
        return self._checked(lambda: self.client.api_call(method, json=arguments))

    def _checked(self, call: Callable[[], SlackResponse]) -> Mapping[str, Any]:
        try:
            response = call()
        except NO_ANSWER as error:
            failed = delivery_error(error)
            if isinstance(error, SlackApiError) and failed.code in _BAD_BLOCKS:
                log.warning("Slack rejected the blocks: %s", _pointers(error))
            raise failed from error
        self._note_date(response.headers)
        data = response.data
        if not isinstance(data, dict):
            raise DeliveryError("no_json", permanent=False, uncertain=True)
        return data


def _with_reason(message: Message, channel: str, code: str) -> Message:
    """An answer for a direct message, with the reason why it isn't in the channel."""
    invite = (
        " Invite me there (`/invite`) to get answers in the channel."
        if code in _NOT_A_MEMBER
        else ""
    )
    why = f"I can't post in <#{channel}>, so here is your answer.{invite}"
    return Message(f"{why}\n{message.text}", (context(why), *message.blocks))


def _part(response: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - Slack's JSON
    """A field of a response. Raises DeliveryError if it is missing."""
    part = response.get(name)
    if part is None:
        raise DeliveryError(f"no_{name}", permanent=False, uncertain=True)
    return part


def attempt(message: Message, say: Callable[[Message], T]) -> T:
    """Send a message with `say`; if its blocks are rejected, without its chart, then as text only.

    Raises the DeliveryError of `say`.
    """
    for one in (message, message.without_chart()):
        try:
            return say(one)
        except DeliveryError as error:
            if error.code not in _BAD_BLOCKS:
                raise
    return say(Message(message.text, ()))


def content(message: Message) -> dict[str, Any]:
    """The content of a message as arguments of a Web API call."""
    return {"text": message.text, "blocks": list(message.blocks)}


def delivery_error(error: Exception) -> DeliveryError:
    """An exception of a call as a DeliveryError, by Slack's code or the exception's name."""
    if isinstance(error, SlackApiError):
        # a response that isn't JSON is a plain dict with only a status
        response: Any = error.response
        status = response.get("status") if isinstance(response, dict) else response.status_code
        code = str(response.get("error") or f"HTTP {status}")
        # slack-sdk puts a response that isn't JSON into the error text
        unclear = code in _INTERNAL_ERRORS or not code.replace("_", "").isalnum()
        return DeliveryError(
            code,
            permanent=code in _APP_PROBLEMS | _UNREACHABLE_TARGET,
            uncertain=unclear or not isinstance(status, int) or status >= 500,
            retry_after=_retry_after(response) if status == 429 else 0,
        )
    code = type(error).__name__
    words = f"no answer from Slack ({code})"
    return DeliveryError(code, permanent=False, words=words, uncertain=True)


def _person(user: Mapping[str, Any]) -> SlackUser:
    profile = user.get("profile")
    email = profile.get("email") if isinstance(profile, dict) else None
    grid = user.get("enterprise_user")
    grid = grid if isinstance(grid, dict) else {}
    teams = grid.get("teams")
    return SlackUser(
        id=str(user.get("id", "")),
        team_id=str(user.get("team_id", "")),
        email=str(email) if email else None,
        zone=str(user["tz"]) if user.get("tz") else None,
        bot=bool(user.get("is_bot")) or user.get("id") == "USLACKBOT",
        deleted=bool(user.get("deleted")),
        guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        stranger=bool(user.get("is_stranger")),
        admin=bool(user.get("is_admin") or user.get("is_owner")),
        enterprise_id=str(grid.get("enterprise_id") or ""),
        teams=frozenset(map(str, teams)) if isinstance(teams, list) else frozenset(),
        name=_name(user),
    )


def _name(user: Mapping[str, Any]) -> str:
    """The display name of a Slack user, else their real name or handle."""
    profile = user.get("profile")
    shown = profile.get("display_name") if isinstance(profile, dict) else ""
    return str(shown or user.get("real_name") or user.get("name") or "")


def _retry_after(response: Any) -> float:  # noqa: ANN401 - slack-sdk's answer, or a plain dict
    """The `Retry-After` of a 429 response in seconds, 1 if missing."""
    headers = (response.get("headers") if isinstance(response, dict) else response.headers) or {}
    header = {str(name).lower(): str(value) for name, value in headers.items()}.get("retry-after")
    is_valid = header is not None and header.isascii() and header.isdigit() and len(header) < 6
    return float(header) if header and is_valid else 1


def _code(body: str) -> str | None:
    """The error code in a response URL's response (JSON or plain text); None if it was ok."""
    if body.strip() in {"ok", ""}:
        return None
    try:
        response = json.loads(body)
    except ValueError:
        return body.strip()[:60]
    if isinstance(response, dict) and not response.get("ok"):
        return str(response.get("error", "no_ok"))[:60]
    return None


def _pointers(error: SlackApiError) -> list[str]:
    """Slack's messages about rejected blocks: JSON pointers, which contain no figures."""
    metadata = error.response.get("response_metadata") or {}
    return [str(words)[:200] for words in metadata.get("messages", [])][:5]
