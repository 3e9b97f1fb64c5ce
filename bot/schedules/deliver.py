"""Delivers scheduled reports: plans, claims, waits for data, creates, posts once, shares files.

A report is posted only after the intent is stored. After a failure, it is posted again only if the
channel's history doesn't contain it.
"""

from __future__ import annotations

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from bot.runtime.claimed import Claimed
from bot.runtime.isolation import isolated
from bot.schedules.content import ReportBuilder, ReportContent, UnreportableError
from bot.schedules.notices import FailureNotices
from bot.schedules.recipients import RECHECK_AFTER, ReportTargets
from bot.schedules.services import ReportServices
from bot.slack.posting import Posted
from bot.slack.types import TOKEN_PROBLEMS, DeliveryError
from bot.store.schedules.runs import CLOCK_TOLERANCE, ReportRun, RunState
from reports.block_kit.message import Message
from reports.schedules.recurrence import CATCH_UP, TargetKind

__all__ = ["ReportDelivery", "ReportServices"]

log = logging.getLogger(__name__)

AT_ONCE = 8  # threads: a delivery mostly waits for Slack
BATCH = 32  # runs claimed at a time: few enough to be delivered within a lease
HISTORY_BEFORE = timedelta(minutes=10)  # the local clock may differ from Slack's
MOST_ATTEMPTS = 6  # about an hour, because delays double
_MARGIN = 0.5  # the share of a lease that may pass before posting; the rest is for posting


class ReportDelivery:
    """Delivers due reports: one tick at a time in a process, any number of processes."""

    def __init__(self, reports: ReportServices) -> None:
        self._reports = reports
        self._contents = ReportBuilder(reports.services, reports.runs, reports.posting)
        self._failure_notices = FailureNotices(reports)
        self._targets = ReportTargets(reports, self._contents, self._failure_notices)
        self._lock = threading.Lock()
        self._history: dict[str, tuple[datetime, dict[str, list[Posted]]]] = {}
        self._latest: datetime | None = None
        self._offered = False
        self._claimed = Claimed[ReportRun]()
        # one pool for the life of the process, not one per tick
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="report")

    def release(self) -> None:
        """When the process stops, let others deliver the reports that it claimed but hasn't
        started.

        Otherwise they would wait until their leases end.
        """
        with isolated(log, "Claimed reports could not be released"):
            if runs := self._claimed.take_back():
                self._reports.runs.release(runs)
                log.info("%d claimed reports were left to other processes", len(runs))

    def close(self) -> None:
        """End the threads, after the last tick."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def tick(self) -> None:
        """Deliver all due reports and notices, within Slack's rate limits."""
        runs = self._reports.runs
        self._recompute_due_times()
        if runs.idle():
            return
        self._contents.forget()
        self._history.clear()
        while not self._reports.stopping.is_set():
            planned = runs.plan(
                self._failure_notices.skipped, unreadable_message=self._failure_notices.broken
            )
            claimed = runs.claim(self._reports.owner, BATCH, self._failure_notices.unreadable)
            self._claimed.add(claimed)
            if self._reports.stopping.is_set():
                self.release()
                return
            list(self._pool.map(self._deliver_safely, claimed))
            with isolated(log, "Notices could not be sent"):
                self._failure_notices.send_due()
            if not planned and not claimed:
                break

    def _recompute_due_times(self) -> None:
        """Recompute due times after a start or when the clock was set back.

        On the very first start, also offer an admin a report.
        """
        now = self._reports.services.clock()
        back = self._latest is None or now < self._latest - CLOCK_TOLERANCE
        if back or self._reports.runs.has_future_run():
            with isolated(log, "Due times could not be recomputed"):
                self._reports.runs.repair_future_times()
                self._reports.schedules.replan()
        self._latest = now
        with isolated(log, "The standard report could not be offered to an admin"):
            if not self._offered:
                self._offered = self._failure_notices.offer()

    # -- one run

    def _deliver_safely(self, run: ReportRun) -> None:
        if not self._claimed.begin(run):
            return
        with isolated(log, "Report run %s failed", run.key):
            try:
                self._process(run)
            except DeliveryError as error:
                self._retry_later(run, error)
            return
        # an unexpected error: the run is retried when its lease expires, until CATCH_UP is over
        if self._reports.services.clock() - run.noticed_at > CATCH_UP:
            with isolated(log, "Report run %s could not be marked as failed", run.key):
                self._failure_notices.fail(run, "gave_up")

    def _process(self, run: ReportRun) -> None:
        if run.state is RunState.POSTED:
            self._share_files(run, Posted(run.channel, run.ts), run.payload, resumed=True)
        elif run.state is RunState.SENDING:
            self._reconcile(run)
        else:
            self._deliver(run)

    def _deliver(self, run: ReportRun) -> None:
        now, runs = self._reports.services.clock(), self._reports.runs
        if self._reports.schedules.get(run.entry.id) is None:
            runs.skip(run, "deleted")
        elif run.entry.paused is not None and not run.asked_by:
            runs.skip(run, "paused")
        elif now - run.noticed_at > CATCH_UP:
            self._failure_notices.fail(run, "gave_up")
        elif why := self._targets.owner_may_not(run):
            self._failure_notices.fail(run, why)
        elif (target := self._targets.target(run)) is None:
            return
        elif run.payload is not None:
            self._send(run, target, run.payload)
        else:
            self._render(run, target, now)

    def _render(self, run: ReportRun, target: str, now: datetime) -> None:
        """Create the report once its period is complete or it has waited long enough."""
        if self._targets.waits(run, now):
            self._reports.runs.postpone(run, now + RECHECK_AFTER)
            return
        missing_data = not self._contents.complete(run, now)
        try:
            content = self._contents.make(run, missing_data=missing_data)
        except UnreportableError as problem:
            self._failure_notices.unanswerable(run, str(problem))
            return
        if content.empty and run.entry.draft.target is TargetKind.CREATORS:
            self._reports.runs.skip(run, "no usage")
            return
        if run.late and (posted := self._already_posted(run, target)):
            # a database restored from a backup doesn't know what was posted since
            if self._reports.runs.start_sending(run, content.payload, content.spend):
                self._reports.runs.mark_posted(run, posted.channel, posted.ts, "found", files=False)
            return
        self._send(run, target, content.payload, content)

    def _send(
        self, run: ReportRun, target: str, payload: str, content: ReportContent | None = None
    ) -> None:
        """Store the intent, post, store the result; delete the message if another process won."""
        runs, begun = self._reports.runs, monotonic()
        spend = content.spend if content else None
        if not runs.start_sending(run, payload, spend, self._reports.services.slack.now()):
            return
        if monotonic() - begun > runs.timing.lease.total_seconds() * _MARGIN:
            return  # this process was suspended; the run's next owner finds that nothing was posted
        message, files = _message(payload)
        try:
            posted = self._reports.posting.post(target, message, run.key)
        except DeliveryError as error:
            self._not_sent(run, error)
            return
        revised = content.revised if content else {}
        if runs.mark_posted(run, posted.channel, posted.ts, "direct", files=files, revised=revised):
            self._store_new_names(run, content)
            if files:
                self._share_files(run, posted, payload, resumed=False)
        elif runs.withdraw(run, posted.ts):
            log.warning(
                "Report %s was already posted by another process, deleting the late copy", run.key
            )
            self._reports.posting.delete(posted)

    def _reconcile(self, run: ReportRun) -> None:
        """Search the channel's history for a report that may have been posted, else post it."""
        runs = self._reports.runs
        target = self._targets.address(run)
        if target is None or run.payload is None:
            runs.skip(run, "nobody")
            return
        since = (run.sending_at or run.due_at) - HISTORY_BEFORE
        since = min(since, run.noticed_at - HISTORY_BEFORE)
        try:
            copies = self._reports.posting.copies(target, run.key, since)
        except DeliveryError as error:
            # if the token is refused, nobody can be notified either, so the history is read later
            if not error.permanent or error.code in TOKEN_PROBLEMS:
                raise
            self._failure_notices.uncertain(run, error.code)
            return
        _, files = _message(run.payload)
        for copy in copies:
            if runs.mark_posted(run, copy.channel, copy.ts, "reconciled", files=files):
                self._store_new_names(run, None)
                for other_copy in copies:
                    if other_copy != copy and runs.withdraw(run, other_copy.ts):
                        self._reports.posting.delete(other_copy)
                if files:
                    self._share_files(run, copy, run.payload, resumed=True)
                return
        if self._reports.schedules.get(run.entry.id) is None:
            runs.skip(run, "deleted")
        elif self._targets.target(run) is not None:
            self._send(run, target, run.payload)

    def _share_files(
        self, run: ReportRun, posted: Posted, payload: str | None, *, resumed: bool
    ) -> None:
        """Share the files of a report in its thread."""
        files = [(str(id_), str(title)) for id_, title in _json(payload).get("files", [])]
        posting, runs = self._reports.posting, self._reports.runs
        if not files or (resumed and posting.shared(files[0][0])):
            runs.mark_files_sent(run)
            return
        try:
            posting.share(files, posted, "All figures:")
        except DeliveryError as error:
            if error.uncertain or error.retry_after:
                wait = timedelta(seconds=error.retry_after) or RECHECK_AFTER
                runs.postpone(run, self._reports.services.clock() + wait)
                return
            log.warning("The files of report %s could not be added: %s", run.key, error)
            if runs.mark_files_sent(run):
                posting.reply(posted, f"I couldn't add the files here ({error.code}).")
            return
        runs.mark_files_sent(run)

    def _not_sent(self, run: ReportRun, error: DeliveryError) -> None:
        runs, now = self._reports.runs, self._reports.services.clock()
        if error.uncertain:
            log.warning("No answer from Slack, so report %s may have been sent: %s", run.key, error)
            runs.await_history(run, error.code)
        elif error.retry_after:
            until = now + timedelta(seconds=error.retry_after)
            runs.pause_recipient(run.destination, until)
            runs.retry(run, until, error.code)
        elif error.permanent or run.attempts + 1 >= MOST_ATTEMPTS:
            self._failure_notices.fail(run, error.code)
        else:
            runs.retry(run, now + runs.timing.retry_delay * 2**run.attempts, error.code)

    def _retry_later(self, run: ReportRun, error: DeliveryError) -> None:
        """Retry later after an error outside the post itself; the run's state is unchanged."""
        log.warning("Delivery of report %s postponed: %s", run.key, error)
        wait = timedelta(seconds=error.retry_after) or self._reports.runs.timing.retry_delay
        self._reports.runs.postpone(run, self._reports.services.clock() + wait)

    def _store_new_names(self, run: ReportRun, content: ReportContent | None) -> None:
        if content and content.renamed:
            self._reports.schedules.rename(run.entry.id, *content.renamed)

    def _already_posted(self, run: ReportRun, target: str) -> Posted | None:
        """A late report's message if it was already posted; each history is read once per tick."""
        with self._lock:
            known = self._history.get(target)
            if known is None or known[0] > run.due_at:
                known = run.due_at, self._read_history(target, run.due_at - HISTORY_BEFORE)
                self._history[target] = known
        return next(iter(known[1].get(run.key, [])), None)

    def _read_history(self, target: str, since: datetime) -> dict[str, list[Posted]]:
        try:
            return self._reports.posting.keyed(target, since)
        except DeliveryError as error:
            log.info("Could not read the history before sending a late report: %s", error)
            return {}


def _message(payload: str) -> tuple[Message, bool]:
    content = _json(payload)
    return Message(str(content["text"]), tuple(content["blocks"])), bool(content.get("files"))


def _json(payload: str | None) -> dict[str, Any]:
    value = json.loads(payload or "{}")
    return value if isinstance(value, dict) else {}
