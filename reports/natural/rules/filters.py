"""Reads names that narrow a question: `key:prod`, `claude models`, `without opus`, `my`."""

from __future__ import annotations

import re
from dataclasses import replace

from reports.natural import vocabulary
from reports.natural.names import LONGEST_NAME_WORDS, keys_with, named
from reports.natural.text_reader import TextReader
from reports.usage.dimensions import Dimension, Filter, Metric
from reports.wording.safe_text import clean

_NEGATIVE = re.compile(r"-\$?[0-9][0-9,.]*")


def read_filter(reader: TextReader) -> int:
    """`key:prod`, `-creator:ada`, `-opus`."""
    kind, colon, name = reader.words[reader.at].partition(":")
    if _NEGATIVE.fullmatch(kind) and not colon:
        raise ValueError(f"I can't use the negative number “{clean(kind, 40)}”.")
    if kind.startswith("-") and not colon and len(kind) > 1:  # `-opus`
        meant = named(kind[1:], reader.known)
        if meant:
            reader.add_filter(replace(meant, exclude=True))
        return int(meant is not None)
    if kind == "-" and reader.is_named(reader.at + 1):
        name = clean(reader.words[reader.at + 1], 40)
        raise ValueError(f"With or without “{name}”? Leave out the dash, or say `without`.")
    exclude, kind = kind.startswith("-"), kind.removeprefix("-")
    if not colon or kind.casefold() not in vocabulary.DIMENSIONS:
        return 0
    dimension = vocabulary.DIMENSIONS[kind.casefold()]
    count = 1 if name else 2
    pattern = (name or "".join(reader.words[reader.at + 1 : reader.at + 2])).replace('"', "")
    if not pattern:
        raise ValueError(f"`{kind}:` needs a name after it.")
    reader.add_filter(Filter(dimension, pattern, exclude))
    return count


def read_mention(reader: TextReader) -> int:
    """A mention of a person, as Slack sends it."""
    word = reader.words[reader.at]
    if not (word.startswith("<@") and word.rstrip(".").endswith(">")):
        return 0
    reader.add_filter(Filter(Dimension.CREATOR, word.rstrip(".")))
    return 1


def read_long_name(reader: TextReader) -> int:
    """Read a name of several words or in quotes, whose words have no meaning of their own."""
    for count in range(min(LONGEST_NAME_WORDS, len(reader.words) - reader.at), 0, -1):
        name = " ".join(reader.words[reader.at : reader.at + count])
        quoted = count == 1 and name.startswith('"')
        if not (
            quoted
            or (count > 1 and (reader.known.has(name) or not reader.has_filler_at_an_end(count)))
        ):
            continue
        found = named(name, reader.known) or (None if quoted else keys_with(name, reader.known))
        if found:
            reader.add_filter(found)
            return count
    return 0


def read_self(reader: TextReader) -> int:
    """`me`, `my`: only what the asker used."""
    word = reader.word()
    if word not in vocabulary.SELF:
        return 0
    asks_for_alert = word == "i" and reader.word(1) in vocabulary.WANTING
    given = word == "me" and (reader.word(-1) in vocabulary.GIVING or reader.word(-1) == "to")
    ours = word == "my" and vocabulary.SPENDERS & set(reader.ahead(4))  # asks who of all spends
    if not (asks_for_alert or given or ours):
        reader.add_filter(Filter(Dimension.CREATOR, "me"))
    return 1


def read_exclusion(reader: TextReader) -> int:
    """`without opus`, `except ada and grace`, `not counting the ci key`."""
    phrase = next((p for p in vocabulary.LEAVING_OUT if reader.ahead(len(p)) == p), ())
    if not phrase and reader.word() == "but" and reader.word(-1) in vocabulary.ALL_BUT:
        phrase = ("but",)
    if not phrase:
        return 0
    at, found = len(phrase), list[Filter]()
    if other := {"byok": "credits", "credits": "byok"}.get(reader.word(at)):
        reader.give("source", other)
        reader.give("metric", str(Metric.SPEND))  # `credits` alone asks for the balance
        return at + 1
    while taken := _excluded_name(reader, at):
        found.append(taken[1])
        at = taken[0]
        if reader.word(at) in {"and", "or", "nor"} and _excluded_name(reader, at + 1):
            at += 1
    for one in found:
        reader.add_filter(replace(one, exclude=True))
    if not found:
        raise ValueError(
            f"I don't recognize what to leave out after “{clean(' '.join(phrase), 40)}”."
            " Try `without opus`, `-key:ci*` or `-creator:ada@example.com`."
        )
    return at


def _excluded_name(reader: TextReader, at: int) -> tuple[int, Filter] | None:
    """The name that starts at a word, and the index at which it ends."""
    at = reader.skip(at, {"the", "any", "all", "for", "from", "using", "use", "of", "our"})
    dimension: Dimension | None = None
    if reader.word(at) == "api":
        at += 1
    if reader.word(at) in vocabulary.DIMENSIONS:
        dimension = vocabulary.DIMENSIONS[reader.word(at)]
        at += 1
    word = reader.word(at)
    kind, colon, name = word.removeprefix("-").partition(":")
    if colon and name and kind in vocabulary.DIMENSIONS:
        return at + 1, Filter(vocabulary.DIMENSIONS[kind], name.replace('"', ""))
    if word.startswith("<@"):
        return at + 1, Filter(Dimension.CREATOR, reader.words[reader.at + at].rstrip("."))
    if word in vocabulary.SELF:
        return at + 1, Filter(Dimension.CREATOR, "me")
    for count in range(LONGEST_NAME_WORDS, 0, -1):
        words = reader.words[reader.at + at : reader.at + at + count]
        if len(words) < count or (count == 1 and word in vocabulary.FILLERS):
            continue
        shown = " ".join(words)
        keys = keys_with(shown, reader.known) if dimension in {None, Dimension.KEY} else None
        whole = reader.known.has(shown) or named(shown, reader.known, dimension)
        if count > 1 and not whole and not keys:
            continue
        one = (
            (None if whole else keys)
            or named(shown, reader.known, dimension)
            or named(reader.word(at) if count == 1 else shown, reader.known, dimension)
        )
        if one:
            at = reader.skip(at + count, {"api"})
            same = vocabulary.DIMENSIONS.get(reader.word(at)) is one.dimension
            return at + same, one
    return None


def read_name(reader: TextReader) -> int:
    """Read the name of a member, or a part of it: `opus`, `the prod key`."""
    if reader.word() in vocabulary.FILLERS:
        return 0
    found = named(reader.word(), reader.known) or named(reader.words[reader.at], reader.known)
    if not found:
        return 0
    reader.add_filter(found)
    following = 2 if reader.word(1) == "api" else 1
    if vocabulary.DIMENSIONS.get(reader.word(following)) is not found.dimension:
        return 1
    if reader.word(following).endswith("s"):
        # `the prod key` is one key, but `claude models` are several, to be shown separately
        reader.several = found.dimension
    return following + 1
