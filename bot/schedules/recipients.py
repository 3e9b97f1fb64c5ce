"""Where a report goes, and whether it may go there, checked for every run."""

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

CHECK_LASTS = timedelta(minutes=10)
LATEST = timedelta(hours=6)
LOOK_AGAIN = timedelta(seconds=20)


class ReportTargets:
    """Finds where a run is posted, or ends the run if it can't be posted."""

    def __init__(
        self, reports: ReportServices, contents: ReportBuilder, failure_notices: FailureNotices
    ) -> None:
        self._at = reports
        self._contents = contents
        self._failure_notices = failure_notices

    def target(self, run: ReportRun) -> str | None:
        """The channel or person to post to; None if the run was ended or delayed instead."""
        if run.entry.draft.target is not TargetKind.CHANNEL:
            return self._person(run)
        channel = run.entry.draft.channel
        since = max(run.noticed_at, self._at.services.clock() - CHECK_LASTS)
        if self._at.runs.checked(channel, since) is not None:
            return channel
        try:
            seen = self._at.posting.conversation(channel)
        except DeliveryError as error:
            if not error.permanent:
                raise
            self._failure_notices.fail(run, error.code)
            return None
        if seen.outsiders or seen.archived:
            self._failure_notices.fail(run, OUTSIDERS if seen.outsiders else "is_archived")
            return None
        self._at.runs.check(channel, seen.name)
        return channel

    def owner_may_not(self, run: ReportRun) -> str | None:
        """The code of why a schedule's owner may no longer send this report; None if they may.

        Schedules of people who left go on, until an admin edits or deletes them.
        """
        services, draft = self._at.services, run.entry.draft
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
        services = self._at.services
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
                self._at.runs.skip(run, "may not use the bot")
            else:
                self._failure_notices.fail(run, MAY_NOT_ASK)
            return None
        if run.entry.draft.target is TargetKind.CREATORS:
            return user if self._is_wanted(run, user) else None
        return user

    def _is_wanted(self, run: ReportRun, user: str) -> bool:
        """Whether a report to every creator goes to one of them; ends or delays the run if not.

        People can opt out, and get a question once however many schedules send it.
        """
        if self._at.opt_outs.has(user, run.entry):
            self._at.runs.skip(run, "opted out")
            return False
        days = self._contents.days(run)
        for other in self._at.runs.of_other_schedules(run):
            if days is None or days != self._contents.days(run, other.due_at, other.zone):
                continue
            if other.state is not RunState.DUE:
                self._at.runs.skip(run, "sent by another schedule")
                return False
            if other.id < run.id:  # the older run goes first, so that exactly one of them is sent
                self._at.runs.later(run, self._at.services.clock() + LOOK_AGAIN)
                return False
        return True

    def _unreachable(self, run: ReportRun) -> None:
        """A creator has no Slack account here, which only matters if they have usage."""
        now = self._at.services.clock()
        if self.waits(run, now):
            self._at.runs.later(run, now + LOOK_AGAIN)
        elif self._contents.unused(run):
            self._at.runs.skip(run, "no usage")
        else:
            self._failure_notices.unreachable(run, self._contents.creator_name(run.recipient))

    def waits(self, run: ReportRun, now: datetime) -> bool:
        """Whether data of a run's period is still missing, and there is time to wait for it."""
        deadline = max(run.due_at, run.noticed_at) + LATEST
        return now < deadline and not run.asked_by and not self._contents.complete(run, now)

    def address(self, run: ReportRun) -> str | None:
        """The id of the channel or person a run is for; None for a creator without an account."""
        if run.entry.draft.target is not TargetKind.CREATORS:
            return run.recipient
        email = self._contents.creator_email(run.recipient)
        return self._at.posting.person(email) if email else None
