"""The street of the modal that makes and edits schedules: open, look ahead, save."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from bot.access import may_send_to_creators
from bot.flows.answer import answer
from bot.flows.asking import Asking, asker_of
from bot.flows.forms import (
    Done,
    Errors,
    Outcome,
    Sent,
    Show,
    View,
    Words,
    allowed,
    change_view,
    once,
    open_modal,
)
from bot.flows.home import Homes
from bot.flows.subscriptions import Subscriptions
from bot.slack import Person, Place
from bot.store.schedules import Draft, Entry
from reports.audit import DONE, Act
from reports.grammar import Ask, CommandError, parse
from reports.grammar_schedule import Place as Where
from reports.grammar_schedule import Standing, parse_schedule
from reports.query import Query
from reports.render import schedule_form as render
from reports.render.forms import Meta, notice
from reports.render.schedules import made
from reports.schedule import Target, query_at
from reports.schedule_fields import (
    Field,
    ScheduleFields,
    WrongField,
    fields_of,
    read_fields,
    said,
)
from reports.summary import Summary
from reports.text import clean, escape
from reports.timerange import zone_names

NEW, EDIT = "New schedule", "Edit schedule"
CHANGED = (
    "Somebody changed this schedule while you had it open; it is now: {now}. Save again to put"
    " yours in its place, or cancel to leave it so."
)


class ScheduleForm:
    """The modal of schedules. Each method judges who acts."""

    def __init__(self, asking: Asking, subscriptions: Subscriptions, homes: Homes) -> None:
        self._asking = asking
        self._subscriptions = subscriptions
        self._homes = homes

    def new(
        self, place: Place, trigger: str, words: Words | None = None, channel: str = ""
    ) -> None:
        """Open it for something new; `words` gives those after `schedule`, `channel` is an id."""

        def make(person: Person) -> View | None:
            begun = words(person) if words else ""
            if begun is None:
                return None
            fields = self._begin(person, begun, channel)
            return self._view(person, fields, Meta(home=int(place.home), url=place.response_url))

        open_modal(self._asking, place, trigger, NEW, make, Act.SCHEDULED)

    def edit(self, place: Place, trigger: str, id_: str) -> None:
        """Open it for a schedule, for who may manage that."""

        def make(_person: Person) -> View | None:
            entry = self._subscriptions.allowed(place, id_, Act.EDITED, begun=True)
            if entry is None:
                return None
            meta = Meta(entry.id, version(entry.draft), int(place.home), place.response_url)
            return self._view(self._owner(entry), self._fields(entry), meta)

        open_modal(self._asking, place, trigger, EDIT, make, Act.EDITED)

    def look(self, user: str, sent: Sent) -> None:
        """Draw it anew after something in it was changed, with what would come of it."""
        act = Act.EDITED if sent.meta.id else Act.SCHEDULED
        person = allowed(self._asking, user, act, EDIT if sent.meta.id else NEW)
        if isinstance(person, Show):
            change_view(self._asking, sent, person.view)
            return
        entry = self._subscriptions.find(person, sent.meta.id) if sent.meta.id else None
        if isinstance(entry, str):
            change_view(self._asking, sent, notice(EDIT, escape(entry)))
            return
        owner = self._owner(entry) if entry else person
        fields = render.entered(sent.entered, self._zone(owner))
        change_view(self._asking, sent, self._view(owner, fields, sent.meta, channels=True))

    def submit(self, user: str, sent: Sent) -> Outcome:
        """Save what stands in it, or say at the field what is wrong."""
        id_ = sent.meta.id
        act, title = (Act.EDITED, EDIT) if id_ else (Act.SCHEDULED, NEW)
        person = allowed(self._asking, user, act, title)
        if isinstance(person, Show):
            return person
        entry = self._subscriptions.find(person, id_) if id_ else None
        if isinstance(entry, str):
            return Show(notice(title, escape(entry)))
        owner = self._owner(entry) if entry else person
        fields = render.entered(sent.entered, self._zone(owner))
        standing = read_fields(fields)
        if isinstance(standing, WrongField):
            return Errors({standing.field: standing.problem})
        draft = self._subscriptions.draft(owner, standing, "")
        if isinstance(draft, CommandError):
            return Errors({Field.QUESTION: _question_said(draft)})
        if isinstance(draft, str):
            channel = standing.place.kind is Target.CHANNEL
            return Errors({Field.CHANNEL if channel else Field.TO: draft})
        if entry is None:
            return once(self._asking, sent, fields, lambda: self._keep(person, draft, sent))
        return self._change(person, entry, draft, fields, sent)

    # -- what they share

    def _owner(self, entry: Entry) -> Person:
        """Whose figures a schedule reports: its maker's, whoever edits it."""
        return self._asking.slack.person(entry.draft.maker)

    def _begin(self, person: Person, words: str, channel: str) -> ScheduleFields:
        zone = self._zone(person)
        read = parse_schedule(f"schedule {words}") if words else None
        usual = ScheduleFields(zone=zone)
        fields = fields_of(read, zone) if isinstance(read, Standing) else usual
        if channel and not (isinstance(read, Standing) and read.place.kind):
            return replace(fields, to=Target.CHANNEL, channel=channel)
        return fields

    def _fields(self, entry: Entry) -> ScheduleFields:
        draft = entry.draft
        asked = parse(draft.question)
        query = asked.query if isinstance(asked, Ask) else Query()
        channel = draft.channel if draft.target is Target.CHANNEL else ""
        schedule = draft.schedule
        where = Where(draft.target, channel, draft.name)
        return fields_of(
            Standing(query, schedule.rule, schedule.at, schedule.zone, where), schedule.zone
        )

    def _view(
        self,
        owner: Person,
        fields: ScheduleFields,
        meta: Meta,
        *,
        note: str = "",
        channels: bool = False,
    ) -> View:
        everyone = may_send_to_creators(owner.id, self._asking.settings)
        words = self._foreseen(owner, fields, channels=channels)
        return render.view(fields, meta, words, everyone=everyone, note=note)

    def _foreseen(self, owner: Person, fields: ScheduleFields, *, channels: bool) -> str:
        """What would come of the fields; with `channels` also whether it could go there."""
        standing = read_fields(fields)
        if isinstance(standing, WrongField):
            return f":warning: {escape(clean(standing.problem, 600))}"
        asking, zone = self._asking, self._zone(owner)
        now = asking.clock()
        asker = asker_of(asking, owner, standing.query)
        probe = query_at(standing.query, now, standing.zone or zone)
        found = answer(asking.store, probe, now, zone, asker, whole=False)
        shown = found if isinstance(found, Summary) else _question_said(found)
        words = render.foreseen(standing, zone, now, shown)
        if channels and standing.place.kind is Target.CHANNEL:
            seen = self._subscriptions.channel(standing.place.id)
            if isinstance(seen, str):
                words += f"\n:warning: {escape(seen)}"
        return words

    def _keep(self, person: Person, draft: Draft, sent: Sent) -> Outcome:
        shown = self._subscriptions.keep(person, draft)
        outcome = DONE if shown.outcome == "scheduled" else shown.outcome
        self._note(Act.SCHEDULED, person, draft, outcome)
        if shown.outcome != "scheduled":
            return Errors({Field.QUESTION: shown.message.text[:1_000]})
        if sent.meta.home:
            self._homes.renew(person)
        else:
            self._asking.slack.respond(Place(sent.meta.url, person.id), shown.message)
        return Done()

    def _change(
        self, person: Person, entry: Entry, draft: Draft, fields: ScheduleFields, sent: Sent
    ) -> Outcome:
        if version(entry.draft) == version(draft):
            return Done()  # it is so already: sent twice, or nothing was changed
        if version(entry.draft) != sent.meta.version:
            return self._overtaken(entry, fields, sent)
        changed = self._subscriptions.change(entry, draft)
        if changed is None:
            found = self._subscriptions.find(person, entry.id)
            if isinstance(found, str):
                return Show(notice(EDIT, escape(found)))
            return self._overtaken(found, fields, sent)
        before = f"{entry.draft.question} {entry.draft.schedule}"
        self._note(Act.EDITED, person, draft, DONE, before)
        if sent.meta.home:
            self._homes.renew(person)
        else:
            card = self._subscriptions.card(changed)
            message = made(card, again=False, changed=True)
            self._asking.slack.respond(Place(sent.meta.url, person.id), message)
        return Done()

    def _overtaken(self, entry: Entry, fields: ScheduleFields, sent: Sent) -> Outcome:
        """What was entered again, beside what somebody else has made of it meanwhile."""
        now = f"{clean(entry.draft.question, 200)}, {entry.draft.schedule}"
        meta = replace(sent.meta, version=version(entry.draft))
        note = CHANGED.format(now=escape(now))
        return Show(self._view(self._owner(entry), fields, meta, note=note))

    def _note(self, act: Act, person: Person, draft: Draft, outcome: str, before: str = "") -> None:
        what = f"{draft.question} {draft.schedule}"
        what = f"{before} -> {what}" if before else what
        note = self._asking.audit.note
        note(act, person.id, what, where=draft.channel, outcome=outcome, email=person.email)

    def _zone(self, person: Person) -> str:
        return zone_names().get((person.zone or "").lower()) or self._asking.settings.zone


def version(draft: Draft) -> str:
    """What tells whether a schedule was changed meanwhile; not what a report does to it."""
    return hashlib.sha256(repr(draft.made).encode()).hexdigest()[:16]


def _question_said(wrong: CommandError) -> str:
    """A problem with a name in the question, with the question as it was probably meant."""
    meant = parse_schedule(wrong.suggestion) if wrong.suggestion else None
    if isinstance(meant, Standing):
        return said(CommandError(wrong.problem, "", fields_of(meant, "UTC").question))
    return said(wrong)
