"""The fonts that ship with the package, and text in any script split into runs by font.

IBM Plex is the typeface of everything; letters that it lacks come from a Noto font of their
script, then from the fallbacks. Fonts are read when first needed.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from enum import StrEnum
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from reports.render.fonts.shaping import Glyph, shape, stretches

HERE = Path(__file__).parent
NOTO = HERE / "noto"
EMOJI = "NotoEmoji-Regular"
FALLBACKS = ("DejaVuSans", "DroidSansFallback", EMOJI)
_FIRST_EMOJI = 0x1F000  # from here on DejaVu has a few emoji of another style
_JOINER = "\u200d"
_INVISIBLE = {"\u200c", _JOINER, "\u034f", *map(chr, range(0xFE00, 0xFE10))}
_KEYCAP, _EMOJI_STYLE = "\u20e3", "\ufe0f"
_SKIN_TONES = {*map(chr, range(0x1F3FB, 0x1F400))}


class Face(StrEnum):
    """The four faces that pages are set in."""

    SANS = "IBMPlexSans-Regular"
    BOLD = "IBMPlexSans-SemiBold"
    MONO = "IBMPlexMono-Regular"
    MONO_BOLD = "IBMPlexMono-SemiBold"


class TextRun(NamedTuple):
    """Text that one font draws, as it is seen from left to right.

    `glyphs` are there where the text was shaped; `text` then consists of their private codes.
    """

    font: str
    text: str
    glyphs: tuple[Glyph, ...] = ()


class _Range(NamedTuple):
    first: int
    last: int
    font: str


@cache
def font(name: str) -> TTFont:
    """A font of ours by file name, read and made known to reportlab."""
    folder = NOTO if (NOTO / f"{name}.ttf").exists() else HERE
    loaded = TTFont(name, str(folder / f"{name}.ttf"))
    pdfmetrics.registerFont(loaded)
    return loaded


@lru_cache(maxsize=20_000)
def runs(text: str, face: Face) -> tuple[TextRun, ...]:
    """Text in reading order as runs in the order in which they are seen from left to right."""
    if text.isascii() and text.isprintable():
        return (TextRun(face, text),)
    found: list[TextRun] = []
    for stretch in stretches(text):
        parts = [
            _run(name, part, leftward=stretch.leftward)
            for name, part in _by_font(stretch.text, face)
        ]
        found += reversed(parts) if stretch.leftward else parts
    return tuple(run for run in found if run.text)


@lru_cache(maxsize=20_000)
def width(text: str, face: Face) -> float:
    """How wide text is, in ems."""
    return float(sum(map(_width, runs(text, face))))


@lru_cache(maxsize=20_000)
def fit(text: str, face: Face, ems: float) -> str:
    """Text that is at most so many ems wide, cut with an ellipsis where it is not.

    A model loses its author before it is cut; two keys of one name keep what distinguishes them.
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
        if width(_cut(text, middle) + tail, face) <= ems:
            low = middle
        else:
            high = middle - 1
    return _cut(text, low) + tail


def _cut(text: str, length: int) -> str:
    """The first characters and an ellipsis, without a joiner that has lost its other half."""
    return text[:length].rstrip(f" {_JOINER}") + "…"


def _width(run: TextRun) -> float:
    if run.glyphs:
        return sum(glyph.advance for glyph in run.glyphs) / 1000
    return float(font(run.font).stringWidth(run.text, 1))


def _run(name: str, text: str, *, leftward: bool) -> TextRun:
    if name in _noto_fonts() or (name == EMOJI and len(text) > 1):
        glyphs = shape(font(name), text, leftward=leftward)
        if glyphs:
            return TextRun(name, "".join(glyph.code for glyph in glyphs), glyphs)
    shown = "".join(c for c in text if c not in _INVISIBLE)
    return TextRun(name, shown[::-1] if leftward else shown)


def _by_font(text: str, face: Face) -> Iterator[tuple[str, str]]:
    """Text cut where the font changes; what belongs to a letter stays in that letter's font."""
    found: list[tuple[str, str]] = []
    for place, c in enumerate(text):
        name = found[-1][0] if found else ""
        if found and _belongs(c, text[place - 1], name):
            found.append((name, c))
        elif c not in _INVISIBLE:
            found.append(_letter(c, face, text[place + 1 : place + 3]))
    for name, parts in groupby(found, key=lambda pair: pair[0]):
        yield name, "".join(part for _, part in parts)


def _belongs(c: str, before: str, name: str) -> bool:
    if c in _INVISIBLE:
        return True
    extends = unicodedata.category(c).startswith("M") or before == _JOINER or c in _SKIN_TONES
    return extends and _has(name, c)


def _letter(c: str, face: Face, following: str) -> tuple[str, str]:
    """The font that draws a letter, and the letter as that font has it."""
    for name in _candidates(c, face, following):
        if _has(name, c):
            return name, c
    # a styled or compatibility letter that no font has is drawn as the letter it stands for
    simple = unicodedata.normalize("NFKC", c)
    if len(simple) == 1 and simple != c:
        return _letter(simple, face, "")
    return face, f"U+{ord(c):04X}"


def _candidates(c: str, face: Face, following: str) -> Iterator[str]:
    if following.startswith((_KEYCAP, _EMOJI_STYLE)):
        yield EMOJI
    yield face
    name = _noto_font(ord(c))
    if name:
        yield name
    if ord(c) >= _FIRST_EMOJI:
        yield EMOJI
    yield from FALLBACKS


def _has(name: str, c: str) -> bool:
    return ord(c) in font(name).face.charToGlyph and unicodedata.category(c) != "Co"


@cache
def _ranges() -> tuple[_Range, ...]:
    """Which Noto font has which characters, in order."""
    found = []
    for line in (NOTO / "ranges.txt").read_text(encoding="ascii").splitlines():
        span, name = line.split()
        first, last = span.split("-")
        found.append(_Range(int(first, 16), int(last, 16), name))
    return tuple(found)


@cache
def _noto_fonts() -> frozenset[str]:
    return frozenset(one.font for one in _ranges())


def _noto_font(code: int) -> str | None:
    place = bisect_right(_ranges(), code, key=lambda one: one.first) - 1
    found = _ranges()[place] if place >= 0 else None
    return found.font if found and code <= found.last else None
