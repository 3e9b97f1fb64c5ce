"""The message of an answer, with its controls and the state that they carry."""

from __future__ import annotations

import logging
from dataclasses import replace

from bot.access.policy import OUTSIDERS, UNSEEN
from bot.answers import visibility
from bot.answers.answer_state import AnswerState, state_of
from bot.answers.file_worker import RenderError
from bot.answers.group_ids import group_id
from bot.answers.visibility import Asker
from bot.answers.write_file import Format, Job
from bot.services import Services
from bot.slack.types import DeliveryError
from bot.store.usage.directory import Directory
from reports.analysis.document import AnalysisDocument
from reports.analysis.slack.message import analysis_message
from reports.block_kit.message import Message
from reports.natural.continuation import dated
from reports.questions.grammar import QuestionCommand, parse
from reports.questions.query import QueryKind
from reports.questions.slack.answer import answer as answer_message
from reports.questions.slack.controls import Controls
from reports.questions.summary import Summary
from reports.usage.dimensions import Dimension, Filter, Metric

log = logging.getLogger(__name__)


def answer_with_controls(
    services: Services,
    found: Summary | AnalysisDocument,
    what: AnswerState,
    asker: Asker,
    *,
    private: bool,
    image: str = "",
) -> Message:
    """An answer with its controls; `private`: only visible to one person."""
    if isinstance(found, AnalysisDocument):
        return analysis_message(
            found,
            services.settings.command,
            controls=controls(services, found, what, asker, private=private),
            image=image,
        )
    return answer_message(
        found,
        services.settings.command,
        controls=controls(services, found, what, asker, private=private),
        image=image,
    )


def controls(
    services: Services,
    found: Summary | AnalysisDocument,
    what: AnswerState,
    asker: Asker,
    *,
    private: bool,
) -> Controls:
    """The controls under an answer."""
    directory, by = services.store.directory(), found.query.by
    inside: dict[str, str] = {}
    if by:
        labels = visibility.labels(directory, asker)
        wanted = _group_labels(found)
        inside = {
            labels[member.id]: group_id(member)
            for member in directory.of[by]
            if labels.get(member.id) in wanted
        }
    return Controls(
        state_of(services, what),
        what.value(),
        inside,
        private=private,
        own_only=asker.own_only,
        why=_why(found, what),
    )


def _why(found: Summary | AnalysisDocument, what: AnswerState) -> str:
    """The question that explains the change shown in an answer; empty if it shows none.

    It stays about the same days, whenever it is asked: the answer may be a report of last week.
    """
    if isinstance(found, AnalysisDocument) or found.query.live:
        return ""
    metric = found.query.metric or Metric.SPEND
    part = found.metrics[metric]
    read = parse(what.words)
    if part.previous in {None, part.sum} or not isinstance(read, QuestionCommand):
        return ""
    asked = replace(read.query, kind=QueryKind.WHY, metric=metric, files=(), share=False)
    return dated(asked, what.at, what.zone).words()


def _group_labels(found: Summary | AnalysisDocument) -> set[str]:
    if isinstance(found, AnalysisDocument):
        return set(found.groups)
    return {group.label for part in found.metrics.values() for group in part.groups}


def group_name(directory: Directory, asker: Asker, dimension: Dimension, id_: str) -> str | None:
    """A name by which a filter matches exactly this group; None if the group no longer exists."""
    seen = visibility.visible(directory, dimension, asker)
    members = (member for member in directory.of[dimension] if member.id in seen)
    found = next((member for member in members if group_id(member) == id_), None)
    if found is None:
        return None
    label, only_this = visibility.labels(directory, asker)[found.id], frozenset({found.id})
    # e-mail addresses are unique; display names may be anything, even `me`
    person = dimension is Dimension.CREATOR
    names = (found.detail, label) if person else (label, found.name, found.detail)
    return next(
        (
            name
            for name in names
            if name and visibility.find(directory, Filter(dimension, name), asker) == only_this
        ),
        label,
    )


def why_private(services: Services, channel: str) -> str:
    """The sentence why an answer may not be posted in a channel; "" if it may."""
    match services.slack.outsiders_read(channel):
        case True:
            return OUTSIDERS
        case None:
            return UNSEEN
    return ""


def needs_uploaded_chart(found: Summary | AnalysisDocument, *, shared: bool) -> bool:
    """Whether to upload the chart of an answer: if it is shared and has one.

    Answers for one person use Slack's native chart.
    """
    charted = found.charted if isinstance(found, AnalysisDocument) else not found.empty
    return shared and charted


def upload_chart(services: Services, asker: Asker, what: AnswerState) -> str:
    """Upload the chart; Slack's file id, or "" on failure (the native chart stays then)."""
    if asker.email and what.user:  # the asker is mentioned in filters by their Slack id
        people = (*asker.people, (f"<@{what.user}>", asker.email))
        asker = replace(asker, people=tuple(dict.fromkeys(people)))
    job = Job(what.words, what.at, what.zone, Format.PNG, asker, services.settings.command)
    try:
        with services.renderer.file(job) as path:
            return services.slack.upload_image(path, "chart.png", "Chart") or ""
    except (RenderError, DeliveryError) as problem:
        log.warning("Could not upload a chart: %s", problem)
        return ""
