"""Listeners for the menus and buttons under an answer, apart from exports."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from slack_bolt import Ack, App

from bot.access.policy import Refusal
from bot.alerts.form import AlertForm
from bot.answers.answer_state import TOO_OLD, AnswerState
from bot.listeners import clicks
from bot.listeners.background import BackgroundWork
from bot.listeners.clicks import Clicks, SharedClicks
from bot.questions import share
from bot.questions.follow_up import FollowUpClick, follow
from bot.schedules.form import ScheduleForm
from bot.services import Services, refuse
from bot.slack.types import MessageLocation, ReplyTarget
from reports.admin.audit_log import Act
from reports.questions.follow_up import Choice, FollowUpAction
from reports.questions.slack.controls import ALERT, SCHEDULE, SHARE

Do = Callable[[ReplyTarget, MessageLocation, AnswerState, dict[str, Any]], None]


def register(
    app: App, services: Services, work: BackgroundWork, schedule: ScheduleForm, alert: AlertForm
) -> None:
    """Register the controls. Permissions are checked for the person who clicks."""
    latest = Clicks(shared=services.expiring_keys.shared)
    shared = SharedClicks(services)

    def on_choice(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        reply_to, location = clicks.reply_target(body), clicks.message_location(body)
        selected = action.get("selected_option") or {}
        choice = Choice(FollowUpAction(str(action["action_id"])), str(selected.get("value", "")))
        state = str(action.get("block_id", ""))
        if refused := clicks.foreign(services.slack.known_identity(), body):
            work.submit(reply_to, lambda: refuse(services, reply_to, refused, Act.ASKED))
        elif not clicks.has_block(body, state):
            work.submit(reply_to, lambda: refuse(services, reply_to, Refusal(TOO_OLD), Act.ASKED))
        elif selected and not latest.is_repeated(
            reply_to.user, location, f"{state} {choice}", action
        ):
            late = latest.superseded_check(location, action)

            @contextmanager
            def delivering() -> Iterator[bool]:
                with latest.delivering(location), shared.delivering(location):
                    yield not (late() or shared.is_superseded(location, action))

            click = FollowUpClick(
                location,
                state,
                choice,
                delivering,
                separate=clicks.in_report(body),
            )

            once = shared.once(
                reply_to, location, f"{state} {choice}", action,
                lambda: follow(services, reply_to, click), changes=True,
            )  # fmt: skip
            work.submit(reply_to, once, repeatable=True)
        ack()

    def open_schedule(
        reply_to: ReplyTarget, location: MessageLocation, what: AnswerState, body: dict[str, Any]
    ) -> None:
        words = partial(share.schedule_words, services, reply_to, location, what)
        channel = location.channel if location.channel[:1] in {"C", "G"} else ""
        schedule.new(reply_to, str(body.get("trigger_id", "")), words, channel)

    def open_alert(
        reply_to: ReplyTarget, location: MessageLocation, what: AnswerState, body: dict[str, Any]
    ) -> None:
        words = partial(share.alert_words, services, reply_to, location, what)
        alert.new(reply_to, str(body.get("trigger_id", "")), words)

    does: dict[str, tuple[Act, Do]] = {
        SHARE: (
            Act.SHARED,
            lambda reply_to, at, what, _: share.share(services, reply_to, at, what),
        ),
        SCHEDULE: (Act.SCHEDULED, open_schedule),
        ALERT: (Act.ALERTED, open_alert),
    }

    def on_button(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        reply_to, location = clicks.reply_target(body), clicks.message_location(body)
        act, do = does[str(action["action_id"])]
        value = str(action.get("value", ""))
        what = AnswerState.of_value(value)
        if refused := clicks.foreign(services.slack.known_identity(), body):
            work.submit(reply_to, lambda: refuse(services, reply_to, refused, act))
        elif what is None:
            work.submit(reply_to, lambda: services.slack.say(reply_to, TOO_OLD))
        elif not latest.is_repeated(
            reply_to.user, location, f"{action['action_id']} {value}", action
        ):
            press = partial(do, reply_to, location, what, body)
            once = shared.once(reply_to, location, f"{act} {value}", action, press)
            work.submit(reply_to, once, repeatable=True)
        ack()

    app.action(_one_of(FollowUpAction))(on_choice)
    app.action(_one_of(does))(on_button)


def _one_of(names: Iterable[str]) -> re.Pattern[str]:
    known = map(str, names)
    return re.compile("^(" + "|".join(map(re.escape, known)) + ")$")
