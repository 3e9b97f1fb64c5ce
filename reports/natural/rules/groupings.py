"""Reads what a question is grouped by, and how many groups: `per model`, `top 5 keys`."""

from __future__ import annotations

from reports.natural import vocabulary
from reports.natural.names import named
from reports.natural.text_reader import TextReader
from reports.questions.grammar import MOST_TOP, grouping
from reports.usage.dimensions import Dimension, Metric

BY_VENDOR = "I can't add up models of one vendor; each model's name begins with its vendor."
_VENDORS = {"vendor", "vendors", "maker", "makers", "lab", "labs"}


def read_grouping(reader: TextReader) -> int:
    """`by model`, `per key`, `who`."""
    if reader.word() in vocabulary.WHO:
        reader.give("by", "by creator")
        return 1
    if reader.word() in vocabulary.BY | {"top", "most"} and reader.word(1) in _VENDORS:
        reader.give("by", f"by {Dimension.MODEL}")
        reader.plural = True
        reader.remark(BY_VENDOR)
        return 2
    if reader.word() not in vocabulary.BY:
        return _read_dimension(reader)
    at = reader.skip(1, {"the", "each", "every", "api", "of", "our", "my", "single", "active"})
    word = reader.word(at)
    if word in vocabulary.DIMENSIONS:
        _group_by(reader, vocabulary.DIMENSIONS[word], word)
        return at + 1
    if word in vocabulary.UNITS or word in {"minute", "date", "time", "quarter"}:
        reader.ignored.append(" ".join(reader.words[reader.at : reader.at + at + 1]))
        return at + 1
    if word in vocabulary.WHO:
        return at
    ranks = reader.superlative or "top" in reader.given or "by" in reader.given
    if ranks and (metric := vocabulary.METRICS.get(word)):  # `top 5 models by cost`
        reader.give("metric", str(metric))
        return at + 1
    return 1 if reader.word() in {"which", "each", "across"} else _read_creator_after_by(reader, at)


def _read_creator_after_by(reader: TextReader, at: int) -> int:
    """`by ada` is a filter, not a grouping."""
    word = reader.word(at)
    person = word in vocabulary.SELF or word.startswith("<@")
    if person or named(word, reader.known, Dimension.CREATOR) or reader.known.has(word):
        return at
    raise ValueError(grouping(word))


def _read_dimension(reader: TextReader) -> int:
    """`key prod` is a filter, `models` a grouping."""
    word, skipped = reader.word(), 1 if reader.word() == "api" else 0
    dimension = vocabulary.DIMENSIONS.get(reader.word(skipped))
    if dimension is None:
        return 0
    following = reader.words[reader.at + skipped + 1 : reader.at + skipped + 2]
    if following and not reader.word(skipped).endswith("s") and word != "people":
        found = named(following[0], reader.known, dimension)
        if found and reader.word(skipped + 1) not in vocabulary.FILLERS:
            reader.add_filter(found)
            return skipped + 2
    if word in vocabulary.SPENDERS:
        reader.give("metric", str(Metric.SPEND))
    _group_by(reader, dimension, reader.word(skipped))
    return skipped + 1


def _group_by(reader: TextReader, dimension: Dimension, word: str) -> None:
    """Group by a dimension; `word`, if plural, asks for several groups."""
    reader.plural = reader.plural or word.endswith("s") or word == "people"
    reader.give("by", f"by {dimension}")


def _names_several(word: str) -> bool:
    return word in vocabulary.DIMENSIONS and (word.endswith("s") or word == "people")


def read_top(reader: TextReader) -> int:
    """`top 5`, `most expensive`, `5 largest`."""
    word, following = reader.word(), reader.word(1)
    if reader.number(0) and following in vocabulary.LEAST:
        return 1  # the next word is refused
    if word in vocabulary.LEAST:
        named_ = (vocabulary.DIMENSIONS.get(one.casefold().strip("?.")) for one in reader.words)
        by = next(filter(None, named_), Dimension.MODEL)
        raise ValueError(
            f"I can only rank from largest to smallest, so I can't rank by “{word}”. Try `spend "
            f"by {by} top 50`; the smallest come last."
        )
    if (count := reader.number(0)) and following in vocabulary.TOP | vocabulary.MOST:
        reader.give("top", f"top {int(count[:4])}")
        return 2
    if word in vocabulary.MOST:
        reader.superlative = True
        return 1
    if (count := reader.number(0)) and _names_several(following) and 0 < int(count[:4]) <= MOST_TOP:
        reader.give("top", f"top {int(count[:4])}")  # `which three people`
        return 1
    if word not in vocabulary.TOP:
        return 0
    if count := reader.number(1):
        reader.give("top", f"top {int(count[:4])}")
        return 2
    reader.superlative = True
    if vocabulary.METRICS.get(word):
        reader.give("metric", str(vocabulary.METRICS[word]))
    if vocabulary.METRICS.get(following) and following.endswith("s"):
        reader.plural = True  # `our biggest costs` asks for more than one
    return 1
