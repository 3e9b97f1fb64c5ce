"""The JSON: exactly the shape that is promised, exact figures, and nothing left out."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from reports.questions.query import Query, Versus
from reports.render.json import as_json
from reports.usage.dimensions import Dimension, Filter, Metric
from reports.usage.usage import Usage
from tests.reports.render.anything import summaries
from tests.reports.render.samples import MONTH, answer, rows, time_range, usage

SPAN = time_range(MONTH)
STAMP = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
MONEY = {"type": "string", "pattern": r"^-?\d+(\.\d{0,8}[1-9])?$"}
COUNT = {"type": "integer"}
NUMBER = {"type": "number"}
PARTS = {"spend": {"credits", "byok"}, "tokens": {"prompt", "completion", "reasoning"}}


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def optional(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def metric(figure: dict[str, Any], average: dict[str, Any]) -> dict[str, Any]:
    group = closed(
        label={"type": "string"},
        min=figure,
        max=figure,
        avg=average,
        sum=figure,
        share=NUMBER,
        active=COUNT,
        buckets={"type": "array", "items": optional(figure)},
    )
    compared = closed(**group["properties"], previous=optional(figure), change=optional(NUMBER))
    through = {"type": "string", "format": "date"}
    whole = {"from": figure, "to": figure, "change": optional(NUMBER)}
    through_whole = closed(through=through, **whole)
    compared_whole = closed(**compared["properties"], whole=through_whole)
    return closed(
        sum=figure,
        avg=optional(average),
        previous=optional(figure),
        change=optional(NUMBER),
        parts={"type": "object", "additionalProperties": figure},
        groups={"type": "array", "items": {"anyOf": [group, compared, compared_whole]}},
        whole=through_whole,
    ) | {"required": ["sum", "avg", "previous", "change", "parts", "groups"]}


SCHEMA = closed(
    query=closed(
        command={"type": "string"},
        metric={"enum": [None, "spend", "tokens", "requests"]},
        period={"type": "string"},
        by={"enum": [None, "model", "key", "creator", "provider", "end-user"]},
        source={"enum": ["all", "credits", "byok"]},
        filters={"type": "array", "items": {"type": "string"}},
    ),
    range=closed(
        start=STAMP,
        end=STAMP,
        granularity={"enum": ["minute", "hour", "day", "month"]},
        buckets={"type": "array", "items": STAMP, "minItems": 1},
    ),
    as_of={"anyOf": [STAMP, {"type": "null"}]},
    partial={"type": "array", "items": {"type": "string"}},
    metrics={
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "spend": metric(MONEY, MONEY),
            "tokens": metric(COUNT, NUMBER),
            "requests": metric(COUNT, NUMBER),
        },
    },
)


@settings(max_examples=60, deadline=None)
@given(summaries(whole=True))
def test_any_answer_has_the_promised_shape_and_adds_up(summary):
    said = json.loads(json.dumps(as_json(summary), ensure_ascii=False, allow_nan=False))
    jsonschema.validate(said, SCHEMA)
    asked = summary.query.metric
    assert set(said["metrics"]) == ({asked} if asked else {"spend", "tokens", "requests"})
    count = len(said["range"]["buckets"])
    for part in said["metrics"].values():
        groups = part["groups"]
        assert sum(Decimal(group["sum"]) for group in groups) == Decimal(part["sum"])
        assert [Decimal(g["sum"]) for g in groups] == sorted(
            (Decimal(g["sum"]) for g in groups), reverse=True
        )
        for group in groups:
            assert len(group["buckets"]) == count
            assert sum(map(Decimal, group["buckets"])) == Decimal(group["sum"])
            assert 0 <= group["share"] <= 1
            assert group["active"] <= count
        assert (
            abs(Decimal(part["avg"]) * count - Decimal(part["sum"]))
            <= Decimal(part["sum"]) / 10**9 + 1
        )


def test_it_is_the_promised_answer():
    used = rows(SPAN, members=("prod", "evals"), models=("a/b",), density=1_000)
    query = Query(Metric.TOKENS, MONTH, Dimension.KEY, (Filter(Dimension.MODEL, "a*"),))
    before = usage(9)
    said = as_json(answer(query, used, SPAN, previous=before, partial=("days are missing",)))
    assert said["query"] == {
        "command": "/activity tokens 1m by key model:a*",
        "metric": "tokens",
        "period": "1m",
        "by": "key",
        "source": "all",
        "filters": ["model:a*"],
    }
    assert said["range"]["start"] == "2026-10-22T00:00:00Z"
    assert said["range"]["end"] == "2026-11-22T10:31:07Z"
    assert said["range"]["granularity"] == "day"
    assert said["range"]["buckets"][:2] == ["2026-10-22T00:00:00Z", "2026-10-23T00:00:00Z"]
    assert len(said["range"]["buckets"]) == 32
    assert (said["as_of"], said["partial"]) == ("2026-11-22T10:31:07Z", ["days are missing"])
    tokens = said["metrics"]["tokens"]
    total = sum(row.usage.tokens for row in used)
    assert tokens["sum"] == total
    assert tokens["avg"] == pytest.approx(total / 32)
    assert tokens["previous"] == before.tokens
    assert tokens["change"] == pytest.approx((total - before.tokens) / before.tokens)
    assert tokens["parts"] == {
        "prompt": sum(row.usage.prompt for row in used),
        "completion": sum(row.usage.completion for row in used),
        "reasoning": sum(row.usage.reasoning for row in used),
    }
    prod = tokens["groups"][0]
    mine = [row.usage.tokens for row in used if row.member == "prod"]
    assert (prod["label"], prod["sum"], prod["active"]) == ("prod", sum(mine), len(mine))
    assert (prod["min"], prod["max"]) == (min(mine), max(mine))
    assert prod["share"] == pytest.approx(sum(mine) / total)


def test_money_is_exact_to_the_nano_dollar():
    used = [rows(SPAN)[0]._replace(usage=usage(1)._replace(credits=10**18 + 1, byok=10))]
    spend = as_json(answer(Query(Metric.SPEND, MONTH), used, SPAN))["metrics"]["spend"]
    assert spend["sum"] == "1000000000.000000011"
    assert spend["parts"] == {"credits": "1000000000.000000001", "byok": "0.00000001"}
    assert spend["groups"][0]["label"] == "all"


def test_what_was_before_may_not_be_known():
    part = as_json(answer(Query(Metric.SPEND, MONTH), rows(SPAN), SPAN))["metrics"]["spend"]
    assert (part["previous"], part["change"]) == (None, None)


def test_nothing_at_all_is_an_answer_as_well():
    said = as_json(answer(Query(period=MONTH), [], SPAN))
    jsonschema.validate(said, SCHEMA)
    assert said["metrics"]["spend"]["sum"] == "0"
    assert said["metrics"]["tokens"]["groups"] == []


def test_what_is_not_held_is_null_and_not_zero():
    day = rows(SPAN, density=1_000)[0]  # the newest bucket
    found = answer(Query(Metric.TOKENS, MONTH), [day], SPAN, unknown=range(30))
    part = as_json(found)["metrics"]["tokens"]
    assert part["groups"][0]["buckets"] == [None] * 30 + [0, day.usage.tokens]
    assert part["avg"] == day.usage.tokens / 2
    nothing = as_json(answer(Query(Metric.TOKENS, MONTH), [], SPAN, unknown=range(32)))
    assert nothing["metrics"]["tokens"]["avg"] is None


def test_groups_carry_what_they_were_where_the_question_compares():
    used = [rows(SPAN)[0]._replace(member="a", usage=Usage(requests=3))]
    query = Query(Metric.REQUESTS, MONTH, Dimension.KEY, versus=Versus.BEFORE)
    before = {"a": Usage(requests=2), "gone": Usage(requests=5)}
    part = as_json(answer(query, used, SPAN, before=before))["metrics"]["requests"]
    shown = [(g["label"], g["sum"], g["previous"], g["change"]) for g in part["groups"]]
    assert shown == [("a", 3, 2, 0.5), ("gone", 0, 5, -1.0)]
    assert part["previous"] == 7
    plain = as_json(answer(replace(query, versus=None), used, SPAN))
    assert "previous" not in plain["metrics"]["requests"]["groups"][0]


def test_where_the_period_before_is_not_held_groups_say_null():
    query = Query(Metric.REQUESTS, MONTH, Dimension.KEY, versus=Versus.YEAR)
    part = as_json(answer(query, rows(SPAN), SPAN))["metrics"]["requests"]
    assert {group["previous"] for group in part["groups"]} == {None}


@pytest.mark.parametrize(
    ("incomplete", "words"),
    [
        ((), []),
        ((28,), ["the average includes 19 Nov with incomplete data"]),
        ((3, 28), ["the average includes 2 days with incomplete data"]),
        ((31,), []),  # the current day, which is never complete
    ],
)
def test_partial_names_incomplete_buckets_that_are_averaged(
    incomplete: tuple[int, ...], words: list[str]
) -> None:
    query = Query(None, MONTH)
    said = as_json(answer(query, rows(SPAN), SPAN, incomplete=incomplete))
    assert said["partial"] == words
    assert len(said["metrics"]) > 1
