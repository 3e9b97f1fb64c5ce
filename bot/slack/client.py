"""Calls of Slack's Web API: look up people, and deliver answers to them.

After `ratelimited`, answers are sent once the time that Slack asks to wait has passed.
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
    _APP_IS_OUT,
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
"""Cached people, a bound on memory; a full cache is emptied."""
_TIMEOUT = 20
"""Seconds for one call, so that a Slack that does not answer holds no thread for long."""
LONGEST_WAIT = 180.0
"""Seconds that an answer waits for Slack's rate limit at most; later it is of no use."""
_SHORT_WAIT = 10.0
"""The same for lookups before an answer, such as users.info: the person is waiting."""
_PACE = 1.0
"""Seconds between queued calls: Slack accepts one message a second per channel."""
_MOST_LINES = 1_000
"""Queues (a method and channel each) above which expired ones are dropped."""
_PICTURE_PAUSES = (0.3, 0.3, 0.5, 1.0, 1.0, 2.0, 2.0, 3.0)
"""Seconds between looks at whether a picture is processed: usually one, and each look is a call
of files.info, of which Slack allows a hundred a minute."""
_TARGET_IS_OUT = {
    "cannot_dm_bot", "channel_not_found", "is_archived", "not_in_channel", "restricted_action",
    "user_disabled", "user_not_found", "users_not_found",
}  # fmt: skip
_OUT = {"not_in_channel", "channel_not_found"}
_BAD_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_payload"}
_READING = {
    "conversations.history", "conversations.info", "conversations.members",
    "conversations.replies", "files.info", "users.info", "users.lookupByEmail",
}  # fmt: skip
"""Methods that take their arguments in the URL, not as a JSON body."""
_FORMS = {"files.completeUploadExternal", "files.getUploadURLExternal"}
"""Methods that take their arguments as a form."""
_HALF_DONE = {"fatal_error", "internal_error", "request_timeout", "service_unavailable"}
"""Slack's own failures, after which the call may have been carried out in part."""
NO_ANSWER = (URLError, OSError, HTTPException, SlackClientError, ValueError)
"""What a call raises when it gets no answer, or one that cannot be read."""


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
        # No handler may resend by itself: a post whose answer was lost would be posted twice.
        self.client = WebClient(token=token, base_url=base_url, retry_handlers=[], timeout=timeout)
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._identity: Identity | None = None
        self._people: dict[str, tuple[float, SlackUser]] = {}
        self._date: tuple[float, datetime] | None = None
        self._free: dict[str, float] = {}

    def identity(self) -> Identity:
        """The bot's own ids; looked up once. Raises UnknownPersonError."""
        known = self._identity
        if known is None:
            said = self._ask_who("auth.test")
            known = self._identity = Identity(
                said.get("team_id", ""),
                said.get("bot_id", ""),
                said.get("user_id", ""),
                said.get("team", ""),
                str(said.get("enterprise_id") or ""),
            )
        return known

    def known_identity(self) -> Identity | None:
        """The bot's own ids if already known, for callers that must not wait for Slack."""
        return self._identity

    def person(self, user: str) -> SlackUser:
        """Look up a person; cached for ten minutes. Raises UnknownPersonError."""
        now = self._clock()
        with self._lock:
            kept = self._people.get(user)
        if kept and now - kept[0] < PEOPLE_FOR:
            return kept[1]
        said = self._ask_who("users.info", user=user).get("user")
        if not isinstance(said, dict):
            raise UnknownPersonError("no_user", permanent=False)
        found = _person(said)
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
        """The time by Slack's clock (UTC); None before its first answer."""
        known = self._date
        return known and known[1] + timedelta(seconds=monotonic() - known[0])

    def knows(self, user: str) -> bool:
        """Whether a person is cached, so that `person` needs no call."""
        with self._lock:
            kept = self._people.get(user)
        return kept is not None and self._clock() - kept[0] < PEOPLE_FOR

    def outsiders_read(self, channel: str) -> bool | None:
        """Whether people of other companies can read a channel; None if the lookup fails."""
        try:
            said = self._asked("conversations.info", channel=channel)
            said = _part(said, "channel")
        except DeliveryError as error:
            log.info("Cannot look up a channel: %s", error)
            return None
        return bool(said.get("is_ext_shared") or said.get("is_pending_ext_shared"))

    def respond(self, place: ReplyTarget, message: Message, *, replace: bool = False) -> None:
        """Answer a command or a click, if need be without the chart or in a direct message.

        Raises DeliveryError where the person cannot be reached at all.
        """
        if place.channel and not place.response_url:
            self._answer_in(place, message)
            return
        code = self._use_response_url(place, message, replace=replace)
        if code is not None:
            log.info("A response URL answered %s, sending a direct message instead", code)
            self.direct(place.user, message)

    def _answer_in(self, place: ReplyTarget, message: Message) -> None:
        """Answer in the channel in which the person wrote."""
        thread = {"thread_ts": place.thread} if place.thread else {}
        if place.shared or place.channel.startswith("D"):
            try:
                self.post(place.channel, message, **thread)
            except DeliveryError as error:
                if error.uncertain or place.channel.startswith("D"):
                    raise
                log.info("Cannot post in a channel (%s), sending a direct message instead", error)
                self.direct(place.user, _elsewhere(message, place.channel, error.code))
            return
        where = {"channel": place.channel, "user": place.user, **thread}
        try:
            self._sent("chat.postEphemeral", message, place.channel, **where)
        except DeliveryError as error:
            log.info("No ephemeral answer (%s), sending a direct message instead", error)
            self.direct(place.user, _elsewhere(message, place.channel, error.code))

    def change(self, place: ReplyTarget, spot: MessageLocation, message: Message) -> None:
        """Replace a message of the bot that was clicked in, or send a direct message instead.

        Raises DeliveryError where the person cannot be reached at all.
        """
        where = changed(place, shared=not spot.hidden)
        code = self._use_response_url(where, message, replace=True)
        if code is None:
            return
        log.info("A response URL answered %s, updating the message by its ts", code)
        if spot.hidden or not self._update(spot, message):
            self.direct(place.user, message)

    def publish(self, place: ReplyTarget, channel: str, message: Message) -> None:
        """Answer a click for everybody in its conversation. Raises DeliveryError."""
        where = changed(place, shared=True)
        code = self._use_response_url(where, message, replace=False)
        if code is not None:
            log.info("A response URL answered %s, posting to the channel", code)
            thread = {"thread_ts": place.thread} if place.thread else {}
            self.post(channel, message, **thread)

    def _update(self, spot: MessageLocation, message: Message) -> bool:
        """Update a message that everybody sees; whether that worked."""
        where = {"channel": spot.channel, "ts": spot.ts}
        try:
            self._sent("chat.update", message, spot.channel, **where)
        except DeliveryError as error:
            log.info("Cannot update a message: %s", error)
            return False
        return True

    def say(self, place: ReplyTarget, words: str) -> None:
        """Answer with one sentence (plain text). Raises DeliveryError."""
        self.respond(place, text_message(words))

    def direct(self, user: str, message: Message) -> str:
        """Send a direct message; returns its channel. Raises DeliveryError."""
        channel = self.dm(user)
        self.post(channel, message)
        return channel

    def post(self, channel: str, message: Message, **more: object) -> str:
        """Post to a channel, without the chart where that is refused. Returns the message's ts."""
        plain = {"unfurl_links": False, "unfurl_media": False}
        said = self._sent("chat.postMessage", message, channel, channel=channel, **plain, **more)
        return str(_part(said, "ts"))

    def upload(
        self,
        path: Path,
        name: str,
        words: str,
        channel: str | None = None,
        thread: str | None = None,
    ) -> str:
        """Upload a file, to a channel or unshared; returns its id. Raises DeliveryError."""
        said = self._patiently(
            "files",
            lambda: self._guarded(
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
        files = _part(said, "files")
        if not isinstance(files, list) or not files or not isinstance(files[0], dict):
            raise DeliveryError("no_file", permanent=False)
        return str(_part(files[0], "id"))

    def upload_picture(self, path: Path, name: str, words: str) -> str | None:
        """Upload a picture to show inside a message; its id once Slack has processed it.

        None where that takes longer than ten seconds. Raises DeliveryError.
        """
        file = self.upload(path, name, words)
        for pause in _PICTURE_PAUSES:
            said = self._patiently("files.info", lambda: self._call("files.info", file=file))
            if _part(said, "file").get("mimetype"):
                return file
            self._wait(pause)
        return None

    def call(self, method: str, **arguments: object) -> Mapping[str, Any]:
        """One call of the Web API, without waiting or retrying. Raises DeliveryError."""
        return self._call(method, **arguments)

    def call_patiently(self, method: str, **arguments: object) -> Mapping[str, Any]:
        """One call of the Web API, made again when Slack allows it. Raises DeliveryError."""
        return self._patiently(method, lambda: self._call(method, **arguments))

    def dm(self, user: str) -> str:
        """The channel id of a person's direct messages. Raises DeliveryError."""
        said = self.call_patiently("conversations.open", users=user)
        return str(_part(_part(said, "channel"), "id"))

    def _use_response_url(
        self, place: ReplyTarget, message: Message, *, replace: bool
    ) -> str | None:
        """Post to a response URL; the error's code, or None if it was accepted."""
        hook = WebhookClient(place.response_url, timeout=_TIMEOUT, retry_handlers=[])
        body: dict[str, Any] = {
            "response_type": "in_channel" if place.shared else "ephemeral",
            "replace_original": replace,
            **({"thread_ts": place.thread} if place.thread else {}),
            "unfurl_links": False,
            "unfurl_media": False,
        }

        def use(one: Message) -> None:
            said = hook.send_dict(body | content(one))
            code = _code(said.body)
            if code in _BAD_BLOCKS:
                log.warning("Slack refused the blocks of an answer: %s", code)
            if said.status_code != HTTPStatus.OK or code is not None:
                raise DeliveryError(code or str(said.status_code), permanent=False)

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

    def _ask_who(self, method: str, **arguments: object) -> Mapping[str, Any]:
        try:
            return self._asked(method, **arguments)
        except DeliveryError as error:
            raise UnknownPersonError(error.code, permanent=error.permanent) from error

    def _sent(
        self, method: str, message: Message, to: str, **arguments: object
    ) -> Mapping[str, Any]:
        """Send a message to a channel once Slack takes it, if need be in a simpler form."""
        return attempt(
            message,
            lambda one: self._patiently(
                f"{method} {to}", lambda: self._call(method, **arguments, **content(one))
            ),
        )

    def _asked(self, method: str, **arguments: object) -> Mapping[str, Any]:
        """Ask Slack something on the way to an answer: with a little patience."""
        return self._patiently(method, lambda: self._call(method, **arguments), _SHORT_WAIT)

    def _patiently(
        self, line: str, call: Callable[[], Mapping[str, Any]], longest: float = LONGEST_WAIT
    ) -> Mapping[str, Any]:
        """Make a call, and again where Slack asks to wait. Calls of one line queue up.

        Raises DeliveryError, also where all waits together would be longer than `longest` seconds,
        or the process ends meanwhile.
        """
        pause, waited = self._turn(line, 0.0), 0.0
        while True:
            waited += pause
            ended = pause > 0 and waited <= longest and self._wait(pause)
            try:
                return call()
            except DeliveryError as error:
                pause = self._turn(line, error.retry_after) if error.retry_after else 0.0
                if ended or not error.retry_after or waited + pause > longest:
                    raise
                log.info(
                    "Slack is rate limiting %s, waiting %.1f s", line.split(maxsplit=1)[0], pause
                )

    def _turn(self, line: str, least: float) -> float:
        """Seconds until a call may be made, `least` or more; 0 if no call is queued."""
        with self._lock:
            now = self._clock()
            free = self._free.get(line, now)
            if least <= 0 and free <= now:
                return 0.0
            at = max(now + least, free)
            if len(self._free) >= _MOST_LINES:
                self._free = {name: until for name, until in self._free.items() if until > now}
            self._free[line] = at + _PACE
            return at - now

    def _call(self, method: str, **arguments: object) -> Mapping[str, Any]:
        if method in _READING:
            return self._guarded(
                lambda: self.client.api_call(method, http_verb="GET", params=arguments)
            )
        if method in _FORMS:
            return self._guarded(lambda: self.client.api_call(method, params=arguments))
        return self._guarded(lambda: self.client.api_call(method, json=arguments))

    def _guarded(self, call: Callable[[], SlackResponse]) -> Mapping[str, Any]:
        try:
            said = call()
        except NO_ANSWER as error:
            failed = delivery_error(error)
            if isinstance(error, SlackApiError) and failed.code in _BAD_BLOCKS:
                log.warning("Slack refused the blocks: %s", _pointers(error))
            raise failed from error
        self._note_date(said.headers)
        data = said.data
        if not isinstance(data, dict):
            raise DeliveryError("no_json", permanent=False, uncertain=True)
        return data


def _elsewhere(message: Message, channel: str, code: str) -> Message:
    """An answer that goes to the person's direct messages, with why it is not in the channel."""
    invite = " Invite me there (`/invite`) to get answers in the channel." if code in _OUT else ""
    why = f"I can't post in <#{channel}>, so here is your answer.{invite}"
    return Message(f"{why}\n{message.text}", (context(why), *message.blocks))


def _part(said: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - Slack's JSON
    """A part of an answer. Raises DeliveryError where it is not there."""
    part = said.get(name)
    if part is None:
        raise DeliveryError(f"no_{name}", permanent=False, uncertain=True)
    return part


def attempt(message: Message, say: Callable[[Message], T]) -> T:
    """Send a message by `say`; without its chart, then as text only, if its blocks are refused.

    Raises DeliveryError as `say` does.
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
        # an answer that is no JSON comes as a plain dict, with nothing but its status to name
        said: Any = error.response
        status = said.get("status") if isinstance(said, dict) else said.status_code
        code = str(said.get("error") or f"HTTP {status}")
        # slack-sdk puts an answer that is no JSON into the error, in words of its own
        unclear = code in _HALF_DONE or not code.replace("_", "").isalnum()
        return DeliveryError(
            code,
            permanent=code in _APP_IS_OUT | _TARGET_IS_OUT,
            uncertain=unclear or not isinstance(status, int) or status >= 500,
            retry_after=_retry_after(said) if status == 429 else 0,
        )
    return DeliveryError(type(error).__name__, permanent=False, uncertain=True)


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


def _retry_after(said: Any) -> float:  # noqa: ANN401 - slack-sdk's answer, or a plain dict
    """The seconds that a 429 asks to wait; 1 where it does not say."""
    headers = (said.get("headers") if isinstance(said, dict) else said.headers) or {}
    asked = {str(name).lower(): str(value) for name, value in headers.items()}.get("retry-after")
    plain = asked is not None and asked.isascii() and asked.isdigit() and len(asked) < 6
    return float(asked) if asked and plain else 1


def _code(body: str) -> str | None:
    """The error code in a response URL's answer (JSON or plain text); None if it is ok."""
    if body.strip() in {"ok", ""}:
        return None
    try:
        said = json.loads(body)
    except ValueError:
        return body.strip()[:60]
    if isinstance(said, dict) and not said.get("ok"):
        return str(said.get("error", "no_ok"))[:60]
    return None


def _pointers(error: SlackApiError) -> list[str]:
    """Slack's messages on refused blocks: JSON pointers without any figures."""
    metadata = error.response.get("response_metadata") or {}
    return [str(words)[:200] for words in metadata.get("messages", [])][:5]
