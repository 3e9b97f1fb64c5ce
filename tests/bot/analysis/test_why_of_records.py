"""The cells that a change is explained by are what the records come to, whatever is asked."""

import csv
import io
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analysis.registry import analyze
from bot.analysis.why import BY_HOUR
from bot.answers.answer import make_plan
from bot.answers.write_file import Format, Job, write_file
from reports.questions.grammar import CommandError, parse
from reports.questions.query import QueryKind
from reports.questions.unfinished import whole_part
from reports.time.period_to_range import by_hour
from reports.time.time_range import TimeRange
from reports.usage.coverage import answerable_range
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import nano_dollars
from tests.bot.answers.answer_reference import value
from tests.bot.answers.test_answer import ask, reference  # noqa: F401 - a fixture
from tests.cache_help import NOW

PARTS = ("volume", "mix", "price")


def spent(reference, plan, span: TimeRange, stored):  # noqa: F811
    """Spend in nano-dollars by key, model and creator, as their labels."""
    found: dict[tuple[str, ...], int] = {}
    by_creator = plan.query.by is Dimension.CREATOR
    for one, refs in reference.records(plan.query, span, stored, None):
        place = (
            reference.labels[Dimension.KEY, refs[Dimension.KEY]],
            one.model,
            reference.labels[Dimension.CREATOR, refs[Dimension.CREATOR]] if by_creator else "",
        )
        cost = value(one, Metric.SPEND, plan.query.source)
        found[place] = found.get(place, 0) + cost
    return {place: cost for place, cost in found.items() if cost}


@settings(max_examples=60)
@given(st.data())
def test_every_cell_is_what_the_records_come_to(reference, data):  # noqa: F811
    asked = ask(data.draw, reference).query
    query = replace(asked, kind=QueryKind.WHY, metric=Metric.SPEND)
    plan = make_plan(reference.store, query, NOW, "UTC")
    found = analyze(reference.store, query, NOW, "UTC")
    if isinstance(found, CommandError) or isinstance(plan, CommandError):
        return
    told = found.data()
    if told["change"] is None:
        return
    coverage = reference.store.state().coverage
    both = by_hour(plan.ranges) if BY_HOUR in found.notes else plan.ranges
    before, now = (answerable_range(of, coverage) for of in (both.previous, both.current))
    check(reference, plan, told, (before.range, now.range), (before.stored, now.stored))
    if "whole" in told:
        part = whole_part(query, now.range, before.range)
        through = (part.previous, part.current)
        check(reference, plan, told["whole"], through, (before.stored, now.stored))
    seen = analyze(reference.store, query, NOW, "UTC", whole=False)
    assert (seen.sentences, seen.rows) == (found.sentences, found.rows)


def check(reference, plan, told, spans, stored):  # noqa: F811
    """The cells of an explanation are those of the records, and its parts add up."""
    for name, span, grain in zip(("from", "to"), spans, stored, strict=True):
        shown = {
            (cell["key"], cell["model"], cell.get("creator", "")): nano_dollars(cell[name])
            for cell in told["cells"]
        }
        wanted = spent(reference, plan, span, grain)
        assert {place: cost for place, cost in shown.items() if cost} == wanted
        assert nano_dollars(told[name]) == sum(wanted.values())
    for part in PARTS:
        cells = sum(nano_dollars(cell[part]) for cell in told["cells"])
        assert cells == nano_dollars(told["parts"][part])
        if plan.query.by:
            groups = sum(nano_dollars(group["parts"][part]) for group in told["groups"])
            assert cells == groups


def exported(reference, words):  # noqa: F811
    """Tokens and spend (in dollars) by key and model, from the CSV file of a question."""
    out = io.BytesIO()
    write_file(reference.store, Job(words, NOW, "UTC", Format.CSV), out)
    found: dict[tuple[str, str], tuple[int, Fraction]] = {}
    for row in csv.DictReader(io.StringIO(out.getvalue().decode())):
        place = row["API Key"], row["Slug"]
        tokens, spend = found.get(place, (0, Fraction(0)))
        found[place] = (
            tokens + int(row["Prompt Tokens"]) + int(row["Completion Tokens"]),
            spend + Fraction(row["Usage"]) + Fraction(row["BYOK Usage"]),
        )
    return found


@pytest.mark.parametrize(
    ("now", "before"),
    [
        ("2026-11-14..2026-11-20", "2026-11-07..2026-11-13"),
        ("2026-11-20", "2026-11-19"),
        ("2026-10", "2026-09"),
    ],
)
def test_the_parts_are_those_of_the_exported_files_of_both_periods(reference, now, before):  # noqa: F811
    was, is_ = (exported(reference, f"{span} by key") for span in (before, now))
    query = parse(f"why spend {now}").query
    told = analyze(reference.store, query, NOW, "UTC").data()
    v0, v1 = (sum(tokens for tokens, _ in one.values()) for one in (was, is_))
    assert v0
    assert v1
    exact = dict.fromkeys(PARTS, Fraction(0))
    for place in {**was, **is_}:
        (t0, s0), (t1, s1) = was.get(place, (0, Fraction(0))), is_.get(place, (0, Fraction(0)))
        if not t0 and not t1:
            exact["price"] += s1 - s0
            continue
        price = s0 / t0 if t0 else s1 / t1
        if not t0:
            exact["price"] -= s0  # spend without tokens has no price to compare with
        exact["volume"] += t0 * (Fraction(v1, v0) - 1) * price
        exact["mix"] += (t1 - t0 * Fraction(v1, v0)) * price
        exact["price"] += (s1 - t1 * price) if t0 else 0
    assert Fraction(told["from"]) == sum(spend for _, spend in was.values())
    assert Fraction(told["to"]) == sum(spend for _, spend in is_.values())
    assert sum(exact.values()) == Fraction(told["change"])
    for part in PARTS:
        # equal, but for the rounding to whole nano-dollars
        assert abs(Fraction(told["parts"][part]) - exact[part]) < Fraction(2, 10**9)
