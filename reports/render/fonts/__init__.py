"""The bundled fonts, and text in any script split into runs by font.

IBM Plex is the main typeface; characters that it lacks come from the Noto font of their script,
then from the fallbacks. Fonts are loaded on first use.
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

from reports.render.fonts.shaping import Glyph, directional_runs, shape

HERE = Path(__file__).parent
NOTO = HERE / "noto"
EMOJI = "NotoEmoji-Regular"
FALLBACKS = ("DejaVuSans", "DroidSansFallback", EMOJI)
_FIRST_EMOJI = 0x1F000  # DejaVu has a few emoji above this code point, in another style
_JOINER = "\u200d"
_INVISIBLE = {"\u200c", _JOINER, "\u034f", *map(chr, range(0xFE00, 0xFE10))}
_KEYCAP, _EMOJI_STYLE = "\u20e3", "\ufe0f"
_SKIN_TONES = {*map(chr, range(0x1F3FB, 0x1F400))}


class Face(StrEnum):
    """The four font faces of documents and charts."""

    SANS = "IBMPlexSans-Regular"
    BOLD = "IBMPlexSans-SemiBold"
    MONO = "IBMPlexMono-Regular"
    MONO_BOLD = "IBMPlexMono-SemiBold"


class TextRun(NamedTuple):
    """Text in one font, in visual order (left to right).

    If the text was shaped, `glyphs` is set and `text` consists of their private-use characters.
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
    """A bundled font by file name, loaded and registered with reportlab."""
    folder = NOTO if (NOTO / f"{name}.ttf").exists() else HERE
    loaded = TTFont(name, str(folder / f"{name}.ttf"))
    pdfmetrics.registerFont(loaded)
    return loaded


@lru_cache(maxsize=20_000)
def runs(text: str, face: Face) -> tuple[TextRun, ...]:
    """Text in logical order, split into runs in visual order (left to right)."""
    if text.isascii() and text.isprintable():
        return (TextRun(face, text),)
    found: list[TextRun] = []
    for run_in_direction in directional_runs(text):
        parts = [
            _run(name, part, is_rtl=run_in_direction.is_rtl)
            for name, part in _by_font(run_in_direction.text, face)
        ]
        found += reversed(parts) if run_in_direction.is_rtl else parts
    return tuple(run for run in found if run.text)


@lru_cache(maxsize=20_000)
def text_width(text: str, face: Face) -> float:
    """The width of a text, in ems."""
    return float(sum(map(_width, runs(text, face))))


@lru_cache(maxsize=20_000)
def fit(text: str, face: Face, ems: float) -> str:
    """A text cut with an ellipsis to be at most `ems` wide.

    A model loses its author before it is cut; a suffix that distinguishes two keys is kept.
    """
    if text_width(text, face) <= ems:
        return text
    author, slash, model = text.partition("/")
    if slash and model and " " not in author and text_width(model, face) <= ems:
        return model
    tail = text[-5:] if text.endswith(")") and len(text) > 12 else ""
    if text_width(f"…{tail}", face) > ems:
        tail = ""
    low, high = 0, len(text) - len(tail)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(_cut(text, middle) + tail, face) <= ems:
            low = middle
        else:
            high = middle - 1
    return _cut(text, low) + tail


def _cut(text: str, length: int) -> str:
    """The first characters and an ellipsis, without a trailing space or joiner."""
    return text[:length].rstrip(f" {_JOINER}") + "…"


def _width(run: TextRun) -> float:
    if run.glyphs:
        return sum(glyph.advance for glyph in run.glyphs) / 1000
    return float(font(run.font).stringWidth(run.text, 1))


def _run(name: str, text: str, *, is_rtl: bool) -> TextRun:
    if name in _noto_fonts() or (name == EMOJI and len(text) > 1):
        glyphs = shape(font(name), text, is_rtl=is_rtl)
        if glyphs:
            return TextRun(name, "".join(glyph.code for glyph in glyphs), glyphs)
    shown = "".join(c for c in text if c not in _INVISIBLE)
    return TextRun(name, shown[::-1] if is_rtl else shown)


def _by_font(text: str, face: Face) -> Iterator[tuple[str, str]]:
    """Text split where the font changes; combining characters stay in their letter's font."""
    found: list[tuple[str, str]] = []
    for index, char in enumerate(text):
        name = found[-1][0] if found else ""
        if found and _is_combining(char, text[index - 1], name):
            found.append((name, char))
        elif char not in _INVISIBLE:
            found.append(_font_for(char, face, text[index + 1 : index + 3]))
    for name, parts in groupby(found, key=lambda pair: pair[0]):
        yield name, "".join(part for _, part in parts)


def _is_combining(char: str, previous: str, name: str) -> bool:
    if char in _INVISIBLE:
        return True
    extends = (
        unicodedata.category(char).startswith("M") or previous == _JOINER or char in _SKIN_TONES
    )
    return extends and _has_glyph(name, char)


def _font_for(char: str, face: Face, following: str) -> tuple[str, str]:
    """The font for a character, and the character or its replacement in that font."""
    for name in _candidates(char, face, following):
        if _has_glyph(name, char):
            return name, char
    # a compatibility character that no font has is drawn as its plain equivalent
    simple = unicodedata.normalize("NFKC", char)
    if len(simple) == 1 and simple != char:
        return _font_for(simple, face, "")
    return face, f"U+{ord(char):04X}"


def _candidates(char: str, face: Face, following: str) -> Iterator[str]:
    if following.startswith((_KEYCAP, _EMOJI_STYLE)):
        yield EMOJI
    yield face
    name = _noto_font(ord(char))
    if name:
        yield name
    if ord(char) >= _FIRST_EMOJI:
        yield EMOJI
    yield from FALLBACKS


def _has_glyph(name: str, char: str) -> bool:
    return ord(char) in font(name).face.charToGlyph and unicodedata.category(char) != "Co"


@cache
def _ranges() -> tuple[_Range, ...]:
    """The code point ranges of the Noto fonts, in ascending order."""
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
    index = bisect_right(_ranges(), code, key=lambda one: one.first) - 1
    candidate = _ranges()[index] if index >= 0 else None
    return candidate.font if candidate and code <= candidate.last else None
