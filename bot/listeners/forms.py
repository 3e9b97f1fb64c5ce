"""Listeners for modals: changed inputs and submissions."""

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
WAIT_SECONDS = 1.5
"""Seconds to wait for the result of a submission; Slack reports an error after three."""
_AFTER_ACK = 0.5  # seconds, so that the update arrives after the acknowledgement


class ModalHandler(Protocol):
    """Handles a modal."""

    def update(self, user: str, sent: Submission) -> None:
        """Update the modal after an input was changed."""

    def submit(self, user: str, sent: Submission) -> Outcome:
        """Process a submission: close the modal, show errors, or show another view."""


def register(
    app: App, services: Services, work: BackgroundWork, forms: Mapping[str, ModalHandler]
) -> None:
    """Register modals by callback id; the ids of their inputs start with `form_`."""

    def on_change(ack: Ack, body: dict[str, Any]) -> None:
        view = body.get("view") or {}
        form = forms.get(str(view.get("callback_id", "")))
        reply_to = clicks.reply_target(body)
        if form and not foreign(services.slack.known_identity(), body):
            sent = Submission.of(body)
            # Slack refuses an update for an earlier state of a modal
            work.submit(reply_to, lambda: form.update(reply_to.user, sent), repeatable=True)
        ack()

    def on_submit(ack: Ack, body: dict[str, Any]) -> None:
        view = body.get("view") or {}
        reply_to = ReplyTarget("", str(body.get("user", {}).get("id", "")))
        title = str((view.get("title") or {}).get("text") or "Activity")
        if foreign(services.slack.known_identity(), body):
            work.submit(
                reply_to, lambda: refuse(services, reply_to, Refusal(FOREIGN), Act.CLICKED, title)
            )
            ack(response_action="update", view=notice(title, FOREIGN))
            return
        form, sent = forms[str(view["callback_id"])], Submission.of(body)

        def late(outcome: Outcome) -> None:
            sleep(_AFTER_ACK)  # the acknowledgement's view must not overwrite this one
            change_view(services, _without_hash(sent), _late_view(title, outcome))

        failed: Outcome = ShowView(notice(title, FAILED))
        job = partial(form.submit, reply_to.user, sent)
        outcome = work.wait_for(reply_to, job, failed, WAIT_SECONDS, late)
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


def _without_hash(sent: Submission) -> Submission:
    return Submission(sent.id, "", sent.meta, sent.entered)


def _late_view(title: str, outcome: Outcome) -> View:
    """The view for an outcome that came too late for the acknowledgement."""
    match outcome:
        case FieldErrors(at):
            return notice(title, f"Not saved. {' '.join(at.values())}")
        case ShowView(shown):
            return shown
        case CloseModal():
            return notice(title, "Done.")
