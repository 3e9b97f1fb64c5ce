"""Hebrew, Arabic and Persian names as they are seen: joined letters, in the order of the eye.

PDF draws letters one by one from left to right and knows nothing of scripts. This covers names,
not prose: one line that runs from left to right and has parts that run the other way.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

_RIGHT_TO_LEFT = {"R", "AL"}
_NUMBERS = {"EN", "AN"}
_MIRROR = str.maketrans("()[]{}<>«»‹›", ")(][}{><»«›‹")
_TATWEEL, _JOINER = "\u0640", "\u200d"
_PRESENTATION = (*range(0xFB50, 0xFE00), *range(0xFE70, 0xFF00))


def is_bidirectional(text: str) -> bool:
    """Whether any of it runs from right to left."""
    return any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in text)


def visual(text: str) -> str:
    """The text in the order in which it is seen from left to right, Arabic letters joined."""
    clusters = list(_clusters(_joined(text)))
    levels = _levels([cluster[0] for cluster in clusters])
    ordered = list(zip(levels, clusters, strict=True))
    for level in (2, 1):
        ordered = _reversed_from(level, ordered)
    return "".join(c.translate(_MIRROR) if level == 1 else c for level, c in ordered)


def _clusters(text: str) -> Iterator[str]:
    """Letters with the marks that belong to them."""
    cluster = ""
    for c in text:
        if cluster and unicodedata.bidirectional(c) != "NSM":
            yield cluster
            cluster = ""
        cluster += c
    if cluster:
        yield cluster


def _levels(letters: list[str]) -> list[int]:
    """0 runs to the right, 1 to the left, 2 is a number within what runs to the left."""
    levels: list[int | None] = []
    kinds = [unicodedata.bidirectional(letter) for letter in letters]
    line = int("L" not in kinds)
    strong = 0
    for kind in kinds:
        if kind in _RIGHT_TO_LEFT:
            strong = 1
            levels.append(1)
        elif kind == "L":
            strong = 0
            levels.append(0)
        elif kind in _NUMBERS:
            levels.append(2 if strong else 0)
        else:
            levels.append(None)
    return _neutrals_settled(levels, line)


def _neutrals_settled(levels: list[int | None], line: int) -> list[int]:
    """Spaces and signs go with their neighbours where these agree, else with the line."""
    settled: list[int] = []
    for level, run in groupby(levels):
        length = sum(1 for _ in run)
        if level is not None:
            settled += [level] * length
            continue
        before = settled[-1] if settled else line
        end = len(settled) + length
        after = levels[end] if end < len(levels) else line
        settled += [1 if before and after else 0] * length
    return settled


def _reversed_from(level: int, ordered: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Each stretch of a level and above, backwards."""
    out: list[tuple[int, str]] = []
    for high, run in groupby(ordered, lambda item: item[0] >= level):
        stretch = list(run)
        out += reversed(stretch) if high else stretch
    return out


@lru_cache(maxsize=1)
def _forms() -> dict[tuple[str, str], str]:
    """Presentation forms by (base letters, form), from the Unicode database itself."""
    forms: dict[tuple[str, str], str] = {}
    for code in _PRESENTATION:
        form, *base = unicodedata.decomposition(chr(code)).split() or [""]
        if form in {"<isolated>", "<initial>", "<medial>", "<final>"}:
            letters = "".join(chr(int(letter, 16)) for letter in base)
            forms.setdefault((letters, form), chr(code))
    return forms


def _joined(text: str) -> str:
    """Arabic letters in the form that their neighbours give them."""
    forms = _forms()
    letters = [c for c in text if unicodedata.bidirectional(c) != "NSM"]
    out: list[str] = []
    place = -1
    skip = False
    for c in text:
        if unicodedata.bidirectional(c) == "NSM":
            out.append(c)
            continue
        place += 1
        if skip:
            skip = False
            continue
        before = letters[place - 1] if place else ""
        after = letters[place + 1] if place + 1 < len(letters) else ""
        joins_back = _joins_on(before) and ((c, "<final>") in forms or c == _TATWEEL)
        if (c + after, "<isolated>") in forms and c == "\u0644":
            out.append(forms[c + after, "<final>" if joins_back else "<isolated>"])
            skip = True
            continue
        joins_on = _joins_on(c) and _joins_back(after)
        form = _FORM[joins_back, joins_on]
        out.append(forms.get((c, form), c))
    return "".join(out)


_FORM = {
    (False, False): "<isolated>",
    (False, True): "<initial>",
    (True, False): "<final>",
    (True, True): "<medial>",
}


def _joins_on(letter: str) -> bool:
    """Whether a letter joins with the one after it."""
    return letter in {_TATWEEL, _JOINER} or (letter, "<initial>") in _forms()


def _joins_back(letter: str) -> bool:
    """Whether a letter joins with the one before it."""
    return letter in {_TATWEEL, _JOINER} or (letter, "<final>") in _forms()
