"""The buttons of schedules and reports, and the dialog that edits one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App

from bot.flows.asking import REFUSED, turn_away
from bot.flows.reporting import Reports
from bot.flows.subscriptions import Subscriptions
from bot.listeners.clicks import foreign
from bot.listeners.work import Work
from bot.slack import Place
from reports.audit import Act
from reports.grammar import CommandError
from reports.grammar_schedule import Standing, parse_schedule
from reports.render.notices import AGAIN, DECLINE_OFFER, RESUME, TAKE_OFFER, THERE
from reports.render.schedules import DELETE, EDIT, EDITOR, NEW, PAUSE, PREVIEW, RUN, WHERE, WORDS

Do = Callable[[Place, str, dict[str, Any]], None]
_NOT_SO = "Those are no words of a schedule; begin with how often: weekly, daily, monthly."


def register(app: App, reports: Reports, subscriptions: Subscriptions, work: Work) -> None:
    """Listen to the buttons. Whoever clicks is judged, not who made the schedule."""
    slack = reports.asking.slack
    acts: dict[str, Do] = {
        PREVIEW: lambda place, id_, _: subscriptions.preview(place, id_),
        RUN: lambda place, id_, body: subscriptions.run_now(place, id_, _mark(body)),
        PAUSE: lambda place, id_, _: subscriptions.pause(place, id_),
        RESUME: lambda place, id_, _: subscriptions.resume(place, id_),
        DELETE: lambda place, id_, _: subscriptions.delete(place, id_),
        AGAIN: lambda place, run, _: subscriptions.send_again(place, _number(run)),
        THERE: lambda place, run, _: subscriptions.is_there(place, _number(run)),
        TAKE_OFFER: lambda place, zone, _: subscriptions.take_offer(place, zone),
        DECLINE_OFFER: lambda place, _zone, _: subscriptions.decline_offer(place),
    }

    def _open(place: Place, id_: str, body: dict[str, Any]) -> None:
        view = subscriptions.editor(place, id_)
        if view is not None:
            slack.call("views.open", trigger_id=str(body.get("trigger_id", "")), view=view)

    acts[EDIT] = _open

    def on_click(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        place = Place(str(body.get("response_url", "")), _user(body))
        act, value = acts[str(action["action_id"])], str(action.get("value", ""))
        if words := foreign(slack.known_identity(), body):
            name = str(action["action_id"])
            work.hand_over(
                place, lambda: turn_away(reports.asking, place, words, Act.CLICKED, name)
            )
        else:
            work.hand_over(place, lambda: act(place, value, body))
        ack()

    def on_submit(ack: Ack, body: dict[str, Any]) -> None:
        place = Place("", _user(body))
        if words := foreign(slack.known_identity(), body):
            note = reports.asking.audit.note
            work.hand_over(place, lambda: note(Act.EDITED, place.user, outcome=REFUSED))
            ack(response_action="errors", errors={WORDS: words})
            return
        view = body.get("view", {})
        typed, channel = _entered(view.get("state", {}).get("values", {}))
        read = parse_schedule(f"schedule {typed}{f' in <#{channel}|>' if channel else ''}")
        if not isinstance(read, Standing):
            ack(response_action="errors", errors={WORDS: _wrong(read)})
            return
        if view.get("callback_id") == NEW:
            work.hand_over(place, lambda: subscriptions.begin(place, read, channel))
        else:
            id_ = str(view.get("private_metadata", ""))
            work.hand_over(place, lambda: subscriptions.edit(place, id_, read, channel))
        ack()

    app.action(re.compile("^(" + "|".join(map(re.escape, acts)) + ")$"))(on_click)
    app.view(EDITOR)(on_submit)
    app.view(NEW)(on_submit)


def _wrong(read: object) -> str:
    if not isinstance(read, CommandError):
        return _NOT_SO
    meant = read.suggestion.removeprefix("schedule ")
    return (read.problem + (f" For example: {meant}" if meant else ""))[:1_000]


def _entered(values: dict[str, Any]) -> tuple[str, str]:
    """The words and the channel that were entered."""
    words = values.get(WORDS, {}).get(WORDS, {}).get("value")
    where = values.get(WHERE, {}).get(WHERE, {})
    return str(words or ""), str(where.get("selected_conversation") or "")


def _user(body: dict[str, Any]) -> str:
    return str(body.get("user", {}).get("id", ""))


def _mark(body: dict[str, Any]) -> str:
    """What tells one click from another, and is the same when Slack sends one twice."""
    actions: list[dict[str, Any]] = body.get("actions") or [{}]
    return str(actions[0].get("action_ts", ""))


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else 0
