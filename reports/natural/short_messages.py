"""Handles messages of a word or two that only make sense after an answer: `again`, `more`, `total`.

Each repeats the previous question, possibly changed, or is answered with one sentence that says
what is available instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from reports.block_kit.message import RunButton
from reports.questions.grammar import MOST_TOP
from reports.questions.query import DEFAULT_TOP, WITHOUT_GROUPING, FileFormat, Query
from reports.usage.dimensions import STORED
from reports.wording.safe_text import clean, plain


class ShortMessage(StrEnum):
    """What a short message asks for."""

    AGAIN = "again"
    MORE = "more"
    TOTAL = "total"
    CHART = "chart"
    TABLE = "table"


_SAID: dict[ShortMessage, frozenset[str]] = {
    ShortMessage.AGAIN: frozenset({
        "again", "repeat", "refresh", "rerun", "same", "same again", "once more", "one more time",
        "run again", "try again", "do again", "repeat that",
    }),
    ShortMessage.MORE: frozenset({
        "more", "next", "next page", "rest", "others", "remaining", "all of them", "see all",
        "and more", "full list", "more rows", "everybody else", "everyone else",
        "all", "details", "more details", "breakdown", "in detail",
    }),
    ShortMessage.TOTAL: frozenset({
        "total", "totals", "sum", "in total", "overall", "altogether", "total only", "only total",
        "just total", "and in total", "grand total",
    }),
    ShortMessage.CHART: frozenset({"chart", "graph", "plot", "diagram", "picture", "bar chart"}),
    ShortMessage.TABLE: frozenset({"table", "tabular", "rows", "in table"}),
}  # fmt: skip
_POLITE = {"show", "me", "please", "pls", "the", "a", "as", "it", "that", "give", "can", "could",
           "you", "i", "us", "now", "want", "ok", "okay"}  # fmt: skip
ALREADY_TOTAL = "That answer already is the total."
NO_TOTAL = "That answer is a list and has no total."
NO_CHART = "That answer is a list and has no chart."
NO_GROUPS = "That answer has no groups. Choose how to group it:"
WHOLE_LIST = "The CSV has the whole list."
MOST_GROUPS = f"An answer has at most {MOST_TOP} groups; the CSV has all of them."
IN_A_TABLE = (
    "The groups are in the table of that answer; the CSV has all of them, bucket by bucket."
)
NO_QUESTION = (
    "There is no question here to continue from. Ask a full question, like `spend last week by "
    "person`."
)


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """The answer to a short message: a question, a sentence above it, or only a sentence.

    `runs` are buttons below the sentence (plain text with commands in back-ticks).
    """

    query: Query | None = None
    sentence: str = ""
    runs: tuple[RunButton, ...] = ()


def short_message(text: str) -> ShortMessage | None:
    """The request in a short message; None for any other text."""
    words = [word.strip("?!.,;:").casefold() for word in plain(text).split()]
    said = {" ".join(words), " ".join(word for word in words if word not in _POLITE)}
    return next((short for short, phrases in _SAID.items() if phrases & said), None)


def needs_an_answer(text: str) -> str:
    """The sentence for a short message without a previous answer, as in a command."""
    return (
        f"“{clean(text, 40)}” needs an answer before it: send it in the thread of an answer, or "
        "in a direct message right after one."
    )


def short_answer(short: ShortMessage, before: Query) -> ShortAnswer:
    """The answer to a short message after the question `before`."""
    before = replace(before, files=(), share=False)
    csv = RunButton("CSV", replace(before, files=(FileFormat.CSV,)).words())
    is_list = before.kind in WITHOUT_GROUPING
    match short:
        case ShortMessage.AGAIN:
            return ShortAnswer(before)
        case ShortMessage.CHART:
            return ShortAnswer(sentence=NO_CHART) if is_list else ShortAnswer(before)
        case ShortMessage.TOTAL if is_list:
            return ShortAnswer(sentence=NO_TOTAL)
        case ShortMessage.TOTAL if before.by is None:
            return ShortAnswer(sentence=ALREADY_TOTAL)
        case ShortMessage.TOTAL:
            return ShortAnswer(replace(before, by=None, top=DEFAULT_TOP))
    if is_list:
        return ShortAnswer(sentence=WHOLE_LIST, runs=(csv,))
    if before.by is None:
        splits = (replace(before, by=by) for by in STORED)
        runs = tuple(RunButton(f"By {one.by}", one.words()) for one in splits)
        return ShortAnswer(sentence=NO_GROUPS, runs=runs)
    if short is ShortMessage.TABLE:
        return ShortAnswer(sentence=IN_A_TABLE, runs=(csv,))
    whole = replace(before, top=MOST_TOP) if before.top < MOST_TOP else None
    return ShortAnswer(whole, MOST_GROUPS, (csv,))
