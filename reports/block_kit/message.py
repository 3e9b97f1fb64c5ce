"""A Slack message: blocks, and the same content as text, within Slack's limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.block_kit.elements import (
    LONGEST_SECTION,
    Block,
    actions,
    button,
    context,
    fit,
    packed,
    section,
)
from reports.wording.safe_text import escape

LONGEST_TEXT = 3_800
"""Slack recommends at most 4,000 characters of text; the rest is for escaping and an ellipsis."""

RUN = "run_words_"
"""The prefix of the action ids of buttons that run a command; a number follows."""
MOST_RUNS, LONGEST_RUN = 5, 2_000
"""A row holds five buttons here, and Slack takes 2,000 characters as the value of one."""
CHART = "data_visualization"
"""The type of a native Slack chart."""

MOST_SECTIONS = 4
"""Text beyond four sections is cut: it would fill several screens."""


@dataclass(frozen=True, slots=True)
class RunButton:
    """A button that runs a command; `words` is the text after the command's name."""

    label: str
    words: str


def run_buttons(runs: Sequence[RunButton]) -> list[Block]:
    """A row of buttons that run commands (at most five), or nothing."""
    shown = [
        button(one.label, f"{RUN}{number}", one.words)
        for number, one in enumerate(runs[:MOST_RUNS])
        if 0 < len(one.words) <= LONGEST_RUN
    ]
    return [actions(*shown)] if shown else []


@dataclass(frozen=True, slots=True)
class Message:
    """A message: blocks, and the same as text (mrkdwn) for notifications and screen readers."""

    text: str
    blocks: tuple[Block, ...]

    def with_note(self, words: str, runs: Sequence[RunButton] = ()) -> Message:
        """A copy below a sentence (plain text with back-ticks) and buttons that run commands."""
        above = [context(escape(words)), *run_buttons(runs)]
        return Message(f"{escape(words)}\n{self.text}", (*above, *self.blocks))

    def with_blocks(self, blocks: Sequence[Block]) -> Message:
        """A copy with more blocks at the end."""
        return Message(self.text, (*self.blocks, *blocks))

    def with_blocks_above_footer(self, blocks: Sequence[Block]) -> Message:
        """A copy with blocks above the footer, which is the last context block."""
        kinds = [block["type"] for block in self.blocks]
        last = len(kinds) - 1 - kinds[::-1].index("context") if "context" in kinds else len(kinds)
        return Message(self.text, (*self.blocks[:last], *blocks, *self.blocks[last:]))

    def shared_by(self, user: str) -> Message:
        """A copy with a line above it that says which Slack user shared it."""
        return self._with_line_above(f"<@{user}> shared this")

    def _with_line_above(self, words: str) -> Message:
        return Message(f"{words}\n{self.text}", (context(words), *self.blocks))

    def with_state(self, state: str) -> Message:
        """A copy whose first block_id carries the answer's state (max 255 characters)."""
        first, *others = self.blocks
        return Message(self.text, ({**first, "block_id": state}, *others))

    def without_chart(self) -> Message:
        """A copy without charts and images, which not every workspace accepts."""
        return Message(
            self.text, tuple(b for b in self.blocks if b["type"] not in {CHART, "image"})
        )


def shortened(escaped: str) -> str:
    """Escaped text cut at a line end to Slack's message limit."""
    if len(escaped) <= LONGEST_TEXT:
        return escaped
    return fit(escaped[:LONGEST_TEXT].rpartition("\n")[0] + "\n…", LONGEST_TEXT)


def text_message(text: str) -> Message:
    """Plain text as a message; it is escaped here."""
    return Message(fit(escape(text), LONGEST_TEXT), text_sections(escape(text)))


def mrkdwn_message(text: str) -> Message:
    """Trusted mrkdwn as a message."""
    return Message(text, (section(text),))


def as_sentence(words: str) -> str:
    """A phrase with a capital first letter and a period at the end."""
    return words[:1].upper() + words[1:].rstrip(".") + "."


def text_sections(text: str) -> tuple[Block, ...]:
    """Text of any length as sections within Slack's limits, split at line ends."""
    parts = packed(fit(line, LONGEST_SECTION) for line in text.split("\n"))
    return tuple(section(part) for part in parts[:MOST_SECTIONS] if part.strip())
