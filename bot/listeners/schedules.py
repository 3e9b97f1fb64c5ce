"""Listeners for the buttons of schedules and reports."""

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
    schedule_manager: ScheduleManager,
    work: BackgroundWork,
    form: ScheduleForm,
    homes: Homes,
) -> None:
    """Register the buttons. Permissions are checked for the person who clicks."""
    slack = reports.services.slack
    acts: dict[str, Do] = {
        PREVIEW: lambda reply_to, id_, _: schedule_manager.preview(reply_to, id_),
        RUN: lambda reply_to, id_, body: schedule_manager.run_now(reply_to, id_, _click_id(body)),
        PAUSE: lambda reply_to, id_, _: schedule_manager.pause(reply_to, id_),
        RESUME: lambda reply_to, id_, _: schedule_manager.resume(reply_to, id_),
        DELETE: lambda reply_to, id_, _: schedule_manager.delete(reply_to, id_),
        AGAIN: lambda reply_to, run, _: schedule_manager.send_again(reply_to, _number(run)),
        THERE: lambda reply_to, run, _: schedule_manager.is_there(reply_to, _number(run)),
        STOP: lambda reply_to, run, _: schedule_manager.stop_for_me(reply_to, _number(run)),
        START: lambda reply_to, id_, _: schedule_manager.start_for_me(reply_to, id_),
        TAKE_OFFER: lambda reply_to, zone, _: schedule_manager.take_offer(reply_to, zone),
        DECLINE_OFFER: lambda reply_to, _zone, _: schedule_manager.decline_offer(reply_to),
    }

    def _open(reply_to: ReplyTarget, id_: str, body: dict[str, Any]) -> None:
        form.edit(reply_to, str(body.get("trigger_id", "")), id_)

    acts[EDIT] = _open

    def on_click(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        reply_to = clicks.reply_target(body)
        act, value = acts[str(action["action_id"])], str(action.get("value", ""))
        if refused := foreign(slack.known_identity(), body):
            name = str(action["action_id"])
            work.submit(
                reply_to, lambda: refuse(reports.services, reply_to, refused, Act.CLICKED, name)
            )
        else:
            work.submit(reply_to, lambda: _do(act, reply_to, value, body))
        ack()

    def _do(act: Do, reply_to: ReplyTarget, value: str, body: dict[str, Any]) -> None:
        act(reply_to, value, body)
        if reply_to.home and act is not _open:
            homes.changed(reply_to.user)

    app.action(re.compile("^(" + "|".join(map(re.escape, acts)) + ")$"))(on_click)


def _click_id(body: dict[str, Any]) -> str:
    """The id of a click, equal in Slack's retries."""
    actions: list[dict[str, Any]] = body.get("actions") or [{}]
    return str(actions[0].get("action_ts", ""))


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else 0
