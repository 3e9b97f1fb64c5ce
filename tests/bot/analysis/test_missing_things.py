"""Answers without data: one sentence, and never a zero."""

from datetime import timedelta

import pytest

from bot.analysis.registry import analyze
from bot.demo.openrouter.organization import Key, Member, Organization, Record
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import validate
from bot.store import Database, Store
from reports.analysis.document import AnalysisDocument
from reports.analysis.limits_answer import NOT_READ
from reports.analysis.price import prices
from reports.analysis.price_answer import price_answer
from reports.analysis.slack.message import analysis_message
from reports.analysis.text import as_terminal
from reports.analysis.whatif import Repriced
from reports.analysis.whatif_answer import CachePricing, whatif_answer
from reports.analysis.why_answer import NOTHING_CHANGED
from reports.questions.grammar import CommandError, parse
from reports.questions.slack.balance import limits_text
from reports.time.time_range import Granularity, TimeRange
from reports.usage.usage import Usage
from tests.cache_help import NOW, Cache
from tests.clock import Clock
from tests.world import DOLLAR

ADA = Member("user_ada", "Ada", "Lovelace", "ada@example.com")
HOSTILE = "<!channel> *x*\n=cmd|' /C calc'!A0\x1b[31m"
QUESTIONS = ("price 1m by model", "why spend 1w", "why tokens 1w", "forecast by key", "limits",
             "keys", "cache 1m by key", "retiring")  # fmt: skip


def used(key, day, model="a/b"):
    """A dollar's worth of a day."""
    return Record(
        NOW - timedelta(hours=2 + 24 * day), key.hash, ADA.id, model, prompt=1_000,
        completion=10, credits_nano=DOLLAR,
    )  # fmt: skip


@pytest.fixture(scope="module", params=["empty", "new", "even", "hostile"])
def cache(request, tmp_path_factory):
    key = Key(HOSTILE if request.param == "hostile" else "prod", creator=ADA.id)
    days = {"empty": 0, "new": 1, "even": 60, "hostile": 40}[request.param]
    model = "evil/<!here>" if request.param == "hostile" else "a/b"
    records = [used(key, day, model) for day in range(days)]
    made = Organization([ADA], [key] if days else [], records=records, credits=10**12 * bool(days))
    clock = Clock(NOW)
    with LocalOpenRouter(made, clock=clock) as server:
        server.requests_per_minute = None
        filled = Cache(server, tmp_path_factory.mktemp(request.param) / "activity.db", clock)
        filled.fill()
    yield request.param, filled.store
    filled.close()


def answered(store, words) -> AnalysisDocument:
    found = analyze(store, parse(words).query, NOW, "UTC")
    assert isinstance(found, AnalysisDocument), found
    return found


@pytest.mark.parametrize("words", QUESTIONS)
def test_every_answer_is_a_valid_message_without_a_zero_for_what_is_missing(cache, words):
    name, store = cache
    found = answered(store, words)
    message = analysis_message(found)
    assert validate(list(message.blocks)) == []
    said = " ".join(found.sentences)
    if name == "empty":
        assert len(found.sentences) == 1
        assert "$0" not in said
        assert found.empty
    for hostile in ("<!channel>", "<!here>"):
        assert hostile not in message.text
    assert "\x1b" not in as_terminal(found)


def test_what_is_missing_is_said_in_a_sentence(cache):
    name, store = cache
    why, forecast, limits = (
        " ".join(answered(store, words).sentences) for words in ("why spend 1w", "forecast",
                                                                 "limits")
    )  # fmt: skip
    match name:
        case "empty":
            assert why == NOTHING_CHANGED
            assert "there is nothing to forecast from" in forecast
            assert "Credits" not in limits
        case "new":
            assert "there is nothing to split: all of it is new" in why
            assert "$1.00 was spent so far" in forecast
        case "even":
            assert why == "Spend did not change: $8.00, as in the week before."
            assert answered(store, "why spend 1w").steps == ()
            assert "Earlier days were all alike, so there is no range around it." in forecast
            assert "fewer than three earlier months" in forecast


SPAN = TimeRange((NOW - timedelta(days=1),), NOW, Granularity.DAY, NOW)


def test_what_was_free_is_called_free_and_not_priced_at_zero():
    used_free = Usage(requests=2, prompt=900, completion=100)
    found = price_answer(
        parse("price 1m").query, SPAN, prices(used_free, {}), as_of=NOW, partial=()
    )
    assert found.sentences == ("All of it was free: 1K tokens in 2 requests.",)


@pytest.mark.parametrize(("count", "named"), [(3, "m/0, m/1, m/2"), (4, "4 models")])
def test_models_to_reprice_are_named_or_where_they_are_many_counted(count, named):
    source = ", ".join(f"m/{number}" for number in range(count))
    found = whatif_answer(
        parse("whatif m -> x").query, SPAN, source, "x/y", Repriced("all", 3, 3, 1), (),
        CachePricing(), as_of=NOW, partial=(),
    )  # fmt: skip
    assert found.title.endswith(f": x/y instead of {named}")
    assert f" on {named} and " in found.sentences[0]
    assert found.data()["from"] == source


def test_limits_that_were_never_read_are_unknown_instead_of_none(tmp_path):
    store = Store(Database(tmp_path / "activity.db"))
    found = analyze(store, parse("limits").query, NOW, "UTC")
    store.close()
    assert isinstance(found, CommandError)
    assert found.problem == NOT_READ
    assert NOT_READ in limits_text((), known=False)
