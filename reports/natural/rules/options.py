"""Reads metrics, files, sources of money, and filler words."""

from __future__ import annotations

from reports.natural import vocabulary
from reports.natural.text_reader import TextReader
from reports.questions.query import QueryKind
from reports.time.time_range import zone_names
from reports.usage.dimensions import Metric
from reports.wording import suggestions as nearest

NO_SPEND_OF_PARTS = (
    "OpenRouter doesn't split spend into prompt, completion and reasoning; `tokens` shows how many"
    " there were of each, and `cache` the share of reasoning."
)


def read_option(reader: TextReader) -> int:
    """`csv`, `pdf summary`, `share`, `byok`, `tz Europe/Berlin`."""
    word = reader.word()
    if {word, reader.word(1)} == {"pdf", "summary"}:
        reader.give("file", "pdf summary")
        return 2
    if word in vocabulary.FILES:
        reader.give("file", vocabulary.FILES[word])
    elif word in vocabulary.EXPORTING:
        if not any(one.casefold().strip(".?!") in vocabulary.FILES for one in reader.words):
            reader.give("file", "csv")
    elif word in vocabulary.PROPORTIONS or (word == "share" and _means_proportion(reader)):
        reader.proportion = True
        return 2 if reader.word(1) == "of" else 1
    elif word in {"credits", "byok"}:
        reader.give("source", word)
    elif word == "share":
        reader.give("share", word)
    elif reader.word(1) == "time" and (zone := nearest.city(word)):  # `tokyo time`
        reader.give("zone", f"tz {zone}")
        return 2
    elif word == "tz" or word in zone_names():
        at = 1 if word == "tz" else 0
        reader.give("zone", f"tz {zone_names().get(reader.word(at), reader.word(at))}")
        return at + 1
    else:
        return 0
    return 1


def _means_proportion(reader: TextReader) -> bool:
    """Whether `share` means a proportion rather than posting the answer."""
    before = reader.words[reader.at - 1].casefold() if reader.at else ""
    proportion_of = vocabulary.POSSESSIVES | vocabulary.TOKEN_PARTS
    return reader.word(1) == "of" or before.endswith("'s") or before in proportion_of


def read_metric(reader: TextReader) -> int:
    """`spend`, `tokens`, `how much`."""
    if reader.ahead(2) == ("how", "much"):
        reader.asks_how_much = True
        return 2
    if reader.word() not in vocabulary.METRICS:
        return 0
    metric, word = vocabulary.METRICS[reader.word()], reader.word()
    if metric is Metric.SPEND:
        after = {one.casefold() for one in reader.words[: reader.at]} & vocabulary.VERBS_AFTER
        verb = word in vocabulary.ALWAYS_VERBS or (word in {"spend", "pay"} and bool(after))
        reader.spending.append(verb)
    reader.give("metric", str(metric) if metric else "")
    return 1


def read_token_part(reader: TextReader) -> int:
    """`output tokens`: means tokens, whose answer shows prompt and completion tokens."""
    if reader.word() not in vocabulary.TOKEN_PARTS:
        return 0
    words = {word.casefold().rstrip(".,?") for word in reader.words}
    spent = {word for word in words if vocabulary.METRICS.get(word) is Metric.SPEND}
    priced = reader.kind is QueryKind.PRICE
    if priced or (spent and not {"token", "tokens"} & words):
        raise ValueError(NO_SPEND_OF_PARTS)
    reader.given.pop("metric", None)
    reader.give("metric", str(Metric.TOKENS))
    reader.asks_how_much = False
    reader.remark(
        "Tokens are shown with their parts: prompt (input), completion (output) and reasoning,"
        " which is part of completion. The CSV has them for each group."
    )
    return 1


def read_filler(reader: TextReader) -> int:
    """Words that change nothing, such as `please`."""
    if reader.ahead(2) in {("month", "of"), ("week", "of"), ("year", "of"), ("over", "time")}:
        return 2
    if reader.word() == "hourly":
        reader.ignored.append(reader.words[reader.at])
        return 1
    if reader.word() == "when" and reader.kind is None:
        reader.remark("The chart shows when.")
        reader.implied_period = "1y"
        return 1
    if reader.word() == "behind" and "by" in reader.given:  # `who is behind prod`
        return 1
    sign = not any(c.isalnum() or c.isascii() for c in reader.word())  # such as an emoji
    return (
        1
        if sign or reader.word() in vocabulary.FILLERS or not reader.word().strip("-–—:&+/()")
        else 0
    )
