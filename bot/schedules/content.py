"""Creates the content of a report run (message, chart and files), once per run."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

from bot.analysis.registry import GATHERERS, analyze, answer_any
from bot.answers.answer_message import controls, needs_uploaded_chart
from bot.answers.answer_state import AnswerState, answer_state
from bot.answers.file_worker import RenderError
from bot.answers.visibility import Asker
from bot.answers.write_file import Format, Job, file_name
from bot.schedules import figures as reports
from bot.schedules.figures import ReportQuestion, SavedNames
from bot.services import Services, asker_for
from bot.slack.posting import Posting
from bot.slack.types import DeliveryError
from bot.store.schedules.runs import ReportRun, ReportRuns, day_of
from bot.store.schedules.schedules import StoredSchedule
from reports.block_kit.message import Message
from reports.questions.grammar import CommandError
from reports.questions.query import RUNNING
from reports.questions.summary import Summary
from reports.questions.wording import stamp, title
from reports.schedules.recurrence import Daily, TargetKind, occurrence, query_for_run, usual_period
from reports.schedules.report import CENT, Report, Revision
from reports.schedules.slack.message import (
    ReportContext,
    analysis_report,
    days,
    report_message,
    when,
)
from reports.time.period_to_range import ranges
from reports.usage.dimensions import Dimension, Filter, Metric
from reports.usage.usage import ZERO
from reports.wording.safe_text import clean
from reports.wording.times import clock_words, zone_city

log = logging.getLogger(__name__)

CREATOR = "creator:"
OWNER_LEFT = (
    "The person who set up this report has left the workspace. A bot admin can edit or delete it."
)
MAX_REVISIONS = 5  # earlier reports whose spend is checked again
INCOMPLETE = "Not all data of this period has been synced yet."


class UnreportableError(Exception):
    """A schedule's question can no longer be answered; the text is shown to people."""


_MOST_REASONS = 2
"""Reasons for missing data listed in one note; each also has its own note."""


@dataclass(frozen=True, slots=True)
class ReportOccasion:
    """A report for one recipient: scheduled (`due_at` in UTC, `day` local) or on request.

    `asked_by` is the Slack id of the person who requested it. `run` is the id of its run, 0 for a
    preview.
    """

    entry: StoredSchedule
    recipient: str
    due_at: datetime
    asked_by: str = ""
    late: bool = False
    day: date | None = None
    run: int = 0

    @classmethod
    def of(cls, run: ReportRun) -> ReportOccasion:
        """The occasion of a run."""
        day = None if run.asked_by else day_of(run)
        return cls(run.entry, run.recipient, run.due_at, run.asked_by, run.late, day, run.id)


@dataclass(frozen=True, slots=True)
class ReportContent:
    """The content to post (as JSON in `payload`), and the data to store with the run.

    `files` are pairs of Slack file id and name. `spend` is in nano-dollars, None if it isn't
    tracked; `revised` maps ids of earlier runs to their current spend; `renamed` is the channel's
    current name and the current names in filters (JSON), if the report mentions a change.
    """

    payload: str
    message: Message
    files: tuple[tuple[str, str], ...]
    spend: int | None
    revised: Mapping[int, int]
    renamed: tuple[str, str] | None
    empty: bool


@dataclass(frozen=True, slots=True)
class _CurrentQuestion:
    subject: ReportQuestion
    known: SavedNames
    notes: tuple[str, ...]


@dataclass(slots=True)
class _SharedFigures:
    """Figures and chart shared by all schedules with the same question at the same due time."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    report: Report | CommandError | None = None
    image: str | None = None


class ReportBuilder:
    """Creates the content of runs; identical questions at one due time are computed once."""

    def __init__(self, services: Services, runs: ReportRuns, posting: Posting) -> None:
        self._services = services
        self._runs = runs
        self._posting = posting
        self._lock = threading.Lock()
        self._shared: dict[ReportQuestion, _SharedFigures] = {}
        self._completeness: dict[ReportQuestion, bool] = {}
        self._charts_allowed_at = 0.0

    def forget(self) -> None:
        """Drop everything that was computed so far."""
        with self._lock:
            self._shared.clear()
            self._completeness.clear()

    def complete(self, run: ReportRun, now: datetime) -> bool:
        """Whether all data of a run's period is stored; True if its question can't be answered."""
        try:
            subject = self._asked(ReportOccasion.of(run)).subject
        except UnreportableError:
            return True
        if subject.query.kind in RUNNING:  # about now: only yesterday can be complete
            subject = replace(subject, query=replace(subject.query, period=usual_period(Daily())))
        with self._lock:
            known = self._completeness.get(subject)
        if known is None:
            known = reports.is_complete(self._services.store, subject, now)
            with self._lock:
                self._completeness[subject] = known
        return known

    def make(self, run: ReportRun, *, missing_data: bool) -> ReportContent:
        """The content of a run; `missing_data` if it was sent without waiting longer for data.

        Raises UnreportableError.
        """
        return self._make(
            ReportOccasion.of(run), run, lambda: self._runs.extend_lease(run), missing_data
        )

    def preview(self, entry: StoredSchedule, recipient: str, at: datetime) -> ReportContent:
        """The content of a run at a time. Raises UnreportableError."""
        return self._make(ReportOccasion(entry, recipient, at), None, lambda: True, False)

    def days(
        self, run: ReportRun, due_at: datetime | None = None, zone: str = ""
    ) -> tuple[date, date] | None:
        """The first and last local day that a run reports on; None if its question can't be read.

        `due_at` (UTC) and `zone` replace those of the run, to compare it with another schedule.
        """
        query = reports.stored_query(run.entry.draft.question)
        if query is None:
            return None
        at, zone = due_at or run.due_at, zone or run.entry.draft.schedule.zone
        span = ranges(query_for_run(query, at, zone).period, at, zone).current
        first = span.start.astimezone(ZoneInfo(zone)).date()
        return first, (span.end.astimezone(ZoneInfo(zone)) - timedelta(seconds=1)).date()

    def creator_email(self, recipient: str) -> str:
        """The e-mail address of a creator that a report goes to, or ""."""
        directory = self._services.store.directory()
        id_ = directory.ids.get((Dimension.CREATOR, recipient.removeprefix(CREATOR)))
        return directory.members[id_].detail if id_ is not None else ""

    def creator_name(self, recipient: str) -> str:
        """A creator's name."""
        directory = self._services.store.directory()
        id_ = directory.ids.get((Dimension.CREATOR, recipient.removeprefix(CREATOR)))
        return directory.labels[id_] if id_ is not None else "one creator"

    def unused(self, run: ReportRun) -> bool:
        """Whether a run's creator has no usage in the run's period."""
        directory = self._services.store.directory()
        ref = run.recipient.removeprefix(CREATOR)
        id_ = directory.ids.get((Dimension.CREATOR, ref))
        if id_ is None:
            return False
        try:
            subject = self._asked(ReportOccasion.of(run)).subject
        except UnreportableError:
            return False
        others = (one for one in subject.query.filters if one.dimension is not Dimension.CREATOR)
        # by name if OpenRouter has no e-mail address, which is why they can't be reached
        theirs = Filter(Dimension.CREATOR, directory.members[id_].detail or directory.labels[id_])
        query = replace(subject.query, by=None, filters=(*others, theirs))
        used = reports.usage(self._services.store, replace(subject, query=query, asker=Asker()))
        return used == ZERO

    def _make(
        self,
        occasion: ReportOccasion,
        run: ReportRun | None,
        extend_lease: Callable[[], bool],
        missing_data: bool,
    ) -> ReportContent:
        asked = self._asked(occasion)
        if asked.subject.query.kind in GATHERERS:
            return self._analysis(occasion, asked, extend_lease, missing_data)
        shared = self._figures(asked.subject)
        found = shared.report
        if isinstance(found, CommandError) or found is None:
            raise UnreportableError(found.problem if found else "")
        renamed, channel_note = self._channel(occasion.entry)
        files, file_notes = self._files(asked.subject, extend_lease)
        revisions, revised = self._revisions(occasion, run)
        notes = (
            *self._timing(occasion, found, missing_data),
            *channel_note,
            *self._owner_left_note(occasion.entry),
            *asked.notes,
            *file_notes,
        )
        draft = occasion.entry.draft
        context = ReportContext(
            draft.schedule, draft.owner, occasion.due_at, notes, revisions, occasion.asked_by,
            missing_data, run is None, self._services.settings.command,
            entry=occasion.entry.id,
            to_creators=draft.target is TargetKind.CREATORS,
            run=occasion.run,
        )  # fmt: skip
        extend_lease()  # uploading the chart may take long
        state, subject = self._answer_state(occasion, asked.subject), asked.subject
        controls_ = controls(self._services, found.summary, state, subject.asker, private=False)
        image = self._uploaded_chart(subject, shared, charted=not found.summary.empty)
        message = report_message(found, context, image, controls_)
        payload = {"text": message.text, "blocks": list(message.blocks), "files": files}
        members = asked.known.as_json()
        changed = renamed != draft.name or members != draft.members
        total_spend = found.summary.totals.value(Metric.SPEND, asked.subject.query.source)
        untracked = occasion.asked_by or asked.subject.query.live
        spend = None if untracked else total_spend
        return ReportContent(
            payload=json.dumps(payload),
            message=message,
            files=tuple(files),
            spend=spend,
            revised=revised,
            renamed=(renamed, members) if changed else None,
            empty=found.summary.empty,
        )

    def _analysis(
        self,
        occasion: ReportOccasion,
        asked: _CurrentQuestion,
        extend_lease: Callable[[], bool],
        missing_data: bool,
    ) -> ReportContent:
        """The content for an analysis question, such as a forecast."""
        services, subject, draft = self._services, asked.subject, occasion.entry.draft
        found = analyze(
            services.store, subject.query, subject.at, subject.zone, subject.asker,
            traces=services.traces, whole=False,
        )  # fmt: skip
        if isinstance(found, CommandError):
            raise UnreportableError(found.problem)
        renamed, channel_note = self._channel(occasion.entry)
        files, file_notes = self._files(subject, extend_lease)
        late = (INCOMPLETE,) if missing_data else ()
        owner_note = self._owner_left_note(occasion.entry)
        notes = (*late, *channel_note, *owner_note, *asked.notes, *file_notes)
        context = ReportContext(
            draft.schedule, draft.owner, occasion.due_at, notes,
            asked_by=occasion.asked_by,
            command=services.settings.command,
            entry=occasion.entry.id,
            to_creators=draft.target is TargetKind.CREATORS,
            run=occasion.run,
        )  # fmt: skip
        state = self._answer_state(occasion, subject)
        controls_ = controls(services, found, state, subject.asker, private=False)
        with self._lock:
            shared = self._shared.setdefault(without_files(subject), _SharedFigures())
        extend_lease()  # the chart may have to wait for Slack
        charted = needs_uploaded_chart(found, shared=True)
        image = self._uploaded_chart(subject, shared, charted=charted)
        message = analysis_report(found, context, controls_, image=image)
        payload = {"text": message.text, "blocks": list(message.blocks), "files": files}
        members = asked.known.as_json()
        changed = renamed != draft.name or members != draft.members
        return ReportContent(
            payload=json.dumps(payload),
            message=message,
            files=tuple(files),
            spend=None,
            revised={},
            renamed=(renamed, members) if changed else None,
            empty=found.empty,
        )

    def _asked(self, occasion: ReportOccasion) -> _CurrentQuestion:
        draft, store = occasion.entry.draft, self._services.store
        query = reports.stored_query(draft.question)
        if query is None:
            raise UnreportableError("I can no longer read the question.")
        known = SavedNames.from_json(draft.members)
        owner_asker = asker_for(self._services, draft.owner, draft.email, known.people)
        query, known, notes = reports.with_current_names(store, query, known, owner_asker)
        query = replace(query, share=False)
        if draft.target is TargetKind.CREATORS:
            asker = Asker(self.creator_email(occasion.recipient), own_only=True)
            if query.by is Dimension.CREATOR:
                query = replace(query, by=Dimension.MODEL)
        else:
            asker = owner_asker
        query = query_for_run(query, occasion.due_at, draft.schedule.zone)
        return _CurrentQuestion(
            ReportQuestion(query, occasion.due_at, draft.schedule.zone, asker), known, notes
        )

    def _answer_state(self, occasion: ReportOccasion, subject: ReportQuestion) -> AnswerState:
        """The answer state of the report's question, for its controls and thread follow-ups."""
        query, draft = subject.query, occasion.entry.draft
        if draft.target is not TargetKind.CREATORS:
            return answer_state(query, subject.at, subject.zone, subject.asker, draft.owner)
        others = (one for one in query.filters if one.dimension is not Dimension.CREATOR)
        theirs = Filter(Dimension.CREATOR, subject.asker.email or "")
        asked = replace(query, filters=(*others, theirs), files=())
        return AnswerState(asked.words(), subject.at, subject.zone)

    def _figures(self, subject: ReportQuestion) -> _SharedFigures:
        with self._lock:
            shared = self._shared.setdefault(without_files(subject), _SharedFigures())
        with shared.lock:
            if shared.report is None:
                shared.report = self._report(without_files(subject))
        return shared

    def _report(self, subject: ReportQuestion) -> Report | CommandError:
        """The figures; those from ClickHouse alone without the largest changes by key."""
        services = self._services
        if not subject.query.live:
            return reports.make_report(services.store, subject)
        found = answer_any(
            services.store, reports.compared_query(subject), subject.at, subject.zone,
            subject.asker, whole=True, traces=services.traces,
        )  # fmt: skip
        if isinstance(found, Summary):
            return reports.report_of(found, subject)
        return found if isinstance(found, CommandError) else CommandError("")

    def _uploaded_chart(
        self, subject: ReportQuestion, shared: _SharedFigures, *, charted: bool
    ) -> str:
        """The file id of the uploaded chart, or "" on failure, to use the native chart."""
        with shared.lock:
            if shared.image is None:
                shared.image = self._upload_chart(without_files(subject)) if charted else ""
            return shared.image

    def _upload_chart(self, subject: ReportQuestion) -> str:
        if monotonic() < self._charts_allowed_at:
            return ""
        job = self._job(subject, Format.PNG)
        try:
            with self._services.renderer.file(job) as path:
                alt = f"Chart: {title(subject.query)}"
                return self._services.slack.upload_image(path, "chart.png", alt) or ""
        except (RenderError, DeliveryError) as problem:
            log.warning("Posting a report without its chart picture: %s", problem)
            wait = problem.retry_after if isinstance(problem, DeliveryError) else 0
            self._charts_allowed_at = monotonic() + wait
            return ""

    def _files(
        self, subject: ReportQuestion, extend_lease: Callable[[], bool]
    ) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
        """The uploaded files (id, name), and a sentence for each failure."""
        files: list[tuple[str, str]] = []
        notes: list[str] = []
        without_files_ = without_files(subject)
        for file in subject.query.files:
            format_ = Format(file)
            name = file_name(subject.query, subject.at, subject.zone, format_)
            try:
                with self._services.renderer.file(self._job(without_files_, format_)) as path:
                    extend_lease()
                    title_text = clean(title(subject.query), 300)
                    files.append((self._posting.upload(path, name, title_text), name))
            except RenderError as problem:
                notes.append(f"The {format_.upper()} couldn't be created: {problem}")
            except DeliveryError as problem:
                notes.append(f"The {format_.upper()} couldn't be uploaded ({problem.code}).")
        return files, tuple(notes)

    def _job(self, subject: ReportQuestion, format_: Format) -> Job:
        command = self._services.settings.command
        return Job(subject.query.words(), subject.at, subject.zone, format_, subject.asker, command)

    def _timing(
        self, occasion: ReportOccasion, found: Report, missing_data: bool
    ) -> tuple[str, ...]:
        schedule, due_at = occasion.entry.draft.schedule, occasion.due_at
        notes = []
        if occasion.late:
            notes.append(
                f"This report is late: it was due {when(due_at, schedule.zone)}, when the bot"
                " wasn't running. It covers the period it was due for."
            )
        if missing_data:
            as_of = found.summary.as_of
            missing = "nothing has been synced yet"
            if as_of and as_of < found.summary.range.end:
                missing = f"nothing after {stamp(as_of)} has been synced yet"
            elif as_of:
                missing = "; ".join(found.summary.partial[:_MOST_REASONS]) or "parts are missing"
            notes.append(
                f"OpenRouter's data for this period isn't complete: {missing}. If more arrives, the"
                " next report will say how much."
            )
        local_time = (
            due_at.astimezone(ZoneInfo(schedule.zone)).time().replace(second=0, microsecond=0)
        )
        planned = occasion.day and occurrence(occasion.day, schedule.at, schedule.zone)
        if planned == due_at and local_time != schedule.at:
            notes.append(
                f"Clocks went forward that day, so {clock_words(schedule.at)} didn't exist in"
                f" {zone_city(schedule.zone)}. The report was sent right after the change."
            )
        return tuple(notes)

    def _channel(self, entry: StoredSchedule) -> tuple[str, tuple[str, ...]]:
        """The channel's current name, and a sentence if it was renamed."""
        draft = entry.draft
        if draft.target is not TargetKind.CHANNEL:
            return draft.name, ()
        name = self._runs.checked_channel_name(
            draft.channel, datetime.min.replace(tzinfo=entry.made_at.tzinfo)
        )
        if not name or not draft.name or name == draft.name:
            return name or draft.name, ()
        return name, (f"This channel was #{clean(draft.name)} when this report was set up.",)

    def _owner_left_note(self, entry: StoredSchedule) -> tuple[str, ...]:
        try:
            person = self._services.slack.person(entry.draft.owner)
        except DeliveryError:
            return ()
        if not person.deleted:
            return ()
        return (OWNER_LEFT,)

    def _revisions(
        self, occasion: ReportOccasion, run: ReportRun | None
    ) -> tuple[tuple[Revision, ...], dict[int, int]]:
        """How OpenRouter has changed the spend of the last reports since they were sent."""
        found, revised = [], {}
        if self._asked(occasion).subject.query.live:  # spend isn't tracked
            return (), {}
        earlier_runs = self._runs.earlier_reports(
            occasion.entry, occasion.recipient, occasion.due_at, MAX_REVISIONS
        )
        for earlier in earlier_runs:
            question = self._asked(replace(occasion, due_at=earlier.due_at)).subject
            spend = reports.spend(self._services.store, question)
            if spend is None or abs(spend - earlier.spend) <= CENT:
                continue
            span = ranges(question.query.period, question.at, question.zone).current
            found.append(Revision(days(span), spend - earlier.spend))
            revised[earlier.run] = spend
        return tuple(found), revised if run else {}


def without_files(subject: ReportQuestion) -> ReportQuestion:
    """The same question without its files, which don't affect its figures."""
    return replace(subject, query=replace(subject.query, files=()))
