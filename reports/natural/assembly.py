"""Assembles the parts that were read into a command of the grammar."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from reports.commands import Command, parse_command
from reports.natural import vocabulary
from reports.natural.parsed_text import ParsedText, canonical
from reports.natural.rules.kinds import apply_kind
from reports.natural.text_reader import TextReader
from reports.questions.grammar import MOST_TOP, CommandError, QuestionCommand
from reports.questions.query import QueryKind
from reports.time.period_to_range import NotStartedError, ranges
from reports.usage.dimensions import NAMES, STORED, Dimension, Metric, form_label
from reports.wording.safe_text import clean

_ORDER = (
    "kind", "metric", "period", "by", "filter", "source", "top", "versus", "zone", "file", "share",
)  # fmt: skip


_UNIT_OF = {
    "date": "day", "hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month",
    "weekday": "day",
}  # fmt: skip
"""The units of time of words that say how a chart is drawn."""
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
    _leave_out_each_day(reader)
    if reader.schedule_words and unclear and not (reader.schedules or _drawn_by_it(reader)):
        return _schedule_or_now(reader)
    if reader.proportion and "by" not in reader.given:
        _group_for_shares(reader)
    typed = dict(reader.given)
    if not reader.schedule_words and (implied := _implied_period(reader)):
        typed.setdefault("period", [implied])
    parts = [word for kind in _ORDER for word in typed.get(kind, ()) if word]
    if len(reader.given.get("by", ())) > 1:
        return _one_grouping(reader)
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
    _say_what_is_not_averaged(reader)
    if reader.ranked and not reader.given:
        reader.give("metric", "")


def _say_what_is_not_averaged(reader: TextReader) -> None:
    """For `average cost per user`, say that each one's is shown, and not the average of all."""
    words = {word.casefold().strip(".") for word in reader.words}
    by = "".join(reader.given.get("by", ())[:1]).removeprefix("by ")
    per_time = any(word.split()[-1] in vocabulary.UNITS for word in reader.ignored)
    if words & vocabulary.AVERAGE and by and not reader.kind and not per_time:
        label = NAMES[Dimension(by)].label
        reader.remark(f"This is for each {label}; I can't average over all of them.")


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
    if reader.implied_period:
        return reader.implied_period
    versus = reader.given.get("versus", [""])[0]
    unit = vocabulary.UNITS.get(versus.rpartition(" ")[2])
    if unit or versus.endswith("yesterday"):
        return f"this {unit}" if unit else "today"
    units = [words.casefold().split()[-1].rstrip("s") for words in reader.ignored]
    units = [*(_UNIT_OF.get(unit, unit) for unit in units), reader.ranked]
    return next((vocabulary.DRAWN[unit] for unit in units if unit in vocabulary.DRAWN), "")


def _apply_implied_grouping(reader: TextReader) -> None:
    """The dimension that the wording of a question implies, if it names none."""
    if "by" in reader.given or not reader.words or reader.kind is QueryKind.WHATIF:
        return
    filters = reader.filters
    named = [one.dimension for one in filters if not one.exclude]
    several = {dimension for dimension in named if named.count(dimension) > 1}
    first, last = reader.words[0].casefold(), reader.words[-1].casefold().rstrip(".")
    either = reader.compares or "or" in {word.casefold() for word in reader.words}
    compared = either and len(several) == 1
    on_what = (
        reader.kind is not QueryKind.FORECAST
        and first in {"what", "what's", "whats", "where"}
        and (last in {"on", "use", "using", "uses", "used", "go", "going"} or first == "where")
    )
    but_model = any(one.exclude and one.dimension is Dimension.MODEL for one in filters)
    if but_model and first.startswith("what") and {"use", "using"} & set(reader.words):
        on_what = True  # `what does ada use besides opus`
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
    units = [(words, words.casefold().split()[-1].rstrip("s")) for words in reader.ignored]
    return tuple(words for words, unit in units if _UNIT_OF.get(unit, unit) != drawn)


_DAYS = {"daily": 1, "weekdays": 1, "weekly": 7, "monthly": 31}
_DAYS_OF_EACH = {"day": 1, "weekday": 1, "week": 7, "month": 31}
_EACH_OF = re.compile(
    r"\b(for|of|on|over|during) (each|every) \w+|\b(each|every) \w+ (of|in|since|during|from)\b",
    re.IGNORECASE,
)
"""`for each day`, `every day of`: parts of a period, and no schedule."""
_OF_NOW = {"our", "chart", "graph", "plot", "table", "trend"}
"""Words that say that an answer is wanted now, and not a scheduled report."""
_DAILY, _MONTHLY = "1m", "1y"


def _drawn_by_it(reader: TextReader) -> bool:
    """Whether `monthly costs this year` or `our daily spend` only says how the chart is drawn.

    If so, the recurrence is no longer one of a schedule.
    """
    words = {word.casefold() for word in reader.words}
    asks = reader.words[0].casefold() in vocabulary.QUESTION_WORDS or words & _OF_NOW
    days = _DAYS.get(reader.schedule_words[0].casefold(), 0)
    period = reader.given.get("period")
    longer = bool(period and days < _days_of(period[0], reader))
    if len(reader.schedule_words) > 1 or not (longer or (asks and not period)):
        return False
    reader.ignored += reader.schedule_words
    reader.schedule_words = []
    return True


def _leave_out_each_day(reader: TextReader) -> None:
    """Leave out `each month` where it asks for the parts of a longer period, and for no schedule:
    `how much did we spend each month this year`, `spend for each day of last week`."""
    words = [word.casefold() for word in reader.schedule_words]
    if not (len(words) == 2 and words[0] in vocabulary.EVERY and words[1] in _DAYS_OF_EACH):
        return
    asks = reader.words[0].casefold() in vocabulary.QUESTION_WORDS - vocabulary.GIVING
    if not (asks or _EACH_OF.search(" ".join(reader.words))):
        return
    period = reader.given.get("period")
    if not period:
        reader.implied_period = _MONTHLY if words[1] == "month" else _DAILY
    elif _DAYS_OF_EACH[words[1]] >= _days_of(period[0], reader):
        return
    reader.ignored += reader.schedule_words
    reader.schedule_words = []


def _days_of(period: str, reader: TextReader) -> float:
    """The number of days of a period, up to now; 0 if it hasn't started."""
    read = parse_command(period)
    if not isinstance(read, QuestionCommand):
        return 0
    now = datetime.combine(reader.today, time(23), UTC)
    try:
        current = ranges(read.query.period, now).current
    except NotStartedError:
        return 0
    return (current.end - current.start) / timedelta(days=1)


def _schedule_or_now(reader: TextReader) -> CommandError:
    """Ask back whether `weekly` means a schedule or how the chart is drawn."""
    word = clean(reader.recurrence, 40)
    parts = [one for kind in _ORDER for one in reader.given.get(kind, ()) if one]
    dated = "period" in reader.given
    now = parts if dated else [_MONTHLY if word.casefold() == "monthly" else _DAILY, *parts]
    commands = (f"schedule {reader.recurrence} {' '.join(parts)}".strip(), canonical(" ".join(now)))
    problem = f"Do you want this {word}, as a scheduled report, or only now?"
    if any(isinstance(parse_command(one), CommandError) for one in commands):
        return CommandError(problem)
    return CommandError(problem, choices=commands, labels=("Scheduled report", "Only now"))


def _say_that_times_are_not_ranked(reader: TextReader) -> None:
    """For `which day was the most expensive`, all days are shown, and a remark says so."""
    if reader.ranked:
        reader.superlative = False
    text = " ".join(reader.words).casefold()
    found = _RANKED_TIME.search(text)
    if reader.superlative and "by" not in reader.given and text.startswith("when "):
        reader.superlative = False
        reader.implied_period = "3m"
    if found and reader.superlative and "by" not in reader.given:
        reader.superlative = False
        reader.remarks.append(f"I can't rank {found[1]}s; the chart shows the usage over time.")


def _group_for_shares(reader: TextReader) -> None:
    """Group `share of opus` by model, since the table of groups has the shares, and say so."""
    given = reader.given
    given.setdefault("metric", [str(Metric.SPEND)])
    if "period" not in given:
        reader.implied_period = "this month"
    if given.pop("source", None):
        reader.remark("The parts from credits and from BYOK are shown below the total.")
        return
    of = next((one for one in reader.filters if not one.exclude), None)
    by = of.dimension if of else Dimension.MODEL
    given["by"] = [f"by {by}"]
    if of is None:
        return
    given["top"] = [f"top {MOST_TOP}"]
    others = (one for one in reader.filters if one.exclude or one.dimension is not by)
    given["filter"] = [str(one) for one in others]
    if not given["filter"]:
        del given["filter"]
    names = {address: name for name, address in reader.known.people if name}
    sought = clean(names.get(of.pattern, of.pattern.strip("*")), 40)
    reader.remark(f"The table has the share of each {NAMES[by].label}; look for “{sought}” in it.")


def _one_grouping(reader: TextReader) -> CommandError:
    """The error for `by key and model`, with a question for each."""
    by = reader.given["by"]
    one, other = (word.removeprefix("by ") for word in by[:2])
    given = {kind: words for kind, words in reader.given.items() if kind != "by"}
    choices = []
    for word in by[:4]:
        typed = given | {"by": [word]}
        words = " ".join(part for kind in _ORDER for part in typed.get(kind, ()) if part)
        choices.append(canonical(words))
    problem = f"You can group by only one thing: {one} or {other}."
    if any(isinstance(parse_command(choice), CommandError) for choice in choices):
        return CommandError(problem)
    return CommandError(problem, choices=tuple(choices))


def _over_what(over: str, words: str) -> CommandError:
    """The error for `spend > 100`, which doesn't say what is to be above it."""
    choices = {form_label(by): canonical(f"{words} by {by}") for by in STORED}
    return CommandError(
        f"What is to be over {clean(over, 20)}: each model, each API key or each creator?",
        choices=tuple(choices.values()),
        labels=tuple(choices),
    )
