"""The buttons of schedules and reports."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App

from bot.home.home import Homes
from bot.listeners import clicks
from bot.listeners.background import BackgroundWork
from bot.listeners.clicks import foreign
from bot.schedules.deliver import ReportServices
from bot.schedules.form import ScheduleForm
from bot.schedules.manage import ScheduleManager
from bot.services import refuse
from bot.slack.types import ReplyTarget
from reports.admin.audit_log import Act
from reports.schedules.slack.cards import DELETE, EDIT, PAUSE, PREVIEW, RUN
from reports.schedules.slack.message import START, STOP
from reports.schedules.slack.notices import AGAIN, DECLINE_OFFER, RESUME, TAKE_OFFER, THERE

Do = Callable[[ReplyTarget, str, dict[str, Any]], None]


def register(
    app: App,
    reports: ReportServices,
    subscriptions: ScheduleManager,
    work: BackgroundWork,
    form: ScheduleForm,
    homes: Homes,
) -> None:
    """Listen to the buttons. Permissions are checked for the person who clicks."""
    slack = reports.services.slack
    acts: dict[str, Do] = {
        PREVIEW: lambda place, id_, _: subscriptions.preview(place, id_),
        RUN: lambda place, id_, body: subscriptions.run_now(place, id_, _mark(body)),
        PAUSE: lambda place, id_, _: subscriptions.pause(place, id_),
        RESUME: lambda place, id_, _: subscriptions.resume(place, id_),
        DELETE: lambda place, id_, _: subscriptions.delete(place, id_),
        AGAIN: lambda place, run, _: subscriptions.send_again(place, _number(run)),
        THERE: lambda place, run, _: subscriptions.is_there(place, _number(run)),
        STOP: lambda place, run, _: subscriptions.stop_for_me(place, _number(run)),
        START: lambda place, id_, _: subscriptions.start_for_me(place, id_),
        TAKE_OFFER: lambda place, zone, _: subscriptions.take_offer(place, zone),
        DECLINE_OFFER: lambda place, _zone, _: subscriptions.decline_offer(place),
    }

    def _open(place: ReplyTarget, id_: str, body: dict[str, Any]) -> None:
        form.edit(place, str(body.get("trigger_id", "")), id_)

    acts[EDIT] = _open

    def on_click(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        place = clicks.place(body)
        act, value = acts[str(action["action_id"])], str(action.get("value", ""))
        if refused := foreign(slack.known_identity(), body):
            name = str(action["action_id"])
            work.submit(place, lambda: refuse(reports.services, place, refused, Act.CLICKED, name))
        else:
            work.submit(place, lambda: _do(act, place, value, body))
        ack()

    def _do(act: Do, place: ReplyTarget, value: str, body: dict[str, Any]) -> None:
        act(place, value, body)
        if place.home and act is not _open:
            homes.changed(place.user)

    app.action(re.compile("^(" + "|".join(map(re.escape, acts)) + ")$"))(on_click)


def _mark(body: dict[str, Any]) -> str:
    """Identifies a click; the same when Slack sends it twice."""
    actions: list[dict[str, Any]] = body.get("actions") or [{}]
    return str(actions[0].get("action_ts", ""))


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else 0
