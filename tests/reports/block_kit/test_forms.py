"""Forms as views: Slack takes them whatever is in them, and what was entered comes back."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.demo.slack import payloads
from bot.demo.slack.blocks import validate_view
from reports.alerts import form_fields as alert_fields
from reports.alerts.form_fields import AlertFields
from reports.alerts.kinds.above import Above
from reports.alerts.kinds.registry import BY_KEY
from reports.alerts.rule import RecipientKind
from reports.alerts.slack import form as alert_form
from reports.block_kit.inputs import Entered, Meta, notice
from reports.questions import form_fields as question_fields
from reports.questions.form_fields import QuestionFields
from reports.questions.slack import form as question_form
from reports.schedules.form_fields import Frequency, ScheduleFields, read_fields
from reports.schedules.grammar import ScheduledQuestion
from reports.schedules.recurrence import WEEKDAYS, TargetKind
from reports.schedules.slack import form as schedule_form
from reports.time.time_range import zone_names
from reports.usage.dimensions import STORED, Dimension
from tests.reports.render.anything import EVIL, names, summaries
from tests.reports.render.samples import NOW

texts = st.one_of(st.sampled_from(EVIL), st.text(max_size=400))
metas = st.builds(Meta, st.sampled_from(["", "a1"]), st.just("1"), st.integers(0, 1), st.just("u"))
words = texts.map(lambda text: (text or "x")[:2_900])
schedules = st.builds(
    ScheduleFields,
    question=texts,
    often=st.sampled_from(Frequency),
    days=st.lists(st.sampled_from(WEEKDAYS), unique=True).map(tuple),
    month_day=st.sampled_from(["1", "31", "last"]),
    cron=texts,
    at=st.times().map(lambda at: f"{at:%H:%M}") | st.just(""),
    zone=texts,
    to=st.sampled_from(TargetKind),
    channel=st.sampled_from(["", "C1"]),
    files=st.sampled_from([(), ("csv",), ("csv", "pdf")]),
)
alerts = st.builds(
    AlertFields,
    kind=st.sampled_from(sorted(BY_KEY)),
    metric=st.sampled_from(Above.form_metrics),
    limit=texts,
    unit=st.sampled_from(alert_fields.UNITS),
    what=st.sampled_from([Dimension.MODEL, Dimension.KEY]),
    by=st.sampled_from([alert_fields.ALL, *STORED]),
    whose=texts,
    zone=texts,
    to=st.sampled_from(RecipientKind),
    channel=st.sampled_from(["", "C1"]),
    urgent=st.booleans(),
)
questions = st.builds(
    QuestionFields,
    metric=st.sampled_from([value for value, _ in question_fields.METRICS]),
    period=st.sampled_from([value for value, _ in question_fields.PERIODS]),
    other=texts,
    by=st.sampled_from([question_fields.ALL, *STORED]),
    whose=texts,
    top=texts,
    files=st.sampled_from([(), ("pdf",)]),
    to=st.sampled_from([question_fields.ME, question_form.CHANNEL]),
    channel=st.sampled_from(["", "C1"]),
)


@given(schedules, metas, words, st.booleans(), st.sampled_from(["", "Changed."]))
def test_slack_takes_the_form_of_any_schedule(fields, meta, said, everyone, note):
    view = schedule_form.view(fields, meta, said, everyone=everyone, note=note)
    assert validate_view(view) == []


@given(alerts, metas, words)
def test_slack_takes_the_form_of_any_alert(fields, meta, said):
    assert validate_view(alert_form.view(fields, meta, said, "Changed.")) == []


@given(questions, metas, words)
def test_slack_takes_the_form_of_any_question(fields, meta, said):
    assert validate_view(question_form.view(fields, meta, said)) == []


def sent(view):
    """What comes back of a form in which nothing was touched."""
    return Entered.of(payloads.state(view["blocks"], {}))


@given(
    st.sampled_from(Frequency), st.sampled_from(TargetKind), st.sampled_from([(), ("csv", "pdf")])
)
def test_an_untouched_schedule_comes_back_as_it_was(often, to, files):
    fields = ScheduleFields(often=often, to=to, files=files, zone="Europe/Berlin")
    fields = replace(fields, channel="C1" if to == TargetKind.CHANNEL else "")
    view = schedule_form.view(fields, Meta(), "x", everyone=True)
    assert read_fields(schedule_form.entered(sent(view), "UTC")) == read_fields(fields)


@given(st.sampled_from(sorted(BY_KEY)), st.booleans())
def test_an_untouched_alert_comes_back_as_it_was(kind, urgent):
    limit = BY_KEY[kind].usual_limit
    fields = AlertFields(kind=kind, limit=limit, urgent=urgent, zone="Europe/Berlin")
    view = alert_form.view(fields, Meta(), "x")
    entered = alert_form.entered(sent(view), "UTC", "UTC")
    assert alert_fields.read_fields(entered) == alert_fields.read_fields(fields)


@given(metas)
def test_a_form_remembers_what_it_edits(meta):
    assert Meta.of(meta.text()) == meta


@given(st.text() | st.sampled_from(["[]", "1", '{"home": "x", "id": 7}']))
def test_what_is_none_of_ours_is_remembered_as_nothing(text):
    assert Meta.of(text).home in {0, 1}


json_values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=2)
)


@given(st.dictionaries(st.text(max_size=9), json_values))
def test_a_state_of_any_shape_is_read(state):
    assert Entered.of(json.loads(json.dumps(state))).text("x", "y") == "y"


@given(summaries(), names)
def test_the_preview_fits_and_pings_nobody(summary, name):
    standing = read_fields(ScheduleFields())
    assert isinstance(standing, ScheduledQuestion)
    for found in (summary, name):
        said = schedule_form.preview_text(standing, "UTC", NOW, found)
        asked = question_form.preview_text(summary.query.command(), found)
        for one in (said, asked):
            assert 0 < len(one) <= 3_000
            assert "<!channel>" not in one
            assert validate_view(notice("x", one)) == []


def test_every_zone_can_be_entered():
    for name in zone_names():
        assert isinstance(read_fields(ScheduleFields(zone=name)), ScheduledQuestion), name
