"""The result of parsing natural language: a command, and notes on how it was understood."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reports.commands import parse_command
from reports.questions.grammar import CommandError, HelpCommand, QuestionCommand, parse
from reports.questions.kinds import fitted, takes
from reports.questions.query import DEFAULT_PERIODS, Query, QueryKind, Versus
from reports.questions.topics import TopicAsked
from reports.time.period import DEFAULT
from reports.wording.safe_text import clean

_FIELDS = {
    "kind": ("kind", "extra"),
    "metric": ("metric",), "period": ("period",), "by": ("by",), "source": ("source",),
    "top": ("top",), "versus": ("versus",), "zone": ("zone",), "file": ("files",),
    "share": ("share",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ParsedText:
    """The result of parsing: a command of the grammar (`words`).

    `given`: the parts of a question that were typed, as in `QuestionCommand.given`. `ignored`:
    words that were left out. `is_strict`: the text already was in the grammar. `recurrence`: how
    often a schedule runs, in the grammar's words, or "". `remarks`: further notes on how the text
    was understood, each a sentence of plain text.
    """

    words: str
    given: frozenset[str] = frozenset()
    ignored: tuple[str, ...] = ()
    is_strict: bool = False
    recurrence: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def canonical(self) -> str:
        """The command with its defaults written out: `spend 1d` for `spend`."""
        return canonical(self.words)

    def note(self, command: str = "/activity", words: str = "") -> str:
        """The sentences (plain text) to show above the answer, or "".

        `words` is the answered command if it differs from this one.
        """
        read = parse_command(words or self.words)
        if isinstance(read, TopicAsked | HelpCommand):
            return ""
        written = canonical(words or self.words)
        shown = clean(f"{command} {written}", 400).replace("`", "'")
        changed = bool(words) and words != self.words
        parts = [] if self.is_strict and not changed else [f"I read that as `{shown}`."]
        if self.ignored:
            ignored = ", ".join(f"“{clean(one, 40)}”" for one in self.ignored)
            parts.append(f"I ignored {ignored}; the chart picks its own interval for this period.")
        return " ".join((*parts, *self.remarks))

    def onto(self, before: Query) -> str:
        """The command for `before` with the typed parts replaced, as a follow-up."""
        question = self.words
        if self.recurrence:
            question = question.removeprefix(f"schedule {self.recurrence}").strip()
        read = parse(question)
        if not isinstance(read, QuestionCommand):
            return self.words
        typed = read.query
        changes = {
            name: getattr(typed, name) for kind in self.given for name in _FIELDS.get(kind, ())
        }
        replaced = {one.dimension for one in typed.filters if not one.exclude}
        kept = tuple(
            one
            for one in before.filters
            if one.dimension not in replaced and one not in typed.filters
        )
        filters = (*kept, *typed.filters) if "filter" in self.given else before.filters
        merged = replace(before, filters=filters, share=typed.share, files=typed.files)
        merged = replace(merged, **changes)
        if "period" in self.given and "versus" not in self.given and merged.versus:
            # the compared period may be shorter than the new period
            merged = replace(merged, versus=Versus.BEFORE)
        merged = self._of_one_kind(merged, before)
        if not self.recurrence:
            return merged.words()
        return f"schedule {self.recurrence} {merged.words()}"

    def _of_one_kind(self, merged: Query, before: Query) -> Query:
        """`merged` without the inherited parts that its kind doesn't take."""
        if "kind" not in self.given:
            if "metric" in self.given and not takes(before.kind, "metric"):
                return replace(merged, kind=QueryKind.USAGE, extra=())
            return merged
        # a day, the default period of usage, has too few requests for most other kinds
        short = before.kind is QueryKind.USAGE and before.period == DEFAULT
        if short and "period" not in self.given and merged.kind is not QueryKind.WHY:
            merged = replace(merged, period=DEFAULT_PERIODS.get(merged.kind, DEFAULT))
        return fitted(merged, self.given)


def of_command(words: str, remarks: tuple[str, ...] = ()) -> ParsedText:
    """The parsed text for a command of the grammar (`words`), with everything in it as typed."""
    found = parse(words)
    given = found.given if isinstance(found, QuestionCommand) else frozenset[str]()
    return ParsedText(words, given, remarks=remarks)


Read = ParsedText | CommandError | None


def canonical(words: str) -> str:
    """A command of the grammar with its defaults written out."""
    read = parse_command(words)
    return read.query.words() if isinstance(read, QuestionCommand) else words
