"""The fonts that ship with the package, and text in any script told apart by font.

IBM Plex is the face of everything; letters that it lacks come from the fallbacks, and what no
font has is shown as U+XXXX, never as nothing. Fonts are read when first needed.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from reports.render.fonts.bidi import is_bidirectional, visual

HERE = Path(__file__).parent
FALLBACKS = ("DejaVuSans", "NotoSansThai-Regular", "DroidSansFallback", "NotoEmoji-Regular")
_INVISIBLE = {"\u200c", "\u200d", *map(chr, range(0xFE00, 0xFE10))}


class Face(StrEnum):
    """The four faces that pages are set in."""

    SANS = "IBMPlexSans-Regular"
    BOLD = "IBMPlexSans-SemiBold"
    MONO = "IBMPlexMono-Regular"
    MONO_BOLD = "IBMPlexMono-SemiBold"


class Run(NamedTuple):
    """Letters that one font draws."""

    font: str
    text: str


@cache
def font(name: str) -> TTFont:
    """A font of ours, read and made known to reportlab."""
    loaded = TTFont(name, str(HERE / f"{name}.ttf"))
    pdfmetrics.registerFont(loaded)
    return loaded


@lru_cache(maxsize=20_000)
def runs(text: str, face: Face) -> tuple[Run, ...]:
    """Text as it is seen from left to right, cut where the font changes."""
    if text.isascii() and text.isprintable():
        return (Run(face, text),)
    seen = visual(text) if is_bidirectional(text) else text
    letters = [_letter(c, face) for c in seen if c not in _INVISIBLE]
    return tuple(
        Run(name, "".join(letter.text for letter in letters_of))
        for name, letters_of in groupby(letters, lambda letter: letter.font)
    )


@lru_cache(maxsize=20_000)
def width(text: str, face: Face) -> float:
    """How wide text is, in ems."""
    return float(sum(font(run.font).stringWidth(run.text, 1) for run in runs(text, face)))


@lru_cache(maxsize=20_000)
def fit(text: str, face: Face, ems: float) -> str:
    """Text that is at most so many ems wide, cut with an ellipsis where it is not.

    A model loses its author before it is cut; two keys of one name keep what tells them apart.
    """
    if width(text, face) <= ems:
        return text
    author, slash, model = text.partition("/")
    if slash and model and " " not in author and width(model, face) <= ems:
        return model
    tail = text[-5:] if text.endswith(")") and len(text) > 12 else ""
    if width(f"…{tail}", face) > ems:
        tail = ""
    low, high = 0, len(text) - len(tail)
    while low < high:
        middle = (low + high + 1) // 2
        if width(f"{text[:middle].rstrip()}…{tail}", face) <= ems:
            low = middle
        else:
            high = middle - 1
    return f"{text[:low].rstrip()}…{tail}"


def _letter(c: str, face: Face) -> Run:
    for name in (face, *FALLBACKS):
        if _has(name, c):
            return Run(name, c)
    # a joined Arabic letter that no font has may still be there on its own
    plain = unicodedata.normalize("NFKC", c)
    if len(plain) == 1 and plain != c:
        return _letter(plain, face)
    return Run(face, f"U+{ord(c):04X}")


def _has(name: str, c: str) -> bool:
    return ord(c) in font(name).face.charToGlyph
