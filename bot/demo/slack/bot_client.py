"""An HTTP client for the bot: sends it what people do in the local Slack, as Slack would."""

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.demo.slack import payloads
from bot.demo.slack.payloads import Choice
from bot.demo.slack.responses import Hook
from bot.demo.slack.signing import HONEST, Ack, Forge, Sender
from bot.demo.slack.views import visible
from bot.demo.slack.workspace import Channel, Json, SlackError, User, new_secret

if TYPE_CHECKING:
    from bot.demo.slack.server import LocalSlack

_VERIFICATION = "local-verification"
_CHANNEL_NAMES = {"private": "privategroup", "im": "directmessage"}


class BotClient:
    """Sends the bot what people do; ``url`` is the full address of its ``/slack/events``."""

    def __init__(self, url: str, signing_secret: str, slack: "LocalSlack") -> None:
        self.sender = Sender(url, signing_secret)
        self.slack = slack

    def command(
        self,
        user: str,
        channel: str,
        text: str = "",
        *,
        command: str = "/activity",
        forge: Forge = HONEST,
    ) -> Ack:
        """Send a slash command; mentions in the text are escaped as in Slack."""
        who, where = self.slack.user(user), self.slack.channel(channel)
        typed = f"{command} {text}".rstrip()
        fields = {
            "token": _VERIFICATION,
            "team_id": forge.team_id or self.slack.team_id,
            "team_domain": self.slack.workspace.team_domain,
            "channel_id": where.id,
            "channel_name": _CHANNEL_NAMES.get(where.kind, where.name),
            "user_id": who.id,
            "user_name": who.name,
            "command": command,
            "text": text,
            "api_app_id": self.slack.app_id,
            "is_enterprise_install": "false",
            **(
                {"enterprise_id": grid, "enterprise_name": "Grid"}
                if (grid := self._grid(forge))
                else {}
            ),
            "response_url": self._response_url(who, where, None, typed),
            "trigger_id": self.slack.modals.issue_trigger(who.id),
        }
        ack = self.sender.form(fields, forge)
        hook = Hook(who.id, where, None, typed, self.slack.workspace.clock())
        return self._answered(ack, hook)

    def click(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        choice: Choice = None,
        *,
        block_id: str | None = None,
        values: dict[str, Choice] | None = None,
        forge: Forge = HONEST,
    ) -> Ack:
        """Click a button, or choose from a menu, in a stored message.

        ``values`` are what was chosen in the message before, by action id.
        """
        who, where = self.slack.user(user), self.slack.channel(channel)
        with self.slack.workspace.lock:
            message = self.slack.chat.find(where.id, ts)
            hidden = message.get("_user")
            if hidden not in (None, who.id):
                raise LookupError("this person does not see that message")
            blocks = message.get("blocks", [])
            payload = self._acted(who, blocks, (action_id, block_id), choice, forge)
            container = {"type": "message", "message_ts": ts, "channel_id": where.id}
            payload |= {
                "container": {**container, "is_ephemeral": hidden is not None},
                "channel": {"id": where.id, "name": _CHANNEL_NAMES.get(where.kind, where.name)},
                "state": payloads.state(blocks, {**(values or {}), **_made(action_id, choice)}),
                "response_url": self._response_url(who, where, message),
            }
            if not hidden:
                shown = {k: v for k, v in message.items() if not k.startswith("_")}
                payload["message"] = shown
            body = json.dumps(payload)
        return self.sender.form({"payload": body}, forge)

    def click_in_view(
        self,
        user: str,
        action_id: str,
        choice: Choice = None,
        *,
        view_id: str | None = None,
        block_id: str | None = None,
        values: dict[str, Choice] | None = None,
        forge: Forge = HONEST,
    ) -> Ack:
        """Click or choose in the person's App Home, or in the modal with ``view_id``."""
        who = self.slack.user(user)
        view = self._view(view_id) if view_id else self.slack.modals.homes[who.id]
        payload = self._acted(who, view["blocks"], (action_id, block_id), choice, forge)
        state = payloads.state(view["blocks"], {**(values or {}), **_made(action_id, choice)})
        payload |= {"container": {"type": "view", "view_id": view["id"]}}
        payload["view"] = {**visible(view), "state": state}
        return self.sender.form({"payload": json.dumps(payload)}, forge)

    def submit(
        self,
        user: str,
        view_id: str,
        values: dict[str, Choice] | None = None,
        *,
        forge: Forge = HONEST,
    ) -> Ack:
        """Submit a modal with these values by action id; others stay initial."""
        who, view = self.slack.user(user), self._view(view_id)
        given = values or {}
        for action_id in given:
            payloads.find(view["blocks"], action_id)
        state = payloads.state(view["blocks"], given)
        payload = self._payload("view_submission", who, forge)
        payload |= {"view": {**visible(view), "state": state}, "response_urls": []}
        payload["trigger_id"] = self.slack.modals.issue_trigger(who.id)
        ack = self.sender.form({"payload": json.dumps(payload)}, forge)
        return self._submitted(ack, who, view)

    def close(self, user: str, view_id: str, *, forge: Forge = HONEST) -> Ack | None:
        """Close a modal; the bot gets a request only if it asked for one."""
        who, view = self.slack.user(user), self._view(view_id)
        self.slack.modals.take_away(who.id)
        if not view["notify_on_close"]:
            return None
        payload = self._payload("view_closed", who, forge)
        payload |= {"view": visible(view), "is_cleared": False}
        return self.sender.form({"payload": json.dumps(payload)}, forge)

    def home_opened(self, user: str, *, forge: Forge = HONEST) -> Ack:
        """Open the person's App Home."""
        who = self.slack.user(user)
        event = {"type": "app_home_opened", "user": who.id, "tab": "home"}
        event["channel"] = self.slack.workspace.open_im(who.id).id
        view = self.slack.home(user)
        return self.event({**event, **({"view": view} if view else {})}, forge=forge)

    def shortcut(self, user: str, callback_id: str, *, forge: Forge = HONEST) -> Ack:
        """Choose a global shortcut, as from the lightning bolt or the search bar."""
        who = self.slack.user(user)
        payload = self._payload("shortcut", who, forge)
        payload |= {"callback_id": callback_id, "action_ts": self.slack.workspace.new_ts()}
        payload["trigger_id"] = self.slack.modals.issue_trigger(who.id)
        return self.sender.form({"payload": json.dumps(payload)}, forge)

    def mention(
        self, user: str, channel: str, text: str, *, thread: str = "", forge: Forge = HONEST
    ) -> Ack:
        """Mention the bot in a channel, or in a thread there."""
        words = f"<@{self.slack.bot_user_id}> {text}"
        return self._said(user, self.slack.channel(channel), words, "app_mention", thread, forge)

    def message(self, user: str, text: str, *, thread: str = "", forge: Forge = HONEST) -> Ack:
        """Write to the bot in a direct message."""
        return self._said(user, self.slack.im(user), text, "message", thread, forge)

    def say(self, user: str, channel: str, text: str, *, thread: str = "") -> Ack | None:
        """Write a message anywhere; the bot gets an event only for a mention or a DM."""
        where = self.slack.channel(channel)
        if where.kind == "im":
            return self.message(user, text, thread=thread)
        named = re.search(rf"<@{self.slack.bot_user_id}(\|[^>]*)?>", text)
        if named and self.slack.bot_user_id in where.members:
            return self._said(user, where, text, "app_mention", thread, HONEST)
        self.slack.chat.post_as_user(where, self.slack.user(user).id, text, thread)
        return None

    def _said(
        self, user: str, channel: Channel, text: str, kind: str, thread: str, forge: Forge
    ) -> Ack:
        who = self.slack.user(user)
        said = self.slack.chat.post_as_user(channel, who.id, text, thread)
        event = {**said, "type": kind, "event_ts": said["ts"], "client_msg_id": new_secret()}
        if kind == "message":
            event["channel_type"] = "im"
        return self.event(event, forge=forge)

    def event(
        self,
        event: Json,
        *,
        event_id: str | None = None,
        retry: int = 0,
        forge: Forge = HONEST,
    ) -> Ack:
        """Send an event; Slack repeats it with the same ``event_id`` and ``retry`` 1 to 3."""
        team_id = forge.team_id or self.slack.team_id
        grid = self._grid(forge) or None
        authorization = {"enterprise_id": grid, "team_id": team_id, "is_bot": True}
        authorization |= {"user_id": self.slack.bot_user_id, "is_enterprise_install": False}
        body = {
            "token": _VERIFICATION,
            "team_id": team_id,
            "enterprise_id": grid,
            "context_team_id": team_id,
            "context_enterprise_id": grid,
            "api_app_id": self.slack.app_id,
            "event": {"event_ts": self.slack.workspace.new_ts(), **event},
            "type": "event_callback",
            "event_id": event_id or self.slack.workspace.new_id("Ev"),
            "event_time": int(self.slack.workspace.clock().timestamp()),
            "authorizations": [authorization],
            "is_ext_shared_channel": False,
            "event_context": f"4-{new_secret(8)}",
        }
        retried = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        headers = {"Content-Type": "application/json", **(retried if retry else {})}
        return self.sender.send(json.dumps(body).encode(), headers, forge)

    def ssl_check(self) -> Ack:
        """Send Slack's check that the endpoint is reachable, which has no other content."""
        return self.sender.form({"token": _VERIFICATION, "ssl_check": "1"})

    def url_verification(self, challenge: str) -> Ack:
        """Send the request that Slack sends when the URL is entered; the answer is the
        challenge."""
        body = {"token": _VERIFICATION, "challenge": challenge, "type": "url_verification"}
        return self.sender.send(json.dumps(body).encode(), {"Content-Type": "application/json"})

    def replay(self, ack: Ack) -> Ack:
        """Send the bytes and headers of an earlier request again."""
        return self.sender.post(*ack.sent)

    def _grid(self, forge: Forge) -> str:
        """The Enterprise Grid organization that a request names."""
        return forge.enterprise_id or self.slack.workspace.enterprise_id

    def _payload(self, kind: str, who: User, forge: Forge) -> Json:
        team_id = forge.team_id or self.slack.team_id
        user = {"id": who.id, "username": who.name, "name": who.name}
        user["team_id"] = forge.team_id or who.team_id
        grid = self._grid(forge)
        return {
            "enterprise": {"id": grid, "name": "Grid"} if grid else None,
            "type": kind,
            "user": user,
            "api_app_id": self.slack.app_id,
            "token": _VERIFICATION,
            "team": {"id": team_id, "domain": self.slack.workspace.team_domain},
            "is_enterprise_install": False,
        }

    def _acted(
        self,
        who: User,
        blocks: list[Json],
        on: tuple[str, str | None],
        choice: Choice,
        forge: Forge,
    ) -> Json:
        block, element = payloads.find(blocks, *on)
        action = payloads.action(block, element, choice, self.slack.workspace.new_ts())
        trigger_id = self.slack.modals.issue_trigger(who.id)
        payload = self._payload("block_actions", who, forge)
        return {**payload, "trigger_id": trigger_id, "actions": [action]}

    def _view(self, view_id: str) -> Json:
        return self.slack.modals.by_id[view_id]

    def _response_url(
        self, who: User, where: Channel, message: Json | None, typed: str = ""
    ) -> str:
        return self.slack.url + self.slack.hooks.issue(who.id, where, message, typed)

    def _answered(self, ack: Ack, hook: Hook) -> Ack:
        """Apply the body of an acknowledgement as an answer, like Slack."""
        if ack.status != 200 or not ack.body.strip():
            return ack
        try:
            payload = json.loads(ack.body)
        except ValueError:
            payload = {"text": ack.body}
        try:
            with self.slack.workspace.lock:
                self.slack.hooks.answer(hook, payload)
        except SlackError as refused:
            return replace(ack, error=refused.error)
        return ack

    def _submitted(self, ack: Ack, who: User, view: Json) -> Ack:
        """Close the modal, or apply the ``response_action`` of the acknowledgement."""
        if not ack.ok:
            return ack
        answer = json.loads(ack.body) if ack.body.strip() else {}
        modals = self.slack.modals
        try:
            with self.slack.workspace.lock:
                match answer.get("response_action"):
                    case "errors":
                        self._mark(view, answer.get("errors", {}))
                    case "update":
                        self._show(modals.replace(view, answer.get("view")))
                    case "push":
                        self._show(modals.put_on_top(who.id, answer.get("view"), over=True))
                    case "clear":
                        modals.take_away(who.id, everything=True)
                    case _:
                        modals.take_away(who.id)
        except SlackError as refused:
            return replace(ack, error=refused.error)
        return ack

    def _mark(self, view: Json, errors: Json) -> None:
        inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
        if not errors or not set(errors) <= inputs:
            raise SlackError("invalid_errors")
        view["_errors"] = errors
        self._show(view)

    def _show(self, view: Json) -> None:
        self.slack.workspace.changed("view", view)


def _made(action_id: str, choice: Choice) -> dict[str, Choice]:
    return {} if choice is None else {action_id: choice}
