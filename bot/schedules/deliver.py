"""Delivering scheduled reports: due, claimed, complete, frozen, posted once, then the files.

Nothing is posted before the database says that it is about to be, and after that nothing is posted
again before the channel's history was searched for it.
"""

from __future__ import annotations

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from bot.runtime.isolation import isolated
from bot.schedules.content import ReportBuilder, ReportContent, Unreportable
from bot.schedules.notices import FailureNotices
from bot.schedules.recipients import LOOK_AGAIN, ReportTargets
from bot.schedules.services import ReportServices
from bot.slack.posting import Posted
from bot.slack.types import DeliveryError
from bot.store.schedules.runs import SLEWED, ReportRun, RunState
from reports.block_kit.message import Message
from reports.schedules.recurrence import CATCH_UP, TargetKind

__all__ = ["ReportDelivery", "ReportServices"]

log = logging.getLogger(__name__)

AT_ONCE = 8
BATCH = 32
HISTORY_BEFORE = timedelta(minutes=10)
MOST_ATTEMPTS = 6
_MARGIN = 0.5


class ReportDelivery:
    """Delivers due reports: one tick at a time in a process, any number of processes."""

    def __init__(self, reports: ReportServices) -> None:
        self._at = reports
        self._contents = ReportBuilder(reports.services, reports.runs, reports.posting)
        self._failure_notices = FailureNotices(reports)
        self._places = ReportTargets(reports, self._contents, self._failure_notices)
        self._lock = threading.Lock()
        self._found: dict[str, tuple[datetime, dict[str, list[Posted]]]] = {}
        self._latest: datetime | None = None
        self._offered = False
        # one for the life of the process, not one each tick
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="report")

    def close(self) -> None:
        """End the threads, after the last tick."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def tick(self) -> None:
        """Deliver everything that is due now, at the pace that Slack allows."""
        runs = self._at.runs
        self._begin()
        if runs.idle():
            return
        self._contents.forget()
        self._found.clear()
        while not self._at.stopping.is_set():
            planned = runs.plan(self._failure_notices.skipped, broken=self._failure_notices.broken)
            claimed = runs.claim(self._at.owner, BATCH, self._failure_notices.unreadable)
            list(self._pool.map(self._guarded, claimed))
            with isolated(log, "Notices could not be sent"):
                self._failure_notices.tell()
            if not planned and not claimed:
                break

    def _begin(self) -> None:
        """After a start, or when the clock was set back, compute due times again.

        On the very first start, offer an admin a report.
        """
        now = self._at.services.clock()
        back = self._latest is None or now < self._latest - SLEWED
        if back or self._at.runs.from_the_future():
            with isolated(log, "Due times could not be computed again"):
                self._at.runs.heal()
                self._at.schedules.replan()
        self._latest = now
        with isolated(log, "The first report could not be offered to an admin"):
            if not self._offered:
                self._offered = self._failure_notices.offer()

    # -- one run

    def _guarded(self, run: ReportRun) -> None:
        with isolated(log, "Report run %s failed", run.key):
            try:
                self._take(run)
            except DeliveryError as error:
                self._troubled(run, error)
            return
        # something unforeseen: the run is tried again once its lease runs out, but not for ever
        if self._at.services.clock() - run.noticed_at > CATCH_UP:
            with isolated(log, "Report run %s could not be given up", run.key):
                self._failure_notices.fail(run, "gave_up")

    def _take(self, run: ReportRun) -> None:
        if run.state is RunState.POSTED:
            self._file(run, Posted(run.channel, run.ts), run.payload, resumed=True)
        elif run.state is RunState.SENDING:
            self._reconcile(run)
        else:
            self._deliver(run)

    def _deliver(self, run: ReportRun) -> None:
        now, runs = self._at.services.clock(), self._at.runs
        if self._at.schedules.get(run.entry.id) is None:
            runs.skip(run, "deleted")
        elif run.entry.paused is not None and not run.asked_by:
            runs.skip(run, "paused")
        elif now - run.noticed_at > CATCH_UP:
            self._failure_notices.fail(run, "gave_up")
        elif why := self._places.owner_may_not(run):
            self._failure_notices.fail(run, why)
        elif (place := self._places.target(run)) is None:
            return
        elif run.payload is not None:
            self._send(run, place, run.payload)
        else:
            self._render(run, place, now)

    def _render(self, run: ReportRun, place: str, now: datetime) -> None:
        """Create the report once its period is complete or it has waited long enough."""
        if self._places.waits(run, now):
            self._at.runs.later(run, now + LOOK_AGAIN)
            return
        waiting = not self._contents.complete(run, now)
        try:
            content = self._contents.make(run, waited_in_vain=waiting)
        except Unreportable as problem:
            self._failure_notices.unanswerable(run, str(problem))
            return
        if content.empty and run.entry.draft.target is TargetKind.CREATORS:
            self._at.runs.skip(run, "no usage")
            return
        if run.late and (posted := self._found_before(run, place)):
            # a database from a backup does not know what it has posted
            if self._at.runs.begin(run, content.payload, content.spend):
                self._at.runs.posted(run, posted.channel, posted.ts, "found", files=False)
            return
        self._send(run, place, content.payload, content)

    def _send(
        self, run: ReportRun, place: str, payload: str, content: ReportContent | None = None
    ) -> None:
        """Record the intent, post, record the result; a copy that came too late is deleted."""
        runs, begun = self._at.runs, monotonic()
        spend = content.spend if content else None
        if not runs.begin(run, payload, spend, self._at.services.slack.now()):
            return
        if monotonic() - begun > runs.timing.lease.total_seconds() * _MARGIN:
            return  # this process was suspended: the next one to look finds that nothing was posted
        message, files = _message(payload)
        try:
            posted = self._at.posting.post(place, message, run.key)
        except DeliveryError as error:
            self._not_sent(run, error)
            return
        revised = content.revised if content else {}
        if runs.posted(run, posted.channel, posted.ts, "direct", files=files, revised=revised):
            self._done(run, content)
            if files:
                self._file(run, posted, payload, resumed=False)
        elif runs.withdraw(run, posted.ts):
            log.warning(
                "Report %s was already posted by another process, deleting the late copy", run.key
            )
            self._at.posting.delete(posted)

    def _reconcile(self, run: ReportRun) -> None:
        """Search the history for a report that may have been posted."""
        runs = self._at.runs
        place = self._places.address(run)
        if place is None or run.payload is None:
            runs.skip(run, "nobody")
            return
        since = (run.sending_at or run.due_at) - HISTORY_BEFORE
        since = min(since, run.noticed_at - HISTORY_BEFORE)
        try:
            copies = self._at.posting.copies(place, run.key, since)
        except DeliveryError as error:
            if not error.permanent:
                raise
            self._failure_notices.uncertain(run, error.code)
            return
        _, files = _message(run.payload)
        for copy in copies:
            if runs.posted(run, copy.channel, copy.ts, "reconciled", files=files):
                self._done(run, None)
                for extra in copies:
                    if extra != copy and runs.withdraw(run, extra.ts):
                        self._at.posting.delete(extra)
                if files:
                    self._file(run, copy, run.payload, resumed=True)
                return
        if self._at.schedules.get(run.entry.id) is None:
            runs.skip(run, "deleted")
        elif self._places.target(run) is not None:
            self._send(run, place, run.payload)

    def _file(self, run: ReportRun, posted: Posted, payload: str | None, *, resumed: bool) -> None:
        """Share the files of a report in its thread."""
        files = [(str(id_), str(title)) for id_, title in _json(payload).get("files", [])]
        posting, runs = self._at.posting, self._at.runs
        if not files or (resumed and posting.shared(files[0][0])):
            runs.filed(run)
            return
        try:
            posting.share(files, posted, "All figures:")
        except DeliveryError as error:
            if error.uncertain or error.retry_after:
                wait = timedelta(seconds=error.retry_after) or LOOK_AGAIN
                runs.later(run, self._at.services.clock() + wait)
                return
            log.warning("The files of report %s could not be added: %s", run.key, error)
            if runs.filed(run):
                posting.reply(posted, f"I couldn't add the files here ({error.code}).")
            return
        runs.filed(run)

    def _not_sent(self, run: ReportRun, error: DeliveryError) -> None:
        runs, now = self._at.runs, self._at.services.clock()
        if error.uncertain:
            log.warning("No answer from Slack, so report %s may have been sent: %s", run.key, error)
            runs.doubt(run, error.code)
        elif error.retry_after:
            until = now + timedelta(seconds=error.retry_after)
            runs.hold(run.place, until)
            runs.again(run, until, error.code)
        elif error.permanent or run.attempts + 1 >= MOST_ATTEMPTS:
            self._failure_notices.fail(run, error.code)
        else:
            runs.again(run, now + runs.timing.trouble * 2**run.attempts, error.code)

    def _troubled(self, run: ReportRun, error: DeliveryError) -> None:
        """Retry later after a failure before or after the post; its state stays as it is."""
        log.warning("Report %s has to wait: %s", run.key, error)
        wait = timedelta(seconds=error.retry_after) or self._at.runs.timing.trouble
        self._at.runs.later(run, self._at.services.clock() + wait)

    def _done(self, run: ReportRun, content: ReportContent | None) -> None:
        if content and content.renamed:
            self._at.schedules.rename(run.entry.id, *content.renamed)

    def _found_before(self, run: ReportRun, place: str) -> Posted | None:
        """A late report that was already posted; each conversation is searched once a tick."""
        with self._lock:
            known = self._found.get(place)
            if known is None or known[0] > run.due_at:
                known = run.due_at, self._look(place, run.due_at - HISTORY_BEFORE)
                self._found[place] = known
        return next(iter(known[1].get(run.key, [])), None)

    def _look(self, place: str, since: datetime) -> dict[str, list[Posted]]:
        try:
            return self._at.posting.keyed(place, since)
        except DeliveryError as error:
            log.info("Cannot read the history before a late report: %s", error)
            return {}


def _message(payload: str) -> tuple[Message, bool]:
    said = _json(payload)
    return Message(str(said["text"]), tuple(said["blocks"])), bool(said.get("files"))


def _json(payload: str | None) -> dict[str, Any]:
    said = json.loads(payload or "{}")
    return said if isinstance(said, dict) else {}
