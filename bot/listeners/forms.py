"""Modals: what opens them, what is changed in them, and what comes back from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from time import sleep
from typing import Any, Protocol

from slack_bolt import Ack, App

from bot.access.policy import FOREIGN
from bot.listeners import clicks
from bot.listeners.background import Work
from bot.listeners.clicks import foreign
from bot.modals.modal import ONE_MOMENT, Done, Errors, Outcome, Sent, Show, View, change_view
from bot.services import Asking, turn_away
from bot.slack.client import Place
from reports.admin.audit_log import Act
from reports.block_kit.inputs import notice

FAILED = "Something went wrong. I sent you a message about it."
PATIENCE = 1.5
"""Seconds that a submission is waited for; Slack waits for three, and then says that it failed."""
_AFTER_ACK = 0.5


class Form(Protocol):
    """A modal's street."""

    def look(self, user: str, sent: Sent) -> None:
        """Draw it anew after something in it was changed."""

    def submit(self, user: str, sent: Sent) -> Outcome:
        """Do what it asks for, or say what is wrong."""


def register(app: App, asking: Asking, work: Work, forms: Mapping[str, Form]) -> None:
    """Listen to modals, by their callback ids; their inputs' ids begin with `form_`."""

    def on_change(ack: Ack, body: dict[str, Any]) -> None:
        view = body.get("view") or {}
        form = forms.get(str(view.get("callback_id", "")))
        place = clicks.place(body)
        if form and not foreign(asking.slack.known_identity(), body):
            sent = Sent.of(body)
            work.hand_over(place, lambda: form.look(place.user, sent))
        ack()

    def on_submit(ack: Ack, body: dict[str, Any]) -> None:
        view = body.get("view") or {}
        place = Place("", str(body.get("user", {}).get("id", "")))
        title = str((view.get("title") or {}).get("text") or "Activity")
        if foreign(asking.slack.known_identity(), body):
            work.hand_over(place, lambda: turn_away(asking, place, FOREIGN, Act.CLICKED, title))
            ack(response_action="update", view=notice(title, FOREIGN))
            return
        form, sent = forms[str(view["callback_id"])], Sent.of(body)

        def late(outcome: Outcome) -> None:
            sleep(_AFTER_ACK)  # what is acknowledged must not come after what was done
            change_view(asking, _unhashed(sent), _afterwards(title, outcome))

        failed: Outcome = Show(notice(title, FAILED))
        job = partial(form.submit, place.user, sent)
        outcome = work.wait_for(place, job, failed, PATIENCE, late)
        match outcome:
            case Errors(at):
                ack(response_action="errors", errors=dict(at))
            case Show(shown):
                ack(response_action="update", view=shown)
            case Done():
                ack()
            case None:
                ack(response_action="update", view=notice(title, ONE_MOMENT))

    app.action(re.compile("^form_"))(on_change)
    for callback in forms:
        app.view(callback)(on_submit)


def _unhashed(sent: Sent) -> Sent:
    return Sent(sent.id, "", sent.meta, sent.entered)


def _afterwards(title: str, outcome: Outcome) -> View:
    """What a modal says where its acknowledgement could not wait for the outcome."""
    match outcome:
        case Errors(at):
            return notice(title, f"Not saved. {' '.join(at.values())}")
        case Show(shown):
            return shown
        case Done():
            return notice(title, "Done.")
