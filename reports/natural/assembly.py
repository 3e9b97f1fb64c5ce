"""Assembles the parts that were read into a command of the grammar."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time

from reports.commands import Command, parse_command
from reports.natural import vocabulary
from reports.natural.parsed_text import ParsedText, canonical
from reports.natural.rules.kinds import apply_kind
from reports.natural.text_reader import TextReader
from reports.questions.grammar import CommandError, QuestionCommand
from reports.questions.query import QueryKind
from reports.time.period_to_range import NotStartedError, ranges
from reports.usage.dimensions import STORED, Dimension, Metric, form_label
from reports.wording.safe_text import clean

_ORDER = (
    "kind", "metric", "period", "by", "filter", "source", "top", "versus", "zone", "file", "share",
)  # fmt: skip


_RANKED_TIME = re.compile(r"\b(?:which|what) (hour|day|week|month)s?\b")


def assemble(reader: TextReader) -> ParsedText | CommandError | None:
    """The command assembled from the parts; None if the text asks for nothing.

    Raises ValueError, with a message for people, if the parts don't fit together.
    """
    _add_what_is_implied(reader)
    if not reader.given and not reader.schedule_words:
        return None
    unclear = (
        reader.given
        and {word.casefold() for word in reader.schedule_words} <= vocabulary.RECURRENCES
    )
    if reader.schedule_words and unclear and not reader.schedules:
        raise ValueError(_ask_about_schedule(reader))
    if reader.proportion and "by" not in reader.given:
        return _grouped_for_shares(reader)
    typed = dict(reader.given)
    if not reader.schedule_words and (implied := _implied_period(reader)):
        typed.setdefault("period", [implied])
    parts = [word for kind in _ORDER for word in typed.get(kind, ()) if word]
    words = " ".join(
        (["schedule", *reader.schedule_words] if reader.schedule_words else []) + parts
    )
    if reader.over and "by" not in reader.given:
        return _over_what(reader.over, words)
    read = parse_command(words)
    if isinstance(read, CommandError):
        return read
    ignored, remarks = _ignored_words(reader, read), tuple(reader.remarks)
    return ParsedText(
        words, frozenset(reader.given), ignored, recurrence=reader.recurrence, remarks=remarks
    )


def _add_what_is_implied(reader: TextReader) -> None:
    """The parts that the wording implies: metric, grouping, number of groups, the whole day."""
    if reader.kind:
        apply_kind(reader, reader.kind)
    elif reader.asks_how_much and "metric" not in reader.given:
        reader.give("metric", str(Metric.SPEND))
    _leave_out_verbs(reader)
    _say_that_times_are_not_ranked(reader)
    _apply_implied_grouping(reader)
    if reader.superlative and not reader.plural and "by" in reader.given:
        reader.given.setdefault("top", ["top 1"])
    if reader.whole_day and "period" not in reader.given:
        reader.give("period", "today")
    if reader.over:
        _put_largest_first(reader)
    if reader.ranked and not reader.given:
        reader.give("metric", "")


def _put_largest_first(reader: TextReader) -> None:
    """Handle a condition like `over $100`: the question lists groups, largest first."""
    if "metric" not in reader.given:
        reader.give("metric", str(Metric.SPEND))
    reader.given["top"] = ["top 50"]
    if "by" in reader.given:
        reader.remark(
            f"I can't leave out amounts below {clean(reader.over, 20)}; the list starts with the "
            "largest."
        )


def _leave_out_verbs(reader: TextReader) -> None:
    """`tokens spent` asks for tokens: a verb isn't a metric if another metric is named."""
    metrics = reader.given.get("metric", [])
    if len(metrics) > 1 and reader.spending and all(reader.spending):
        reader.given["metric"] = [one for one in metrics if one != Metric.SPEND]


def _implied_period(reader: TextReader) -> str:
    """The default period of a question that names none; it doesn't count as given.

    `vs last month` compares this month; `per month` is drawn over a year.
    """
    versus = reader.given.get("versus", [""])[0]
    unit = vocabulary.UNITS.get(versus.rpartition(" ")[2])
    if unit or versus.endswith("yesterday"):
        return f"this {unit}" if unit else "today"
    units = [words.casefold().split()[-1].rstrip("s") for words in reader.ignored]
    units += [reader.ranked]
    return next((vocabulary.DRAWN[unit] for unit in units if unit in vocabulary.DRAWN), "")


def _apply_implied_grouping(reader: TextReader) -> None:
    """The dimension that the wording of a question implies, if it names none."""
    if "by" in reader.given or not reader.words or reader.kind is QueryKind.WHATIF:
        return
    filters = reader.filters
    several = {one.dimension for one in filters if not one.exclude}
    first, last = reader.words[0].casefold(), reader.words[-1].casefold().rstrip(".")
    either = reader.compares or "or" in {word.casefold() for word in reader.words}
    compared = either and len(filters) > 1 and len(several) == 1
    on_what = first in {"what", "what's", "whats", "where"} and (
        last in {"on", "use", "using", "uses", "used", "go", "going"} or first == "where"
    )
    if compared:
        reader.give("by", f"by {several.pop()}")
    elif reader.several:
        reader.give("by", f"by {reader.several}")
    elif (on_what and reader.given) or reader.superlative:
        reader.give("by", f"by {Dimension.MODEL}")


def _ignored_words(reader: TextReader, read: Command) -> tuple[str, ...]:
    """The ignored words, without a unit of time that the chart uses anyway."""
    if not isinstance(read, QuestionCommand):
        return tuple(reader.ignored)
    now = datetime.combine(reader.today, time(12), UTC)
    try:
        drawn = str(ranges(read.query.period, now).current.granularity)
    except NotStartedError:
        return tuple(reader.ignored)
    same = {"date": "day", "hourly": "hour", "daily": "day", "monthly": "month"}
    units = [(words, words.casefold().split()[-1].rstrip("s")) for words in reader.ignored]
    return tuple(words for words, unit in units if same.get(unit, unit) != drawn)


def _ask_about_schedule(reader: TextReader) -> str:
    """Ask back whether `weekly` means a schedule or how the chart is drawn."""
    word = clean(reader.recurrence, 40)
    return (
        f"Do you want this on a schedule? Then say `schedule {word} ...`. Otherwise leave out"
        f" “{word}”."
    )


def _say_that_times_are_not_ranked(reader: TextReader) -> None:
    """For `which day was the most expensive`, all days are shown, and a remark says so."""
    found = _RANKED_TIME.search(" ".join(reader.words).casefold())
    if found and reader.superlative and "by" not in reader.given:
        reader.superlative = False
        reader.remarks.append(f"I can't rank {found[1]}s; the chart shows the usage over time.")


def _grouped_for_shares(reader: TextReader) -> CommandError:
    """The error for `share of opus`, with the question whose answer shows shares."""
    of = next((one.dimension for one in reader.filters if not one.exclude), Dimension.MODEL)
    kept = [str(one) for one in reader.filters if one.exclude or one.dimension is not of]
    typed = reader.given | {"by": [f"by {of}"], "filter": kept}
    typed.setdefault("metric", [str(Metric.SPEND)])
    typed.setdefault("period", ["this month"])
    words = " ".join(word for kind in _ORDER for word in typed.get(kind, ()) if word)
    return CommandError(
        "I show shares when an answer is grouped.", suggestion=canonical(words), examples=()
    )


def _over_what(over: str, words: str) -> CommandError:
    """The error for `spend > 100`, which doesn't say what is to be above it."""
    choices = {form_label(by): canonical(f"{words} by {by}") for by in STORED}
    return CommandError(
        f"What is to be over {clean(over, 20)}: each model, each API key or each creator?",
        choices=tuple(choices.values()),
        labels=tuple(choices),
    )
