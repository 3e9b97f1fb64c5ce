"""A form and a command give the same rules, and the same errors at the fields."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.alerts.form_fields import (
    ALL,
    UNITS,
    AlertField,
    AlertFields,
    fields_of,
    read_fields,
)
from reports.alerts.grammar import parse_alert
from reports.alerts.kinds.above import Above
from reports.alerts.kinds.registry import BY_KEY
from reports.alerts.rule import RecipientKind, Rule
from reports.questions.form_error import FormError
from reports.usage.dimensions import STORED, Dimension

WORDS = (
    "spend > $50 per day by creator tz Europe/Berlin",
    "spend byok > $0.5 per hour key:prod tz UTC",
    "tokens > 10M per week by model model:claude* urgent tz UTC",
    "requests > 12345 per month in <#C1|> tz UTC",
    "budget 80% 100%",
    "budget 50% by key to owner",
    "spike",
    "spike > $20 by key key:prod to owner urgent",
    "credits < $100",
    "new model by creator",
    "new key key:prod* in <#C1|>",
    "forecast > $1000 per month by creator to owner tz Asia/Kathmandu",
    "forecast credits > $12.5 per month tz UTC",
    "sync",
    "key unused 60d key:prod to owner",
    "key orphaned in <#C1|>",
    "cache < 50% by key key:prod",
    "retiring model:claude*",
)


@pytest.mark.parametrize("words", WORDS)
def test_a_rule_is_unchanged_by_its_form(words):
    rule = parse_alert(f"alert {words}")
    assert isinstance(rule, Rule), rule
    assert read_fields(fields_of(rule, "UTC")) == rule


def test_an_empty_form_is_a_valid_rule():
    assert read_fields(AlertFields()) == parse_alert("alert spend > $50 per day tz UTC")


def test_dollars_may_be_entered_without_a_sign_in_a_dollar_field():
    assert read_fields(AlertFields(limit="50")) == read_fields(AlertFields())
    assert read_fields(AlertFields(kind="credits", limit="1k")) == parse_alert(
        "alert credits < $1000"
    )


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"limit": ""}, AlertField.LIMIT, ""),
        ({"limit": "€50"}, AlertField.LIMIT, "OpenRouter bills in US dollars"),
        ({"limit": "-5"}, AlertField.LIMIT, ""),
        ({"limit": "much"}, AlertField.LIMIT, ""),
        ({"limit": "$50 by key"}, AlertField.LIMIT, ""),
        ({"metric": "tokens", "limit": "$50"}, AlertField.LIMIT, ""),
        ({"kind": "budget", "limit": "$50"}, AlertField.LIMIT, "percent"),
        ({"zone": "Berln"}, AlertField.ZONE, "Did you mean"),
        ({"whose": "spend 7d"}, AlertField.WHOSE, "just filters"),
        ({"whose": "kye:prod"}, AlertField.WHOSE, ""),
        ({"to": "owner"}, AlertField.TO, "by creator"),
        ({"to": "channel"}, AlertField.CHANNEL, "Choose a channel"),
    ],
)
def test_errors_are_shown_at_their_field(changes, field, problem):
    found = read_fields(replace(AlertFields(), **changes))
    assert isinstance(found, FormError), found
    assert (found.field, problem in found.problem) == (field, True), found
    assert 0 < len(found.problem) <= 1_000


@given(
    st.builds(
        AlertFields,
        kind=st.sampled_from(sorted(BY_KEY)),
        metric=st.sampled_from(Above.form_metrics),
        limit=st.text(max_size=20) | st.sampled_from(["$5", "80%", "7m", "0"]),
        unit=st.sampled_from(UNITS),
        what=st.sampled_from([Dimension.MODEL, Dimension.KEY]),
        by=st.sampled_from([ALL, *STORED]),
        whose=st.text(max_size=20) | st.just("key:prod"),
        to=st.sampled_from(RecipientKind),
        channel=st.sampled_from(["", "C1"]),
        urgent=st.booleans(),
    )
)
def test_any_input_is_a_rule_or_an_error(fields):
    found = read_fields(fields)
    assert isinstance(found, Rule | FormError)
    if isinstance(found, Rule):
        assert read_fields(fields_of(found, "UTC")) == found
