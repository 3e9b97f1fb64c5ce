"""Slack's markup turned back into what a person typed.

Every piece of text that comes from Slack passes through `unmarked` before it is read, so that no
grammar has to know about links, code marks or quotes. Mentions of people and channels stay as
`<@U123|ada>` and `<#C123|finance>`, because only the id says who or what is meant.
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
    """Text as Slack delivers it, as it was typed; `command` is the slash command's name.

    Links become their labels, code marks and block quotes go, and so does the name of our own
    command at the beginning: people paste back what we showed them. `&amp;`, `&lt;` and `&gt;`
    are left to the grammars.
    """
    plain = _TAG.sub(_as_typed, text)
    plain = _without_code_marks(_QUOTED_LINE.sub("", plain.strip()))
    plain = _EMOJI.sub(" ", plain).strip()
    # only around several words: elsewhere `*` is a wildcard
    whole = _EMPHASIS.fullmatch(plain)
    plain = whole[2] if whole and " " in whole[2] else plain
    return _without_command(_without_quotes(plain), command)


def unnamed(text: str) -> frozenset[tuple[str, str]]:
    """The mentions that carry no name, as `("@", user id)` and `("#", channel id)`."""
    return frozenset((sign, id_) for sign, id_, name in _MENTION.findall(text) if not name)


def with_names(text: str, names: Mapping[str, str]) -> str:
    """Text in which mentions without a name have the one that `names` gives for their id."""

    def named(found: re.Match[str]) -> str:
        name = found[3] or re.sub(r"[<>|]", "", names.get(found[2], ""))[:80]
        return f"<{found[1]}{found[2]}|{name}>" if name else found[0]

    return _MENTION.sub(named, text)


def readable(text: str) -> str:
    """Text with names in place of mentions: `@ada` for `<@U123|ada>`; never an id.

    Also for a mention that was cut short with an ellipsis. A person or channel whose name is not
    known is `@someone` or `#a-channel`.
    """

    def named(found: re.Match[str]) -> str:
        unknown = "someone" if found[1] == "@" else "a-channel"
        return found[1] + (found[3] or unknown) + ("…" if found[0].endswith("…") else "")

    return _MAYBE_CUT.sub(named, text)


def _as_typed(found: re.Match[str]) -> str:
    inner = found[1]
    target, bar, label = inner.partition("|")
    if _MENTION.fullmatch(found[0]):
        return found[0]
    if target in {"!here", "!channel", "!everyone"}:
        return ""  # these call people and ask nothing
    if target.startswith("!"):  # `<!subteam^S1|@ops>`, `<!date^1^{date}|today>`
        return label or f"@{target[1:].partition('^')[0]}"
    if label:
        return label
    is_link = "://" in target or target.startswith(("mailto:", "tel:"))
    if not is_link and not bar:
        return found[0]  # somebody's own angle brackets, as the terminal passes them
    return target.removeprefix("mailto:").removeprefix("tel:")


def _without_code_marks(text: str) -> str:
    """Text without back-ticks, except inside double quotes, where they are part of a name."""
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
        first, rest = text[: len(name)], text[len(name) :]
        if first.casefold() == name.casefold() and (not rest or rest[0].isspace()):
            return rest.strip()
    return text
