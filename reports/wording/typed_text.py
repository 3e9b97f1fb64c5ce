"""Slack's markup converted back to the text that a person typed.

All text from Slack passes through `unmarked` before parsing, so that the grammars don't need to
handle links, code formatting or quotes. Mentions stay as `<@U123|ada>` and `<#C123|finance>`,
because only the id is unambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TAG = re.compile(r"<([^<>\s][^<>]{0,3000})>")
_MENTION = re.compile(r"<([@#])([A-Z0-9]{1,20})(?:\|([^<>|]{0,80}))?>", re.ASCII)
_MAYBE_CUT = re.compile(r"<([@#])([A-Z0-9]{1,20})(?:\|([^<>|…]{0,80}))?[>…]", re.ASCII)
_QUOTES = (('"', '"'), ("“", "”"), ("„", "“"), ("«", "»"), ("'", "'"), ("‘", "’"))
_EMOJI = re.compile(r"(?<!\S):[a-z0-9_+'-]{1,60}:(?!\S)", re.ASCII)
_QUOTED_LINE = re.compile(r"^(?:&gt;|>)\s?", re.MULTILINE)
_EMPHASIS = re.compile(r"([*_~])(?=[^\s*_~])([^*_~:\n]+)(?<=[^\s*_~])\1")


def unmarked(text: str, command: str = "/activity") -> str:
    """Slack's text without markup; `command` is the slash command's name.

    Links become their labels; code formatting, block quotes and a leading command name are
    removed, since people paste commands as Slack showed them. `&amp;`, `&lt;` and `&gt;` are kept;
    `safe_text.plain` unescapes them.
    """
    plain = _TAG.sub(_as_typed, text)
    plain = _without_code_marks(_QUOTED_LINE.sub("", plain.strip()))
    plain = _EMOJI.sub(" ", plain).strip()
    # only around several words; otherwise `*` is a wildcard
    emphasized = _EMPHASIS.fullmatch(plain)
    plain = emphasized[2] if emphasized and " " in emphasized[2] else plain
    return _without_command(_without_quotes(plain), command)


def mentions_without_name(text: str) -> frozenset[tuple[str, str]]:
    """The mentions without a name, as `("@", user id)` and `("#", channel id)`."""
    return frozenset((sign, id_) for sign, id_, name in _MENTION.findall(text) if not name)


def with_names(text: str, names: Mapping[str, str]) -> str:
    """Text with a name added to each mention without one; `names` maps ids to names."""

    def with_name(match: re.Match[str]) -> str:
        name = match[3] or re.sub(r"[<>|]", "", names.get(match[2], ""))[:80]
        return f"<{match[1]}{match[2]}|{name}>" if name else match[0]

    return _MENTION.sub(with_name, text)


def readable(text: str) -> str:
    """Text with names instead of mentions: `@ada` for `<@U123|ada>`; never an id.

    Also handles a mention that was cut short with an ellipsis. A person or channel without a known
    name becomes `@someone` or `#a-channel`.
    """

    def name_of(match: re.Match[str]) -> str:
        unknown = "someone" if match[1] == "@" else "a-channel"
        return match[1] + (match[3] or unknown) + ("…" if match[0].endswith("…") else "")

    return _MAYBE_CUT.sub(name_of, text)


def _as_typed(match: re.Match[str]) -> str:
    inner = match[1]
    target, has_label, label = inner.partition("|")
    if _MENTION.fullmatch(match[0]):
        return match[0]
    if target in {"!here", "!channel", "!everyone"}:
        return ""  # notifies people; not part of a question
    if target.startswith("!"):  # `<!subteam^S1|@ops>`, `<!date^1^{date}|today>`
        return label or f"@{target[1:].partition('^')[0]}"
    if label:
        return label
    is_link = "://" in target or target.startswith(("mailto:", "tel:"))
    if not is_link and not has_label:
        return match[0]  # literal angle brackets, as typed in the terminal
    return target.removeprefix("mailto:").removeprefix("tel:")


def _without_code_marks(text: str) -> str:
    """Text without back-ticks, except inside double quotes, where they belong to a name."""
    parts = text.split('"')
    outside = [part.replace("`", "") if i % 2 == 0 else part for i, part in enumerate(parts)]
    return '"'.join(outside).strip()


def _without_quotes(text: str) -> str:
    """Text without the quotation marks around all of it: `“spend last week”`."""
    for left, right in _QUOTES:
        inner = text[1:-1]
        quoted = len(text) > 2 and text[0] == left and text[-1] == right
        if quoted and " " in inner and not {left, right} & set(inner):
            return inner.strip()
    return text


def _without_command(text: str, command: str) -> str:
    for name in (command, "activity ask", "/activity"):
        first, remainder = text[: len(name)], text[len(name) :]
        if first.casefold() == name.casefold() and (not remainder or remainder[0].isspace()):
            return remainder.strip()
    return text
