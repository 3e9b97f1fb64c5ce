"""Handles the menus under an answer: the changed question is answered in place.

Permissions are checked for the person who chooses. Only the owner of an answer can change it in
place; anybody else gets a new answer that only they can see.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from bot.access.policy import clicks_stay_private
from bot.analysis.registry import answer_any
from bot.answers.answer_message import (
    answer_with_controls,
    group_name,
    needs_uploaded_chart,
    upload_chart,
    why_private,
)
from bot.answers.answer_state import TOO_OLD, AnswerState, answer_state, of_state, store_last
from bot.answers.export import why_not_visible
from bot.runtime import priority
from bot.services import Services, admit, asker_of, zone_for
from bot.slack.types import MessageLocation, ReplyTarget, SlackUser
from reports.admin.audit_log import DONE, Act
from reports.block_kit.message import mrkdwn_message
from reports.questions.follow_up import (
    OUT,
    Choice,
    FollowUpAction,
    chosen,
    fits,
    inside,
    without_filter,
)
from reports.questions.grammar import LONGEST, CommandError, QuestionCommand, parse
from reports.questions.query import WITHOUT_PERIOD, Query
from reports.questions.slack.answer import error
from reports.questions.wording import DIMENSION_WORDS
from reports.usage.dimensions import Dimension

GONE = "That {} no longer exists, or you can't see it."
ONLY_YOU = "You can only see your own usage, so this filter stays."
TOO_LONG = f"That question would be too long; the limit is {LONGEST} characters."
NO_SENSE = "This answer has expired. Ask again, then use the menus of the new answer."


@dataclass(frozen=True, slots=True)
class FollowUpClick:
    """A choice in an answer's menu: where the answer is, and its state.

    The answer is delivered inside `delivering`, which blocks other deliveries in the same message,
    and yields whether this is still the newest choice. `separate` says that the answer must not be
    replaced, because it is a scheduled report.
    """

    spot: MessageLocation
    state: str
    choice: Choice
    delivering: Callable[[], AbstractContextManager[bool]]
    separate: bool = False


def follow(services: Services, reply_to: ReplyTarget, click: FollowUpClick) -> None:
    """Answer the question as changed by a choice."""
    what = of_state(services, click.state)
    parsed = parse(what.words) if what else None
    if what is None or not isinstance(parsed, QuestionCommand):
        services.slack.say(reply_to, TOO_OLD)
        return
    person = admit(services, reply_to, Act.ASKED, what.words, where=click.spot.channel)
    if person is None:
        return
    query = _followed(services, person, what, parsed.query, click.choice)
    if isinstance(query, str):
        services.slack.say(reply_to, query)
        return
    outcome = _answer(services, reply_to, click, what, query, person)
    services.metrics.asks.labels("followed").inc()
    services.audit.note(
        Act.ASKED, person.id, query.words(), where=click.spot.channel, outcome=outcome,
        email=person.email,
    )  # fmt: skip


def _followed(
    services: Services, person: SlackUser, what: AnswerState, query: Query, choice: Choice
) -> Query | str:
    """The question after a choice, or a sentence that says why that change isn't possible."""
    asker = asker_of(services, person, query)
    theirs = person.id == what.user
    if choice.follow is FollowUpAction.INSIDE and not choice.value.startswith(OUT):
        if query.by is None:
            return NO_SENSE
        name = group_name(services.store.directory(), asker, query.by, choice.value)
        if name is None:
            return GONE.format(DIMENSION_WORDS[query.by])
        changed: Query | None = inside(query, name)
    else:
        if asker.own_only and theirs and _leaves_out_creator(query, choice):
            return ONLY_YOU
        changed = chosen(query, choice)
    if changed is None:
        return NO_SENSE
    if asker.own_only and not theirs:
        # somebody else's answer becomes a question about the person who makes the choice
        others = (one for one in changed.filters if one.dimension is not Dimension.CREATOR)
        changed = replace(changed, filters=tuple(others))
    return changed if fits(changed) else TOO_LONG


def _leaves_out_creator(query: Query, choice: Choice) -> bool:
    """Whether a choice would remove the filter on the creator."""
    left = without_filter(query, choice.value) if choice.follow is FollowUpAction.INSIDE else None
    creators = [one for one in query.filters if one.dimension is Dimension.CREATOR]
    return left is not None and any(one not in left.filters for one in creators)


def _answer(
    services: Services,
    reply_to: ReplyTarget,
    click: FollowUpClick,
    what: AnswerState,
    query: Query,
    person: SlackUser,
) -> str:
    """Answer in place, or privately; returns the outcome for the audit log."""
    location, asker = click.spot, asker_of(services, person, query)
    if wrong := why_not_visible(services, query, asker):
        services.slack.respond(reply_to, mrkdwn_message(wrong))
        return "refused: not their own usage"
    at = services.clock() if click.choice.renews else what.at
    about_now = query.kind in WITHOUT_PERIOD
    zone = zone_for(services, person, query) if about_now else what.zone
    with priority.compute_slot():
        found = answer_any(
            services.store, query, at, zone, asker, whole=False, traces=services.traces
        )
    if isinstance(found, CommandError):
        services.slack.respond(reply_to, error(found, services.settings.command))
        return "misunderstood"
    now_shown = answer_state(query, at, zone, asker, person.id)
    public = not location.hidden and not location.direct
    here = not click.separate and (not public or _may_change(services, location, what, person))
    file = (
        upload_chart(services, asker, now_shown)
        if needs_uploaded_chart(found, shared=public and here)
        else ""
    )
    private = not location.direct and not (public and here)
    with priority.compute_slot():
        message = answer_with_controls(
            services, found, now_shown, asker, private=private, image=file
        )
    with click.delivering() as is_newest:
        if not is_newest:
            return "followed up again"
        if here:
            services.slack.change(reply_to, location, message)
        else:
            services.slack.respond(reply_to, message)
    if here:
        if not location.hidden:
            store_last(services, location.channel, reply_to.thread or location.ts, now_shown)
        if location.direct and not location.hidden and not reply_to.thread:
            store_last(services, location.channel, "", now_shown)
    return DONE


def _may_change(
    services: Services, location: MessageLocation, what: AnswerState, person: SlackUser
) -> bool:
    """Whether a person's choice may change an answer that others also see."""
    theirs = person.id == what.user and not clicks_stay_private(services.settings)
    return theirs and not why_private(services, location.channel)
