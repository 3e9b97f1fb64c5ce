"""Finds where a report is posted, checking permissions for every run."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bot.access.policy import may_send_to_creators, refusal
from bot.schedules.content import ReportBuilder
from bot.schedules.notices import FailureNotices
from bot.schedules.services import ReportServices
from bot.slack.types import DeliveryError
from bot.store.schedules.runs import ReportRun, RunState
from reports.schedules.recurrence import TargetKind
from reports.wording.delivery_problems import MAY_NOT_ASK, ONLY_ADMINS, OUTSIDERS

log = logging.getLogger(__name__)

CHECK_VALID = timedelta(minutes=10)  # saves calls when many schedules use one channel
MAX_WAIT = timedelta(hours=6)  # how long a report waits for data
RECHECK_AFTER = timedelta(seconds=20)  # a few ticks


class ReportTargets:
    """Finds where to post a run, or ends the run if it can't be posted."""

    def __init__(
        self, reports: ReportServices, builder: ReportBuilder, failure_notices: FailureNotices
    ) -> None:
        self._reports = reports
        self._builder = builder
        self._failure_notices = failure_notices

    def target(self, run: ReportRun) -> str | None:
        """The channel or person to post to; None if the run was ended or delayed instead."""
        if run.entry.draft.target is not TargetKind.CHANNEL:
            return self._person(run)
        channel = run.entry.draft.channel
        since = max(run.noticed_at, self._reports.services.clock() - CHECK_VALID)
        if self._reports.runs.checked_channel_name(channel, since) is not None:
            return channel
        try:
            conversation = self._reports.posting.conversation(channel)
        except DeliveryError as error:
            if not error.permanent:
                raise
            self._failure_notices.fail(run, error.code)
            return None
        if conversation.outsiders or conversation.archived:
            self._failure_notices.fail(run, OUTSIDERS if conversation.outsiders else "is_archived")
            return None
        self._reports.runs.mark_channel_checked(channel, conversation.name)
        return channel

    def owner_may_not(self, run: ReportRun) -> str | None:
        """The error code if a schedule's owner may no longer send this report, else None.

        Schedules of people who left continue until an admin edits or deletes them.
        """
        services, draft = self._reports.services, run.entry.draft
        if draft.target is TargetKind.CREATORS and not may_send_to_creators(
            draft.owner, services.settings
        ):
            return ONLY_ADMINS
        try:
            person = services.slack.person(draft.owner)
            may_not = refusal(person, services.slack.identity(), services.settings)
        except DeliveryError as error:
            log.info("Could not look up the owner of a schedule: %s", error)
            return None
        return MAY_NOT_ASK if may_not and not person.deleted else None

    def _person(self, run: ReportRun) -> str | None:
        services = self._reports.services
        try:
            user = self.address(run)
        except DeliveryError as error:
            if not error.permanent:
                raise
            self._failure_notices.fail(run, error.code)
            return None
        if user is None:
            self._unreachable(run)
            return None
        try:
            person = services.slack.person(user)
        except DeliveryError as error:
            if not error.permanent:
                raise
            self._failure_notices.fail(run, error.code)
            return None
        if refusal(person, services.slack.identity(), services.settings):
            if run.entry.draft.target is TargetKind.CREATORS:
                self._reports.runs.skip(run, "may not use the bot")
            else:
                self._failure_notices.fail(run, MAY_NOT_ASK)
            return None
        if run.entry.draft.target is TargetKind.CREATORS:
            return user if self._is_wanted(run, user) else None
        return user

    def _is_wanted(self, run: ReportRun, user: str) -> bool:
        """Whether a creator gets a report to every creator; ends or delays the run if not.

        People can opt out, and get the same report only once if several schedules send it.
        """
        if self._reports.opt_outs.has(user, run.entry):
            self._reports.runs.skip(run, "opted out")
            return False
        days = self._builder.days(run)
        for other in self._reports.runs.of_other_schedules(run):
            if days is None or days != self._builder.days(run, other.due_at, other.zone):
                continue
            if other.state is not RunState.DUE:
                self._reports.runs.skip(run, "sent by another schedule")
                return False
            if other.id < run.id:  # the older run has priority, so that exactly one is sent
                self._reports.runs.postpone(run, self._reports.services.clock() + RECHECK_AFTER)
                return False
        return True

    def _unreachable(self, run: ReportRun) -> None:
        """End or delay the run of a creator without a Slack account; no notice without usage."""
        now = self._reports.services.clock()
        if self.waits(run, now):
            self._reports.runs.postpone(run, now + RECHECK_AFTER)
        elif self._builder.unused(run):
            self._reports.runs.skip(run, "no usage")
        else:
            self._failure_notices.unreachable(run, self._builder.creator_name(run.recipient))

    def waits(self, run: ReportRun, now: datetime) -> bool:
        """Whether data of a run's period is missing and the run can still wait for it."""
        deadline = max(run.due_at, run.noticed_at) + MAX_WAIT
        return now < deadline and not run.asked_by and not self._builder.complete(run, now)

    def address(self, run: ReportRun) -> str | None:
        """The id of the channel or person a run is for; None for a creator without an account."""
        if run.entry.draft.target is not TargetKind.CREATORS:
            return run.recipient
        email = self._builder.creator_email(run.recipient)
        return self._reports.posting.person(email) if email else None
