"""What can be asked, in words: shown by `/activity help` and held against the README by a test."""

from __future__ import annotations

from reports.render.blocks import Block, Message
from reports.text import escape

SECTIONS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "What",
        (
            ("spend", "credits and estimated BYOK (also `cost`)"),
            ("tokens", "prompt and completion; reasoning is part of completion"),
            ("requests", "the chatroom's too; none of the three: an overview"),
        ),
    ),
    (
        "When",
        (
            ("1h 1d 1w 1m 1y", "and other counts: `3h`, `7d`; `1m` is a month; default `1d`"),
            ("today yesterday", "`mtd`, `ytd`, `this week`, `last month`, ..."),
            ("2026-10", "a month, a day `2026-10-03`, a span `2026-10-01..2026-10-15`"),
            ("tz Europe/Berlin", "days of that zone instead of the default one"),
        ),
    ),
    (
        "Whose",
        (
            ("by model", "`by key` or `by creator`: the table and the chart by group"),
            ("model:claude*", "only these; `*` stands for anything"),
            ('key:"Prod key"', "quotes around a name with spaces"),
            ("creator:me", "yourself; `creator:@ada`, `creator:ada@example.com`"),
        ),
    ),
    (
        "How",
        (
            ("credits", "or `byok`: spend from that source alone"),
            ("top 5", "so many groups; the others are added up (default 10)"),
            ("csv", "or `pdf`: the same as a file"),
            ("share", "the answer is for the whole channel"),
        ),
    ),
)


def help_message(command: str) -> Message:
    """The help as a Slack message."""
    blocks: list[Block] = [
        _section(
            f"Ask for what your OpenRouter organisation uses: `{escape(command)} [what] [when]"
            " [by whom] [filters]`, words in any order."
        )
    ]
    for name, entries in SECTIONS:
        lines = [f"`{escape(words)}`  {meaning}" for words, meaning in entries]
        blocks.append(_section("\n".join([f"*{name}*", *lines])))
    examples = ("spend 1d by model", "tokens 1m by key top 5", "cost last month by creator")
    blocks.append(
        _section("*Try*\n" + "\n".join(f"`{escape(command)} {example}`" for example in examples))
    )
    return Message("\n\n".join(block["text"]["text"] for block in blocks), tuple(blocks))


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}
