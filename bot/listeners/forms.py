"""Modals: what opens them, what is changed in them, and what comes back from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from time import sleep
from typing import Any, Protocol

from slack_bolt import Ack, App

from bot.access.policy import FOREIGN, Refusal
from bot.listeners import clicks
from bot.listeners.background import BackgroundWork
from bot.listeners.clicks import foreign
from bot.modals.modal import (
    ONE_MOMENT,
    CloseModal,
    FieldErrors,
    Outcome,
    ShowView,
    Submission,
    View,
    change_view,
)
from bot.services import Services, refuse
from bot.slack.types import ReplyTarget
from reports.admin.audit_log import Act
from reports.block_kit.inputs import notice

FAILED = "Something went wrong. I sent you a message about it."
PATIENCE = 1.5
"""Seconds that a submission is waited for; Slack waits for three, and then says that it failed."""
_AFTER_ACK = 0.5


class ModalHandler(Protocol):
    """A modal's street."""

    def look(self, user: str, sent: Submission) -> None:
        """Draw it anew after something in it was changed."""

    def submit(self, user: str, sent: Submission) -> Outcome:
        """Do what it asks for, or say what is wrong."""


def register(
    app: App, services: Services, work: BackgroundWork, forms: Mapping[str, ModalHandler]
) -> None:
    """Listen to modals, by their callback ids; their inputs' ids begin with `form_`."""

    def on_change(ack: Ack, body: dict[str, Any]) -> None:
        view = body.get("view") or {}
        form = forms.get(str(view.get("callback_id", "")))
        place = clicks.place(body)
        if form and not foreign(services.slack.known_identity(), body):
            sent = Submission.of(body)
            work.submit(place, lambda: form.look(place.user, sent))
        ack()

    def on_submit(ack: Ack, body: dict[str, Any]) -> None:
        view = body.get("view") or {}
        place = ReplyTarget("", str(body.get("user", {}).get("id", "")))
        title = str((view.get("title") or {}).get("text") or "Activity")
        if foreign(services.slack.known_identity(), body):
            work.submit(
                place, lambda: refuse(services, place, Refusal(FOREIGN), Act.CLICKED, title)
            )
            ack(response_action="update", view=notice(title, FOREIGN))
            return
        form, sent = forms[str(view["callback_id"])], Submission.of(body)

        def late(outcome: Outcome) -> None:
            sleep(_AFTER_ACK)  # what is acknowledged must not come after what was done
            change_view(services, _unhashed(sent), _afterwards(title, outcome))

        failed: Outcome = ShowView(notice(title, FAILED))
        job = partial(form.submit, place.user, sent)
        outcome = work.wait_for(place, job, failed, PATIENCE, late)
        match outcome:
            case FieldErrors(at):
                ack(response_action="errors", errors=dict(at))
            case ShowView(shown):
                ack(response_action="update", view=shown)
            case CloseModal():
                ack()
            case None:
                ack(response_action="update", view=notice(title, ONE_MOMENT))

    app.action(re.compile("^form_"))(on_change)
    for callback in forms:
        app.view(callback)(on_submit)


def _unhashed(sent: Submission) -> Submission:
    return Submission(sent.id, "", sent.meta, sent.entered)


def _afterwards(title: str, outcome: Outcome) -> View:
    """What a modal says where its acknowledgement could not wait for the outcome."""
    match outcome:
        case FieldErrors(at):
            return notice(title, f"Not saved. {' '.join(at.values())}")
        case ShowView(shown):
            return shown
        case CloseModal():
            return notice(title, "Done.")
