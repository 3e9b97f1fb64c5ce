"""Answer messages: Slack accepts them, they mention no one, and the fallback text is complete."""

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.access.policy import OUTSIDERS, UNSEEN
from bot.demo.slack import validate
from bot.demo.slack.tables import characters
from reports.admin.slack.help import help_message
from reports.block_kit.message import CHART, Message, RunButton, text_message
from reports.questions.grammar import CommandError, parse
from reports.questions.query import Query, Versus
from reports.questions.slack.answer import answer, as_text, error, figures
from reports.questions.slack.controls import Controls
from reports.questions.wording import capitalize_first, metric_words
from reports.render.changes import change_words
from reports.render.json import as_json
from reports.render.tables import others, ranked_groups
from reports.time.period import Calendar, Counted, DateSpan, Month, Unit
from reports.time.period_to_range import ranges
from reports.usage.dimensions import Dimension, Filter, Metric, MoneySource
from reports.usage.format import figure
from reports.usage.usage import Usage
from tests.reports.render.anything import EVIL, names, summaries
from tests.reports.render.samples import MONTH, NOW, rows, time_range, usage
from tests.reports.render.samples import answer as answered

MARKUP = re.compile(r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|[\w:, -]+>")
SPAN = time_range(MONTH)


def mrkdwn(value: object) -> list[str]:
    """Every text that Slack reads as markup."""
    if isinstance(value, list | tuple):
        return [text for one in value for text in mrkdwn(one)]
    if not isinstance(value, dict):
        return []
    if value.get("type") == "mrkdwn":
        return [value["text"]]
    return [text for one in value.values() for text in mrkdwn(one)]


def check(message: Message) -> None:
    """What holds for every message of the product."""
    for one in (message, message.without_chart().with_note(OUTSIDERS), message.with_note(UNSEEN)):
        assert validate(list(one.blocks)) == []
        assert sum(map(characters, one.blocks)) <= 13_200
        assert 0 < len(one.text) <= 4_000
        for text in (one.text, *mrkdwn(one.blocks)):
            bare = MARKUP.sub("", text)
            assert "<" not in bare
            assert ">" not in bare
            assert "&" not in re.sub(r"&(amp|lt|gt);", "", bare)
        one.text.encode()


@settings(max_examples=80, deadline=None)
@given(summaries(), st.text("abcdefghij-_/", min_size=1, max_size=31))
def test_slack_takes_the_answer_of_any_organization_and_it_pings_nobody(summary, command):
    labels = (group.label for part in summary.metrics.values() for group in part.groups)
    inside = {label: f"{index:0150}" for index, label in enumerate(sorted(set(labels)))}
    controls = Controls("s" * 255, "x" * 2_000, inside, private=True)
    message = answer(summary, f"/{command}", controls=controls)
    check(message)
    assert [b["type"] for b in message.blocks].count("actions") == (1 if summary.empty else 2)
    assert not any(block["type"] == CHART for block in message.without_chart().blocks)


@settings(max_examples=60, deadline=None)
@given(names.filter(str.isascii), names, names)
def test_slack_takes_every_error_and_every_sentence(problem, understood, suggestion):
    check(error(CommandError(problem, understood, suggestion)))
    check(text_message(f"{problem}."))


@settings(max_examples=60, deadline=None)
@given(summaries())
def test_slack_takes_the_figures_that_stand_in_for_a_file(summary):
    check(figures("Your workspace does not allow apps to upload files.", summary))


@given(st.text("<>&`*_~ abc", min_size=1, max_size=100).filter(str.strip))
def test_a_sentence_arrives_as_it_was_said(words):
    assert html.unescape(text_message(words).text) == words


@settings(max_examples=60, deadline=None)
@given(summaries())
def test_the_text_says_every_figure_that_is_shown(summary):
    text = html.unescape(as_text(summary))
    if summary.empty or text.endswith("…"):
        return
    for metric, part in summary.metrics.items():
        name = capitalize_first(metric_words(summary.query, metric))
        assert f"{name}: {figure(metric, part.sum)}" in text
    [*tables] = [b for b in answer(summary).blocks if b["type"] == "table"]
    for name, total, *_ in ([c["text"] for c in row] for b in tables for row in b["rows"][1:-1]):
        assert f"• {name}: {total} (" in text


@settings(max_examples=60, deadline=None)
@given(summaries())
def test_what_is_looked_at_and_the_others_add_up_to_the_whole(summary):
    for part in summary.metrics.values():
        shown, hidden = ranked_groups(summary, part), others(summary, part)
        count, left = hidden or (0, 0)
        assert sum(group.sum for group in shown) + left == part.sum
        assert len(shown) + count == len(part.groups) + part.other_count


@settings(max_examples=60, deadline=None)
@given(summaries(whole=True))
def test_message_and_json_say_the_same(summary):
    text, exact = html.unescape(as_text(summary)), as_json(summary)
    if summary.empty:
        return
    for metric, part in summary.metrics.items():
        said = exact["metrics"][metric]
        shown = int(said["sum"]) if metric is not Metric.SPEND else part.sum
        name = capitalize_first(metric_words(summary.query, metric))
        assert f"{name}: {figure(metric, shown)}" in text
    command = exact["query"]["command"].removeprefix("/activity ")
    assert len(command) > 300 or isinstance(parse(command), object)


def test_an_answer_by_group_reads_as_a_whole():
    used = rows(SPAN, members=("prod", "evals", "laptop"), models=("a/b",), density=1_000)
    query = Query(Metric.TOKENS, MONTH, Dimension.KEY, top=2)
    message = answer(answered(query, used, SPAN, previous=usage(1), partial=("x is missing",)))
    kinds = [block["type"] for block in message.blocks]
    assert kinds == ["header", "context", "section", CHART, "table", "context"]
    header, scope, figures, chart, table, footer = message.blocks
    assert header["text"]["text"] == "Tokens by API key, past month"
    assert scope["elements"][0]["text"] == "22 Oct – 22 Nov 2026, by day, UTC"
    assert figures["fields"][0]["text"].splitlines()[0].startswith("*Tokens*  *")
    assert " a day on average" in figures["fields"][0]["text"]
    assert " vs the month before (" in figures["fields"][0]["text"]
    assert figures["fields"][1]["text"].startswith("Prompt ")
    assert chart["title"] == "Tokens by API key, per 2 days"
    assert chart["chart"]["series"][0]["name"] == "prod"
    assert [row[0]["text"] for row in table["rows"]] == [
        "API key", "prod", "evals", "Others (1)", "Total",
    ]  # fmt: skip
    dated, note, command = [one["text"] for one in footer["elements"]]
    assert dated.startswith("Data as of <!date^")
    assert note == ":warning: X is missing."
    assert command == "`/activity tokens 1m by key top 2`"


def test_a_change_says_how_much_of_the_period_is_missing():
    held = SPAN.buckets[:20]
    used = [row for row in rows(SPAN, density=1_000) if row.bucket in held]
    gone = range(20, len(SPAN.buckets))
    query = Query(Metric.TOKENS, MONTH)
    found = answered(query, used, SPAN, previous=usage(9), unknown=gone)
    assert change_words(found, found.metrics[Metric.TOKENS]).endswith(
        f"), with {len(gone) - 1} of {len(SPAN.buckets)} days missing"
    )
    whole = answered(query, rows(SPAN), SPAN, previous=usage(9))
    assert "missing" not in change_words(whole, whole.metrics[Metric.TOKENS])


def test_an_overview_shows_three_figures_and_one_chart():
    message = answer(answered(Query(period=MONTH), rows(SPAN), SPAN))
    [fields] = [block["fields"] for block in message.blocks if "fields" in block]
    assert [field["text"].split("*")[1] for field in fields] == ["Spend", "Tokens", "Requests"]
    [chart] = [block for block in message.blocks if block["type"] == CHART]
    assert chart["title"] == "Spend, per 2 days"
    assert [series["name"] for series in chart["chart"]["series"]] == ["Spend"]


@pytest.mark.parametrize(
    ("period", "before"),
    [
        (Counted(1, Unit.MONTH), "the month before"),
        (Counted(7, Unit.DAY), "the 7 days before"),
        (Calendar(Unit.MONTH, last=False), "the same part of last month"),
        (Calendar(Unit.DAY, last=False), "the same part of yesterday"),
        (Calendar(Unit.WEEK, last=True), "the week before"),
        (Calendar(Unit.DAY, last=True), "the day before"),
        (Month(2026, 10), "the month before"),
        (Month(2026, 11), "the same part of the month before"),
        (DateSpan(NOW.date().replace(day=3), NOW.date().replace(day=3)), "the day before"),
        (DateSpan(NOW.date().replace(day=1), NOW.date().replace(day=7)), "the 7 days before"),
    ],
)
def test_a_change_names_what_it_is_compared_with(period, before):
    span = ranges(period, NOW).current
    used = rows(span, members=("a",), models=("m",), density=1_000)
    query = Query(Metric.REQUESTS, period)
    assert f" vs {before} (" in as_text(answered(query, used, span, previous=usage(3)))
    assert f", no data for {before}" in as_text(answered(query, used, span))
    nothing = usage(3)._replace(requests=0)
    assert f", none in {before}" in as_text(answered(query, used, span, previous=nothing))


def test_nothing_used_so_much_earlier_is_said_as_people_say_it():
    period = Counted(1, Unit.DAY)
    span = ranges(period, NOW).current
    used = rows(span, members=("a",), models=("m",), density=1_000)
    query = Query(Metric.REQUESTS, period, versus=Versus.WEEK)
    nothing = usage(3)._replace(requests=0)
    assert ", none a week earlier" in as_text(answered(query, used, span, previous=nothing))


def test_a_single_bucket_has_neither_average_nor_chart():
    day = DateSpan(NOW.date().replace(day=3), NOW.date().replace(day=3))
    span = ranges(day, NOW).current
    one = span.__class__(span.buckets[:1], span.end, span.granularity, span.until, span.zone)
    message = answer(answered(Query(Metric.SPEND, day), rows(one)[:1], one))
    assert CHART not in [block["type"] for block in message.blocks]
    assert "average" not in message.text


def test_groups_that_come_to_nothing_are_among_the_others():
    used = [row._replace(usage=usage(1)._replace(byok=0)) for row in rows(SPAN, members=("idle",))]
    used += [row._replace(usage=usage(1)._replace(byok=5)) for row in rows(SPAN, members=("busy",))]
    query = Query(Metric.SPEND, MONTH, Dimension.KEY, source=MoneySource.BYOK)
    text = answer(answered(query, used, SPAN)).text
    assert "• busy: $" in text
    assert "• Others (1): $0 (0.0%)" in text
    assert "idle" not in text


@pytest.mark.parametrize(
    ("as_of", "partial", "words"),
    [
        (None, (), "No data yet: the first sync is still running."),
        (NOW, (), "No usage in this period."),
        (NOW, ("no data for this period",), "No data for this period."),
    ],
)
def test_nothing_is_told_from_not_known(as_of, partial, words):
    summary = answered(Query(period=MONTH), [], SPAN, partial=partial)
    summary = summary.__class__(
        summary.query, summary.range, as_of, partial, summary.metrics, summary.totals
    )
    message = answer(summary, controls=Controls("s", "x"))
    assert words in message.text
    assert words in str(message.blocks)
    assert "$0" not in message.text
    kinds = [block["type"] for block in message.blocks]
    assert kinds == ["header", "context", "section", "context", "actions"]
    actions = [element["action_id"] for element in message.blocks[-1]["elements"]]
    assert actions == ["follow_metric", "follow_period", "follow_by"]


@pytest.mark.parametrize(
    ("partial", "of"),
    [((), "this period"), (("the last sync failed",), "the stored part of this period")],
)
def test_what_filters_leave_nothing_of_is_not_called_missing(partial, of):
    query = Query(period=MONTH, filters=(Filter(Dimension.MODEL, "a/b"),))
    text = answer(answered(query, [], SPAN, partial=partial)).text
    assert f"No usage matches these filters in {of}." in text
    assert "No data" not in text


@pytest.mark.parametrize("name", EVIL, ids=lambda name: ascii(name[:12]))
def test_a_name_stands_in_the_table_as_plain_text_on_one_line(name):
    used = rows(SPAN, members=(name,), models=("a/b",))
    message = answer(answered(Query(Metric.SPEND, MONTH, Dimension.KEY), used, SPAN))
    [table] = [block for block in message.blocks if block["type"] == "table"]
    cell = table["rows"][1][0]
    assert cell["type"] == "raw_text"
    assert 0 < len(cell["text"]) <= 60
    assert cell["text"].isprintable() or "\u200d" in cell["text"]
    check(message)


def test_an_error_is_one_line_with_a_button_that_runs_the_guess():
    message = error(CommandError("I don't recognize “tokns”.", "1m", "tokens 1m"))
    assert message.text == "I don't recognize “tokns”. Did you mean `/activity tokens 1m`?"
    [run] = [block for block in message.blocks if block["type"] == "actions"]
    assert [one["value"] for one in run["elements"]] == ["tokens 1m"]
    check(message)


def test_an_error_without_a_guess_says_what_was_understood():
    message = error(CommandError("I don't recognize “foo”.", "spend 1m"))
    assert message.text == "I don't recognize “foo”. I understood `spend 1m`."
    assert "actions" not in [block["type"] for block in message.blocks]


def test_an_error_has_examples_for_newcomers_only():
    wrong = CommandError("I don't recognize “foo”.", examples=("spend 1d by model",))
    first, second = error(wrong, examples=True), error(wrong)
    assert first.text.splitlines()[1:] == [
        "Try `/activity spend 1d by model`, or `/activity help` for everything."
    ]
    assert len(second.text.splitlines()) == 1


def test_a_guess_shows_people_and_channels_by_name_but_runs_with_their_ids():
    wrong = CommandError("Which one?", suggestion="schedule weekly in <#C0DEMO00003|finance>")
    message = error(wrong)
    assert "`/activity schedule weekly in #finance`" in message.text
    [run] = [block for block in message.blocks if block["type"] == "actions"]
    assert run["elements"][0]["value"] == wrong.suggestion


def test_a_note_and_its_buttons_go_above_the_answer():
    noted = text_message("Hello.").with_note(
        "Still only `key:a`.", (RunButton("For everyone", "spend 1d"),)
    )
    assert [block["type"] for block in noted.blocks] == ["context", "actions", "section"]
    assert noted.text == "Still only `key:a`.\nHello."
    check(noted)


@given(st.text("abcdefghij-", min_size=1, max_size=31))
def test_slack_takes_the_help_whatever_the_command_is_called(command):
    check(help_message(f"/{command}"))


def test_what_can_mean_two_things_is_asked_with_a_button_for_each():
    wrong = CommandError(
        "Does “10/03/2026” mean 3 October or 10 March 2026?",
        choices=("spend 2026-10-03", "spend 2026-03-10"),
        labels=("3 October 2026", "10 March 2026"),
    )
    message = error(wrong)
    assert message.text == wrong.problem
    [row] = [block for block in message.blocks if block["type"] == "actions"]
    assert [one["text"]["text"] for one in row["elements"]] == list(wrong.labels)
    assert [one["value"] for one in row["elements"]] == list(wrong.choices)
    check(message)


def test_groups_of_a_comparison_say_what_they_were_in_table_and_text():
    query = Query(Metric.REQUESTS, MONTH, Dimension.KEY, versus=Versus.BEFORE)
    used = [rows(SPAN)[0]._replace(member="a", usage=Usage(requests=3))]
    before = {"a": Usage(requests=2), "gone": Usage(requests=5)}
    message = answer(answered(query, used, SPAN, before=before))
    assert "• a: 3 (100.0%), before 2 (+50.0%)" in message.text
    assert "• gone: 0 (0.0%), before 5 (-100.0%)" in message.text
    overview = answer(answered(replace(query, metric=None), used, SPAN, before=before))
    [table] = [block for block in overview.blocks if block["type"] == "table"]
    heads = [cell["text"] for cell in table["rows"][0]]
    assert heads == ["API key", "Spend", "Share", "Spend before", "Change", "Tokens", "Requests"]
    assert "• a: $0 (–), before $0 (–), 0 tokens, 3 requests" in overview.text


def test_spend_from_one_source_is_called_so_wherever_it_is_shown():
    query = Query(None, MONTH, Dimension.KEY, source=MoneySource.CREDITS)
    message = answer(answered(query, rows(SPAN), SPAN))
    shown = str(message.blocks)
    assert message.blocks[0]["text"]["text"].startswith("Activity (spend from credits) by API key")
    assert "*Spend from credits*" in shown
    assert "Spend from credits: $" in message.text
    [chart] = [block for block in message.blocks if block["type"] == CHART]
    assert chart["title"].startswith("Spend from credits by API key")
