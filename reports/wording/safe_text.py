"""Numbers for people, and names that others chose made fit to show."""

from __future__ import annotations

import re
import unicodedata

NAME_LENGTH = 80
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"  # without them Persian and joined emoji fall apart
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and signs that are drawn as nothing
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
    """Text without control, bidirectional and invisible characters, in NFC; spaces are plain."""
    if text.isascii() and text.isprintable():
        return text
    spaced = (" " if c.isspace() or c in _BLANKS else c for c in text)
    shown = (c for c in spaced if c in _JOINERS or unicodedata.category(c) not in _HIDDEN)
    return unicodedata.normalize("NFC", "".join(shown))


def plain(text: str) -> str:
    """What a person typed, in plain characters and without Slack's `&amp; &lt; &gt;`.

    Quotes are straight, dashes are `-`, full-width characters are ASCII, an ellipsis is `..`.
    """
    shown, before = visible(text.translate(_STRAIGHT)), ""
    while "&" in shown and shown != before:  # what was escaped twice is not escaped once
        before = shown
        shown = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        shown = unicodedata.normalize("NFC", shown)
    return shown


def as_typed(text: str) -> str:
    """Words with people and channels as they are typed: `@ada` and not `<@U123|ada>`."""
    return _MENTION.sub(lambda found: found[1] + (found[3] or found[2]), text)


def clean(name: str, length: int = NAME_LENGTH) -> str:
    """A name on one line, visible characters only, cut to a length; never empty."""
    shown = " ".join(visible(name).split()).strip(_JOINERS + " ")
    if len(shown) <= length:
        return shown or "(unnamed)"
    cut = shown[: length - 1]
    while cut and unicodedata.combining(shown[len(cut)]):
        cut = cut[:-1]
    return cut.rstrip(_JOINERS + " ") + "…"


def escape(text: str) -> str:
    """Text for Slack's mrkdwn, where only these three characters have a meaning of their own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
