"""The street of the modal that makes and edits alert rules: open, look ahead, save."""

from __future__ import annotations

from dataclasses import replace

from bot.flows.alert_desk import Desk
from bot.flows.asking import Asking
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
from bot.slack import Person, Place
from bot.store.alert_rules import Draft, Entry
from reports.alert import Recipient, Rule, To
from reports.alert_fields import AlertFields, Field, fields_of, read_fields
from reports.audit import DONE, Act
from reports.grammar import CommandError
from reports.grammar_alert import parse_alert, rule_of
from reports.render import alert_form as render
from reports.render.forms import Meta, notice
from reports.schedule_fields import WrongField, said
from reports.text import clean, escape
from reports.timerange import zone_names

NEW, EDIT = "New alert", "Edit alert"
CHANGED = (
    "Somebody changed this alert while you had it open; it is now: {now}. Save again to put yours"
    " in its place, or cancel to leave it so."
)


class AlertForm:
    """The modal of alert rules. Each method judges who acts."""

    def __init__(self, asking: Asking, desk: Desk, homes: Homes) -> None:
        self._asking = asking
        self._desk = desk
        self._homes = homes

    def new(
        self, place: Place, trigger: str, words: Words | None = None, channel: str = ""
    ) -> None:
        """Open it for something new; `words` gives those after `alert`, `channel` is an id."""

        def make(person: Person) -> View | None:
            begun = words(person) if words else ""
            if begun is None:
                return None
            zone = self._zone(person)
            read = parse_alert(f"alert {begun}") if begun else None
            fields = fields_of(read, zone) if isinstance(read, Rule) else AlertFields(zone=zone)
            if channel and fields.to == To.CHANNEL and not fields.channel:
                fields = replace(fields, channel=channel)
            meta = Meta(home=int(place.home), url=place.response_url)
            return self._view(person, fields, meta)

        open_modal(self._asking, place, trigger, NEW, make, Act.ALERTED)

    def edit(self, place: Place, trigger: str, id_: str) -> None:
        """Open it for a rule, for who may manage that."""

        def make(person: Person) -> View | None:
            entry = self._desk.find(person, id_)
            if isinstance(entry, str):
                self._desk.refuse(place, entry)
                return None
            owner = self._owner(entry)
            meta = Meta(entry.id, version(entry), int(place.home), place.response_url)
            return self._view(owner, self._fields(entry, owner), meta)

        open_modal(self._asking, place, trigger, EDIT, make, Act.CHANGED_ALERT)

    def look(self, user: str, sent: Sent) -> None:
        """Draw it anew after something in it was changed, with what would come of it."""
        title = EDIT if sent.meta.id else NEW
        person = allowed(self._asking, user, Act.ALERTED, title)
        if isinstance(person, Show):
            change_view(self._asking, sent, person.view)
            return
        entry = self._desk.find(person, sent.meta.id) if sent.meta.id else None
        if isinstance(entry, str):
            change_view(self._asking, sent, notice(EDIT, entry))
            return
        owner = self._owner(entry) if entry else person
        fields = render.entered(sent.entered, self._zone(owner))
        change_view(self._asking, sent, self._view(owner, fields, sent.meta))

    def submit(self, user: str, sent: Sent) -> Outcome:
        """Save what stands in it, or say at the field what is wrong."""
        id_ = sent.meta.id
        act, title = (Act.CHANGED_ALERT, EDIT) if id_ else (Act.ALERTED, NEW)
        person = allowed(self._asking, user, act, title)
        if isinstance(person, Show):
            return person
        entry = self._desk.find(person, id_) if id_ else None
        if isinstance(entry, str):
            return Show(notice(title, entry))
        owner = self._owner(entry) if entry else person
        fields = render.entered(sent.entered, self._zone(owner))
        rule = read_fields(fields)
        if isinstance(rule, WrongField):
            return self._errors(fields, rule.field, rule.problem)
        draft = self._desk.draft(owner, rule, "")
        if isinstance(draft, CommandError):
            return self._errors(fields, Field.WHOSE, _filters_said(draft))
        if isinstance(draft, str):
            if rule.to.kind is To.CHANNEL:
                return self._errors(fields, Field.CHANNEL, draft)
            return Show(self._view(owner, fields, sent.meta, draft))
        if entry is None:
            return once(self._asking, sent, fields, lambda: self._keep(person, draft, sent))
        return self._change(person, entry, draft, fields, sent)

    # -- what they share

    def _errors(self, fields: AlertFields, field: str, problem: str) -> Outcome:
        name = render.limit_field(fields.kind) if field == Field.LIMIT else field
        return Errors({name: problem or "This is not understood."})

    def _owner(self, entry: Entry) -> Person:
        """Whose figures a rule watches: its maker's, whoever edits it."""
        return self._asking.slack.person(entry.draft.maker)

    def _fields(self, entry: Entry, owner: Person) -> AlertFields:
        zone = self._zone(owner)
        try:
            return fields_of(rule_of(entry.draft.words), zone)
        except ValueError:  # words of an older version, which mean nothing any more
            return AlertFields(zone=zone)

    def _view(self, owner: Person, fields: AlertFields, meta: Meta, note: str = "") -> View:
        return render.view(fields, meta, self._foreseen(owner, fields, meta), note)

    def _foreseen(self, owner: Person, fields: AlertFields, meta: Meta) -> str:
        """What the fields mean, and how things stand now."""
        rule = read_fields(fields)
        if isinstance(rule, WrongField):
            return f":warning: {escape(clean(rule.problem, 600))}"
        zone = rule.zone or self._asking.settings.zone
        # where it goes is looked at when it is saved: that would ask Slack on every change
        draft = self._desk.draft(owner, replace(rule, to=Recipient()), "")
        if isinstance(draft, CommandError):
            return render.foreseen(rule, zone, _filters_said(draft))
        if isinstance(draft, str):
            return f":warning: {draft}"
        return render.foreseen(rule, zone, self._desk.readings(draft, meta.id))

    def _keep(self, person: Person, draft: Draft, sent: Sent) -> Outcome:
        shown = self._desk.keep(person, draft)
        outcome = DONE if shown.outcome == "alerted" else shown.outcome
        self._note(Act.ALERTED, person, f"alert {draft.words}", outcome)
        if shown.outcome != "alerted":
            return Errors({Field.KIND: shown.message.text[:1_000]})
        if sent.meta.home:
            self._homes.renew(person)
        else:
            self._asking.slack.respond(Place(sent.meta.url, person.id), shown.message)
        return Done()

    def _change(
        self, person: Person, entry: Entry, draft: Draft, fields: AlertFields, sent: Sent
    ) -> Outcome:
        if entry.draft.words == draft.words:
            return Done()  # it is so already: sent twice, or nothing was changed
        if version(entry) != sent.meta.version:
            return self._overtaken(entry, fields, sent)
        if not self._desk.change(entry, draft):
            found = self._desk.find(person, entry.id)
            if isinstance(found, str):
                return Show(notice(EDIT, found))
            return self._overtaken(found, fields, sent)
        self._note(Act.CHANGED_ALERT, person, f"{entry.draft.words} -> {draft.words}", DONE)
        if sent.meta.home:
            self._homes.renew(person)
        else:
            self._desk.show(Place(sent.meta.url, person.id), entry.id)
        return Done()

    def _overtaken(self, entry: Entry, fields: AlertFields, sent: Sent) -> Outcome:
        """What was entered again, beside what somebody else has made of it meanwhile."""
        meta = replace(sent.meta, version=version(entry))
        now = escape(clean(entry.draft.words, 300).replace("`", "'"))
        note = CHANGED.format(now=f"`{now}`")
        return Show(self._view(self._owner(entry), fields, meta, note))

    def _note(self, act: Act, person: Person, what: str, outcome: str) -> None:
        self._asking.audit.note(act, person.id, what, outcome=outcome, email=person.email)

    def _zone(self, person: Person) -> str:
        return zone_names().get((person.zone or "").lower()) or self._asking.settings.zone


def version(entry: Entry) -> str:
    """What tells whether a rule was changed meanwhile."""
    return str(entry.version)


def _filters_said(wrong: CommandError) -> str:
    """A problem with a name, with the filters as they were probably meant."""
    meant = parse_alert(wrong.suggestion) if wrong.suggestion else None
    if isinstance(meant, Rule) and meant.filters:
        filters = " ".join(map(str, meant.filters))
        return said(CommandError(wrong.problem, "", filters))
    return wrong.problem[:1_000]
