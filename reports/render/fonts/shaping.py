"""Shaping: which glyphs draw a text in a complex script, and where each of them goes.

HarfBuzz joins Arabic letters, forms Indic conjuncts, places marks and composes emoji; python-bidi
finds the order in which a line of mixed directions is seen.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

import uharfbuzz as hb
from bidi.algorithm import get_display
from reportlab.pdfbase.ttfonts import TTFont

_RIGHT_TO_LEFT = {"R", "AL"}
# The bidirectional algorithm drops U+200C, which Persian needs between two letters. U+034F is
# invisible as well and passes through it as a mark, so it takes the other's place meanwhile.
_NON_JOINER, _STAND_IN = "\u200c", "\u034f"
_PRIVATE = range(0xF0000, 0xFFFFE)  # private use: names never contain these, `visible` drops them


class Glyph(NamedTuple):
    """A glyph; `code` is the private character that stands for it. Distances are in 1/1000 em."""

    code: str
    width: float
    advance: float
    dx: float
    dy: float


class Stretch(NamedTuple):
    """A part of a line in one direction, its characters in reading order."""

    text: str
    leftward: bool


_meanings: dict[str, str] = {}
_codes: dict[tuple[str, int, str], str] = {}


def stretches(text: str) -> list[Stretch]:
    """A line as it is seen from left to right, cut where the direction changes."""
    if not any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in text):
        return [Stretch(text, leftward=False)]
    seen = str(get_display(text.replace(_NON_JOINER, _STAND_IN)))
    parts = groupby(_directed(seen), key=lambda pair: pair[1])
    return [
        Stretch(_read("".join(c for c, _ in part), leftward=leftward), leftward)
        for leftward, part in parts
    ]


def shape(font: TTFont, text: str, *, leftward: bool = False) -> tuple[Glyph, ...]:
    """The glyphs that draw a text, in the order in which they are seen from left to right.

    Each glyph is made known to reportlab as a private character of the font; `meaning` gives back
    the text that it draws. Empty where the private characters are used up.
    """
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if leftward else "ltr"
    buffer.flags = hb.BufferFlags.REMOVE_DEFAULT_IGNORABLES
    shaper = _shaper(Path(font.face.filename))
    hb.shape(shaper, buffer)
    if len(_codes) + len(buffer.glyph_infos) > len(_PRIVATE):
        return ()
    em = 1000 / shaper.face.upem
    texts = _texts([info.cluster for info in buffer.glyph_infos], text, leftward=leftward)
    return tuple(
        Glyph(
            _code(font, info.codepoint, meant, width),
            width,
            round(place.x_advance * em, 1),
            round(place.x_offset * em, 1),
            round(place.y_offset * em, 1),
        )
        for info, place, meant in zip(
            buffer.glyph_infos, buffer.glyph_positions, texts, strict=True
        )
        for width in (round(shaper.get_glyph_h_advance(info.codepoint) * em, 1),)
    )


def meaning(code: str) -> str | None:
    """The text that a private character draws; None where it does not stand for a glyph."""
    return _meanings.get(code)


@cache
def _shaper(path: Path) -> hb.Font:
    return hb.Font(hb.Face(hb.Blob.from_file_path(str(path))))


def _code(font: TTFont, glyph: int, text: str, width: float) -> str:
    """The private character of a glyph that draws a text; the same glyph may draw several."""
    key = font.fontName, glyph, text
    code = _codes.get(key)
    if code is None:
        number = _PRIVATE[len(_codes)]
        code = _codes[key] = chr(number)
        _meanings[code] = text
        font.face.charToGlyph[number] = glyph
        font.face.charWidths[number] = width
    return code


def _texts(clusters: list[int], text: str, *, leftward: bool) -> Iterator[str]:
    """The text of each glyph, so that a reader of the file gets the characters back.

    A cluster's characters go to its glyphs one by one, what is left over to its last one; where
    there are more glyphs than characters, some have none. A glyph of several letters that run
    leftward has them in the order of the eye: Poppler and PDFium reverse the line as a whole.
    """
    starts = sorted({*clusters, len(text)})
    ends = dict(pairwise(starts))
    for cluster, group in groupby(clusters):
        count = len(list(group))
        letters = list(text[cluster : ends[cluster]])
        parts = ["".join(letters[i : i + 1]) for i in range(count - 1)]
        parts.append("".join(letters[count - 1 :]))
        yield from (part[::-1] for part in reversed(parts)) if leftward else parts


def _directed(seen: str) -> list[tuple[str, bool]]:
    """Each character of a displayed line, and whether it belongs to letters that run leftward."""
    found: list[tuple[str, bool]] = []
    leftward = False
    for c in reversed(seen):  # such a letter is seen after its marks, which follow it in reading
        kind = unicodedata.bidirectional(c)
        leftward = kind in _RIGHT_TO_LEFT or (kind == "NSM" and leftward)
        found.append((c, leftward))
    return found[::-1]


def _read(seen: str, *, leftward: bool) -> str:
    text = seen[::-1] if leftward else seen
    return text.replace(_STAND_IN, _NON_JOINER)
