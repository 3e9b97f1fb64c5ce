"""Text shaping: the glyphs of a text in a complex script, and their positions.

HarfBuzz joins Arabic letters, forms Indic conjuncts, places marks and composes emoji; python-bidi
finds the visual order of a line of mixed directions.
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
# invisible as well and passes through as a mark, so it temporarily replaces U+200C.
_NON_JOINER, _STAND_IN = "\u200c", "\u034f"
# private use; `visible` removes these from names
_PRIVATE, _STAND_INS = range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE)


class Glyph(NamedTuple):
    """A glyph and its private-use character (`code`). Distances are in 1/1000 em."""

    code: str
    width: float
    advance: float
    dx: float
    dy: float


class DirectionalRun(NamedTuple):
    """A part of a line in one direction, its characters in logical order."""

    text: str
    is_rtl: bool


_glyph_texts: dict[str, str] = {}
_codes: dict[tuple[str, int, str], str] = {}


def directional_runs(text: str) -> list[DirectionalRun]:
    """A line split where the direction changes, in visual order (left to right)."""
    if not any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text):
        return [DirectionalRun(text, is_rtl=False)]
    visual = _visual_order(text.replace(_NON_JOINER, _STAND_IN))
    parts = groupby(_with_direction(visual), key=lambda pair: pair[1])
    return [
        DirectionalRun(_logical_order("".join(char for char, _ in part), is_rtl=is_rtl), is_rtl)
        for is_rtl, part in parts
    ]


def _visual_order(text: str) -> str:
    """The characters of a line from left to right.

    The algorithm raises AssertionError for characters without a direction: those that this Python's
    Unicode doesn't know. Private-use characters, which are left-to-right, stand for them.
    """
    unknown = sorted({char for char in text if not unicodedata.bidirectional(char)})
    stand_ins = {ord(char): code for char, code in zip(unknown, _STAND_INS, strict=False)}
    visual = str(get_display(text.translate(stand_ins)))
    return visual.translate({code: char for char, code in stand_ins.items()})


def shape(font: TTFont, text: str, *, is_rtl: bool = False) -> tuple[Glyph, ...]:
    """The glyphs of a text, in visual order (left to right).

    Each glyph is registered with reportlab as a private-use character of the font; `glyph_text`
    maps it back to its text. Empty if all private-use characters are taken.
    """
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if is_rtl else "ltr"
    buffer.flags = hb.BufferFlags.REMOVE_DEFAULT_IGNORABLES
    shaper = _shaper(Path(font.face.filename))
    hb.shape(shaper, buffer)
    if len(_codes) + len(buffer.glyph_infos) > len(_PRIVATE):
        return ()
    em = 1000 / shaper.face.upem
    texts = _texts([info.cluster for info in buffer.glyph_infos], text, is_rtl=is_rtl)
    return tuple(
        Glyph(
            _code(font, info.codepoint, text_of_glyph, width),
            width,
            round(position.x_advance * em, 1),
            round(position.x_offset * em, 1),
            round(position.y_offset * em, 1),
        )
        for info, position, text_of_glyph in zip(
            buffer.glyph_infos, buffer.glyph_positions, texts, strict=True
        )
        for width in (round(shaper.get_glyph_h_advance(info.codepoint) * em, 1),)
    )


def glyph_text(code: str) -> str | None:
    """The text of a private-use character that `shape` assigned; None for any other character."""
    return _glyph_texts.get(code)


@cache
def _shaper(path: Path) -> hb.Font:
    return hb.Font(hb.Face(hb.Blob.from_file_path(str(path))))


def _code(font: TTFont, glyph: int, text: str, width: float) -> str:
    """The private-use character for a glyph and text; a glyph gets one per text it draws."""
    key = font.fontName, glyph, text
    code = _codes.get(key)
    if code is None:
        number = _PRIVATE[len(_codes)]
        code = _codes[key] = chr(number)
        _glyph_texts[code] = text
        font.face.charToGlyph[number] = glyph
        font.face.charWidths[number] = width
    return code


def _texts(clusters: list[int], text: str, *, is_rtl: bool) -> Iterator[str]:
    """The text of each glyph, so that text copied from the file is correct.

    A cluster's characters go to its glyphs one by one, the remaining ones to its last glyph; if
    there are more glyphs than characters, some have none. Right-to-left glyphs of several letters
    have them in visual order, because Poppler and PDFium reverse the line as a whole.
    """
    starts = sorted({*clusters, len(text)})
    ends = dict(pairwise(starts))
    for cluster, group in groupby(clusters):
        count = len(list(group))
        letters = list(text[cluster : ends[cluster]])
        parts = ["".join(letters[i : i + 1]) for i in range(count - 1)]
        parts.append("".join(letters[count - 1 :]))
        yield from (part[::-1] for part in reversed(parts)) if is_rtl else parts


def _with_direction(visual: str) -> list[tuple[str, bool]]:
    """Each character of a line in visual order, and whether it is right-to-left."""
    result: list[tuple[str, bool]] = []
    is_rtl = False
    for char in reversed(visual):  # visually, a right-to-left letter comes after its marks
        kind = unicodedata.bidirectional(char)
        is_rtl = kind in _RIGHT_TO_LEFT or (kind == "NSM" and is_rtl)
        result.append((char, is_rtl))
    return result[::-1]


def _logical_order(visual: str, *, is_rtl: bool) -> str:
    text = visual[::-1] if is_rtl else visual
    return text.replace(_STAND_IN, _NON_JOINER)
