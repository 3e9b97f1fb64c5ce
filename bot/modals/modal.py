"""Opens modals within three seconds, updates them, and shows errors by field."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.access.policy import refusal, unknown_person_text
from bot.services import OutcomeKind, Services, refuse
from bot.slack.types import DeliveryError, ReplyTarget, SlackUser, UnknownPersonError
from reports.admin.audit_log import Act
from reports.block_kit.inputs import Entered, Meta, notice
from reports.wording.safe_text import escape

log = logging.getLogger(__name__)

View = dict[str, Any]
Words = Callable[[SlackUser], str | None]
"""The initial command of a modal for a person; None if the person got a refusal."""
ONE_MOMENT = "One moment …"
TOO_LATE = "Slack timed out before the form could open. Please try again."
NOT_OPENED = "Slack couldn't open the form. Please try again in a moment."
REFUSED_BY_MESSAGE = "This can't be done. I sent you a message that says why."
_DUPLICATE_WINDOW = timedelta(days=2)  # far longer than a modal stays open
_EXPIRED = {"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id", "trigger_expired"}
_VIEW_CHANGED = {"hash_conflict", "not_found"}


@dataclass(frozen=True, slots=True)
class Submission:
    """A modal's id, hash, metadata and values, when it was submitted or an input changed."""

    id: str
    hash: str
    meta: Meta
    entered: Entered

    @staticmethod
    def of(body: Mapping[str, Any]) -> Submission:
        """Parse the payload of a view submission or a block action."""
        view = body.get("view") or {}
        return Submission(
            str(view.get("id", "")),
            str(view.get("hash", "")),
            Meta.of(str(view.get("private_metadata") or "")),
            Entered.of(view.get("state") or {}),
        )


@dataclass(frozen=True, slots=True)
class FieldErrors:
    """Errors by input id; the modal stays open."""

    at: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ShowView:
    """Another view that replaces the modal."""

    view: View


@dataclass(frozen=True, slots=True)
class CloseModal:
    """Done: the modal closes."""


Outcome = FieldErrors | ShowView | CloseModal


def open_modal(
    services: Services,
    reply_to: ReplyTarget,
    trigger: str,
    title: str,
    make: Callable[[SlackUser], View | None],
    act: Act,
) -> None:
    """Open a modal within Slack's three seconds, for a person who may use the bot.

    If the person has to be looked up first, the modal opens empty and is then filled in. `make`
    returns None if it sent the person a refusal. Raises UnknownPersonError if Slack doesn't know
    the person.
    """
    slack = services.slack
    try:
        if slack.knows(reply_to.user):
            view = _view_for(services, reply_to, make, act)
            if view is not None:
                slack.call("views.open", trigger_id=trigger, view=view)
            return
        waiting = notice(title, ONE_MOMENT)
        opened = slack.call("views.open", trigger_id=trigger, view=waiting)["view"]
    except UnknownPersonError:
        raise
    except DeliveryError as problem:
        log.warning("A form could not be opened: %s", problem)
        slack.say(reply_to, TOO_LATE if problem.code in _EXPIRED else NOT_OPENED)
        return
    try:
        view = _view_for(services, reply_to, make, act) or notice(title, REFUSED_BY_MESSAGE)
    except UnknownPersonError as problem:
        view = notice(title, escape(unknown_person_text(problem)))
    change_view(services, Submission(str(opened["id"]), "", Meta(), Entered({})), view)


def _view_for(
    services: Services, reply_to: ReplyTarget, make: Callable[[SlackUser], View | None], act: Act
) -> View | None:
    person = services.slack.person(reply_to.user)
    refused = refusal(person, services.slack.identity(), services.settings)
    if refused is None:
        return make(person)
    refuse(services, reply_to, refused, act)
    return None


def change_view(services: Services, sent: Submission, view: View) -> None:
    """Update a modal, unless it was closed or changed since. Raises other DeliveryErrors."""
    more = {"hash": sent.hash} if sent.hash else {}
    try:
        services.slack.call_patiently("views.update", view_id=sent.id, view=view, **more)
    except DeliveryError as problem:
        if problem.code not in _VIEW_CHANGED:
            raise
        log.info("A modal was closed or changed meanwhile: %s", problem)


def allowed(services: Services, user: str, act: Act, title: str) -> SlackUser | ShowView:
    """The person who submits a modal, or a view with the refusal."""
    person = services.slack.person(user)
    refused = refusal(person, services.slack.identity(), services.settings)
    if refused is None:
        return person
    services.audit.note(act, user, outcome=f"{OutcomeKind.REFUSED}: {refused.text}")
    return ShowView(notice(title, escape(refused.text)))


def once(
    services: Services, sent: Submission, values: object, do: Callable[[], Outcome]
) -> Outcome:
    """Run `do` once, even if a modal is submitted repeatedly with the same values.

    If `do` fails or doesn't close the modal, it may run again.
    """
    digest = hashlib.sha256(repr((sent.id, sent.meta, values)).encode()).hexdigest()[:24]
    key = f"form:{digest}"
    if not services.expiring_keys.claim(key, _DUPLICATE_WINDOW):
        return CloseModal()
    outcome: Outcome | None = None
    try:
        outcome = do()
        return outcome
    finally:
        if not isinstance(outcome, CloseModal):  # it may be submitted again
            services.expiring_keys.release(key)
