"""Makes untrusted text safe to show: invisible characters, length, Slack's escapes."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

NAME_LENGTH = 80
"""The default cut of names: about one line in Slack's desktop app."""
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"  # required by Persian text and composed emoji
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and symbols that render as blank
_STRAIGHT = str.maketrans(
    {
        **dict(zip("“”„«»‘’", '"""""\'\'', strict=True)),
        **dict.fromkeys("‐‑‒–—―−﹘﹣", "-"),
        "…": "..",
        "→": "->",
        # full-width letters, digits and signs, as East Asian keyboards type them
        **{chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)},
    }
)
_MENTION = re.compile(r"<([@#])([A-Z0-9]{1,20})(?:\|([^<>|]{0,80}))?>", re.ASCII)


def visible(text: str) -> str:
    """Text in NFC without control, bidirectional and invisible characters, with plain spaces."""
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", "".join(map(_shown, text)))


@lru_cache(maxsize=1024)  # the letters of most scripts
def _shown(char: str) -> str:
    if char.isspace() or char in _BLANKS:
        return " "
    return char if char in _JOINERS or unicodedata.category(char) not in _HIDDEN else ""


def plain(text: str) -> str:
    """Typed text with typographic characters replaced and Slack's `&amp; &lt; &gt;` unescaped.

    Quotes are straight, dashes are `-`, full-width characters are ASCII, an ellipsis is `..`.
    """
    if text.isascii() and text.isprintable() and "&" not in text:
        return text
    text_, previous = visible(text.translate(_STRAIGHT)), ""
    while "&" in text_ and text_ != previous:  # repeat, because pasted text may be escaped twice
        previous = text_
        text_ = text_.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        text_ = unicodedata.normalize("NFC", text_)
    return text_


def as_typed(text: str) -> str:
    """Text with mentions as people type them: `@ada` instead of `<@U123|ada>`."""
    return _MENTION.sub(lambda found: found[1] + (found[3] or found[2]), text)


def clean(name: str, length: int = NAME_LENGTH) -> str:
    """A name on one line, visible characters only, cut to a length; never empty."""
    text = " ".join(visible(name).split()).strip(_JOINERS + " ")
    if len(text) <= length:
        return text or "(unnamed)"
    cut = text[: length - 1]
    while cut and unicodedata.combining(text[len(cut)]):
        cut = cut[:-1]
    return cut.rstrip(_JOINERS + " ") + "…"


def escape(text: str) -> str:
    """Plain text escaped for Slack's mrkdwn: `&`, `<` and `>`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
