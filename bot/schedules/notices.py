"""Sends notices about undelivered reports, and offers a first report."""

from __future__ import annotations

import logging
from datetime import timedelta

from bot import __version__
from bot.runtime.isolation import isolated
from bot.schedules.services import ReportServices
from bot.slack.types import DeliveryError
from bot.store.schedules.notices import Notice
from bot.store.schedules.runs import MOST_ERRORS, ReportRun
from bot.store.schedules.schedules import StoredSchedule
from reports.admin.slack import unreadable
from reports.block_kit.message import Message
from reports.schedules.recurrence import DueRun, TargetKind
from reports.schedules.slack import notices as words
from reports.wording.delivery_problems import reason

log = logging.getLogger(__name__)

AT_ONCE = 32
"""Notices claimed per tick; more wait for the next tick."""
_AGAIN = timedelta(minutes=15)  # retry delay if Slack doesn't name one
_UNREACHABLE_CODES = {
    "user_not_found",
    "users_not_found",
    "user_disabled",
    "cannot_dm_bot",
}
"""Nobody else is left to be told. A refused token is not among them: it may be replaced."""


class FailureNotices:
    """Ends runs that can't be delivered, and queues notices for their owners."""

    def __init__(self, reports: ReportServices) -> None:
        self._reports = reports

    def fail(self, run: ReportRun, code: str) -> None:
        """Mark a run as failed.

        Its owner gets a notice on the first of consecutive failures; at the third the schedule is
        paused.
        """
        entry, where = run.entry, self._where(run.entry)
        if entry.draft.target is TargetKind.CREATORS and code.startswith(("user", "cannot_dm")):
            self._reports.runs.skip(run, code)
            return
        self._failed(run, code, words.failed_notice(_title(entry), where, code, run.id))

    def unanswerable(self, run: ReportRun, problem: str) -> None:
        """Mark a run as failed because its question can no longer be answered."""
        where = self._where(run.entry)
        self._failed(run, "question", words.unanswerable_notice(_title(run.entry), where, problem))

    def _failed(self, run: ReportRun, code: str, message: Message) -> None:
        errors = self._reports.runs.fail(run, code)
        if errors is None:
            return
        log.warning("Could not deliver a report: %s", code)
        if errors == 1 or run.asked_by:
            self._notify(f"failed {run.id} {run.fence}", run.entry, message)
        if errors == MOST_ERRORS:
            why = f"{MOST_ERRORS} in a row couldn't be delivered ({reason(code)})"
            where = self._where(run.entry)
            message = words.paused_notice(_title(run.entry), where, why, run.entry.id)
            self._notify(f"paused {run.id}", run.entry, message)

    def uncertain(self, run: ReportRun, code: str) -> None:
        """Mark a run as uncertain and ask its owner to decide."""
        if self._reports.runs.mark_uncertain(run, code):
            message = words.uncertain_notice(
                _title(run.entry), self._where(run.entry), code, run.id
            )
            self._notify(f"uncertain {run.id} {run.fence}", run.entry, message)

    def unreachable(self, run: ReportRun, name: str) -> None:
        """Skip a creator without a Slack account; the owner gets one notice per due time."""
        message = words.unreachable_creator(_title(run.entry), name)
        self._notify(f"nobody {run.entry.id} {run.period}", run.entry, message)
        self._reports.runs.skip(run, "no Slack account")

    def offer(self) -> bool:
        """Offer an admin the standard report on the very first start; True once that is done."""
        services = self._reports.services
        admins = sorted(services.settings.admins)
        if not admins or services.store.fact("offered"):
            return True
        for admin in admins:
            try:
                zone = services.slack.person(admin).zone or services.settings.zone
            except DeliveryError as error:
                log.info("Could not look up an admin: %s", error)
                continue
            message = words.offer_message(zone, services.settings.command)
            self._reports.notices.add("offer", admin, _as_json(message))
            services.store.keep_fact("offered", admin)
            return True
        return False

    def skipped(self, entry: StoredSchedule, runs: tuple[DueRun, ...]) -> dict[str, object]:
        """The notice about runs that are too old to be sent, as JSON values."""
        return _as_json(
            words.skipped_notice(_title(entry), self._where(entry), entry.draft.schedule, runs)
        )

    def broken(self, question: str) -> dict[str, object]:
        """The notice to the owner of a schedule that this version can't read, as JSON values."""
        return _as_json(unreadable.schedule(question, self._reports.services.settings.command))

    def unreadable(self, count: int) -> None:
        """Notify the admins, once a day, that runs stored by another version couldn't be read."""
        log.error("%d report runs could not be read and ended as failed", count)
        today = f"{self._reports.services.clock():%Y-%m-%d}"
        message = _as_json(unreadable.runs(count, __version__))
        for admin in sorted(self._reports.services.settings.admins):
            self._reports.notices.add(f"unreadable runs {today} {admin}", admin, message)

    def _notify(self, key: str, entry: StoredSchedule, message: Message) -> None:
        self._reports.notices.add(key, entry.draft.owner, _as_json(message))

    def send_due(self) -> None:
        """Send the notices that are due."""
        for notice in self._reports.notices.claim(AT_ONCE):
            with isolated(log, "Notice %s could not be sent", notice.key):
                if self._reports.stopping.is_set():
                    self._reports.notices.postpone(notice, timedelta())  # left to other processes
                    continue
                try:
                    self._send_one(notice)
                except DeliveryError as error:
                    log.warning("Notice %s postponed: %s", notice.key, error)
                    wait = timedelta(seconds=error.retry_after) or _AGAIN
                    self._reports.notices.postpone(notice, wait)

    def _send_one(self, notice: Notice) -> None:
        message = Message(str(notice.message["text"]), tuple(notice.message["blocks"]))
        admins = sorted(self._reports.services.settings.admins - {notice.person})
        for person in (notice.person, *admins):
            try:
                self._reports.services.slack.direct(person, message)
            except DeliveryError as error:
                if error.code not in _UNREACHABLE_CODES:
                    raise
            else:
                break
        self._reports.notices.mark_sent(notice)

    def _where(self, entry: StoredSchedule) -> str:
        return words.target_words(entry.draft.target, entry.draft.channel, entry.draft.owner)


def _title(entry: StoredSchedule) -> str:
    return entry.draft.question


def _as_json(message: Message) -> dict[str, object]:
    return {"text": message.text, "blocks": list(message.blocks)}
