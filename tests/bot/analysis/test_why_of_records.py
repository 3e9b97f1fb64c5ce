"""The cells that a change is explained by are what the records come to, whatever is asked."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analysis.registry import analyze
from bot.answers.answer import make_plan
from reports.questions.grammar import CommandError
from reports.questions.query import QueryKind
from reports.time.timerange import TimeRange
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
    before = answerable_range(plan.ranges.previous, reference.store.state().coverage)
    for name, of in (("from", before), ("to", plan.source)):
        shown = {
            (cell["key"], cell["model"], cell.get("creator", "")): nano_dollars(cell[name])
            for cell in told["cells"]
        }
        wanted = spent(reference, plan, of.range, of.stored)
        assert {place: cost for place, cost in shown.items() if cost} == wanted
    for part in PARTS:
        cells = sum(nano_dollars(cell[part]) for cell in told["cells"])
        assert cells == nano_dollars(told["parts"][part])
        if query.by:
            groups = sum(nano_dollars(group["parts"][part]) for group in told["groups"])
            assert cells == groups
