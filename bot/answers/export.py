"""Exports: from a button, or `csv` or `pdf` in a question, to a file in Slack."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.access.policy import ask_admins
from bot.analysis.registry import answer_any
from bot.answers import visibility
from bot.answers.answer_state import TOO_OLD, AnswerState
from bot.answers.file_worker import RenderError
from bot.answers.visibility import Asker
from bot.answers.write_file import Format, Job, file_name
from bot.services import REFUSED, Services, admit, asker_of
from bot.slack.types import DeliveryError, ReplyTarget
from reports.admin.audit_log import DONE, Act
from reports.analysis.document import AnalysisDocument
from reports.analysis.slack.message import analysis_message, analysis_text
from reports.block_kit.message import Message, mrkdwn_message, text_message
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import Query
from reports.questions.slack.answer import figures
from reports.questions.wording import title
from reports.wording.safe_text import clean, escape

log = logging.getLogger(__name__)

SLOW_SECONDS = 2.0
"""After this time a person wonders whether anything happens."""
ONLY_YOURS = " It contains only your own usage."
_REFUSED = {
    "file_uploads_disabled": "Your workspace doesn't allow apps to upload files.",
    "storage_limit_reached": "Your workspace's file storage is full.",
    "file_too_large": "The file is too large for Slack. Try a shorter period.",
    "missing_scope": "The app can't upload files: it lacks the scope files:write.",
}
_NOT_THERE = {"not_in_channel", "channel_not_found", "is_archived", "restricted_action"}


@dataclass(frozen=True, slots=True)
class Where:
    """The conversation of the question; `shared` if everybody there can see the answer."""

    channel: str
    shared: bool
    thread: str | None = None


def export(
    services: Services, reply_to: ReplyTarget, where: Where, what: AnswerState, format_: Format
) -> None:
    """Create a file, upload it, and say where it is."""
    asked = f"{what.words} {format_}"
    person = admit(services, reply_to, Act.EXPORTED, asked, where=where.channel)
    if person is None:
        return
    parsed = parse(what.words)
    if not isinstance(parsed, QuestionCommand):
        services.slack.say(reply_to, TOO_OLD)
        return
    asker = asker_of(services, person, parsed.query)
    job = Job(what.words, what.at, what.zone, format_, asker, services.settings.command)
    outcome = _export(services, reply_to, where, parsed.query, job)
    services.audit.note(
        Act.EXPORTED, person.id, asked, where=where.channel, outcome=outcome, email=person.email
    )


def _export(services: Services, reply_to: ReplyTarget, where: Where, query: Query, job: Job) -> str:
    """Export after the permission check; returns the outcome for the audit log."""
    if reason := why_not_visible(services, query, job.asker):
        services.slack.respond(reply_to, mrkdwn_message(reason))
        return f"{REFUSED}: not their own usage"
    name = file_name(query, job.at, job.zone, job.format)
    try:
        with _notice_if_slow(services, reply_to, job.format), services.renderer.file(job) as path:
            where_it_is = _upload(services, reply_to, where, path, name, clean(title(query), 300))
    except RenderError as error:
        services.slack.say(reply_to, str(error))
        return f"failed: {error}"
    except DeliveryError as error:
        log.warning("A file could not be uploaded: %s", error)
        services.slack.respond(reply_to, _figures_instead(services, query, job, error.code))
        return f"failed: {error.code}"
    services.slack.say(reply_to, where_it_is + (ONLY_YOURS if job.asker.own_only else ""))
    return DONE


def why_not_visible(services: Services, query: Query, asker: Asker) -> str | None:
    """Why a person with limited visibility can't have an answer (mrkdwn); None if they can."""
    directory = services.store.directory()
    narrowed = visibility.narrowed(directory, query, asker)
    if not isinstance(narrowed, CommandError):
        return None
    if not visibility.own(directory, asker):
        return f"{escape(visibility.why_no_usage(asker))} {ask_admins(services.settings)}"
    again = escape(f"{services.settings.command} {narrowed.suggestion}").replace("`", "'")
    return f"This answer shows someone else's usage, and you can only see your own: `{again}`"


def _upload(
    services: Services, reply_to: ReplyTarget, where: Where, path: Path, name: str, words: str
) -> str:
    """Upload a file to the shared answer's conversation, else to a DM; returns where it is."""
    if where.shared:
        try:
            services.slack.upload(path, name, words, where.channel, where.thread)
        except DeliveryError as error:
            if error.code not in _NOT_THERE:
                raise
        else:
            return f"I posted {name} here."
    services.slack.upload(path, name, words, services.slack.dm(reply_to.user))
    invite = (
        " Invite me to this channel to get files of shared answers here." if where.shared else ""
    )
    return f"I sent {name} to your DM.{invite}"


@contextmanager
def _notice_if_slow(services: Services, reply_to: ReplyTarget, format_: Format) -> Iterator[None]:
    """Post a notice if preparing a file takes long."""

    def post_notice() -> None:
        try:
            services.slack.say(reply_to, f"Preparing the {format_.upper()} …")
        except DeliveryError as error:
            log.info("Could not post the preparing notice: %s", error)

    timer = threading.Timer(SLOW_SECONDS, post_notice)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _figures_instead(services: Services, query: Query, job: Job, code: str) -> Message:
    """Why there is no file, with the main figures as text."""
    why = _REFUSED.get(code, f"Slack didn't accept the file ({code}).")
    found = answer_any(
        services.store, query, job.at, job.zone, job.asker, whole=False, traces=services.traces
    )
    if isinstance(found, AnalysisDocument):
        return Message(f"{escape(why)}\n{analysis_text(found)}", analysis_message(found).blocks)
    return text_message(why) if isinstance(found, CommandError) else figures(why, found)
