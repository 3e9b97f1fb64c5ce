"""Which traces a question is about, as a selection and its parameters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.clickhouse.columns import TraceField
from bot.clickhouse.statements import TraceSelection

PART = 4_000
"""Numbers of a parameter: the server takes 128 KiB for each, and a number has 20 digits."""
MOST_PLACES = 20_000
"""Pairs of key and owner that can be named: the server takes requests of 1 MiB."""


@dataclass(frozen=True, slots=True)
class LiveSelection:
    """A selection, and what its statement needs besides the range."""

    selection: TraceSelection
    parameters: Mapping[str, str]


def live_selection(
    by: TraceField | None = None,
    *,
    places: Mapping[tuple[str, str], int] | None = None,
    models: Mapping[str, int] | None = None,
    grouped_by_model: bool = False,
    patterns: Mapping[tuple[TraceField, bool], str] | None = None,
) -> LiveSelection:
    """A selection of generations.

    `by` is a column whose values are the groups. `places` are the only pairs of key and owner that
    count, `models` the only models, with the numbers of their groups, from 1. Groups are those of
    the places, or of the models if it is `grouped_by_model`. `patterns` are regular expressions by
    column, and whether they exclude. Raises ValueError for more than MOST_PLACES places.
    """
    parameters: dict[str, str] = {}
    parts = 0
    if places is not None:
        if len(places) > MOST_PLACES:
            raise ValueError(f"more than {MOST_PLACES:,} keys")
        hashed = {half_md5(f"{owner}\n{key}"): n for (key, owner), n in places.items()}
        parts = _put(parameters, "place", hashed)
    if models is not None:
        _put(parameters, "model", {half_md5(model): n for model, n in models.items()}, PART * 4)
    for (column, exclude), pattern in (patterns or {}).items():
        word = "without" if exclude else "only"
        # the server reads parameters as text with backslashes
        escaped = pattern.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
        parameters[f"{word}_{column.name.lower()}"] = escaped
    selection = TraceSelection(
        by, parts, models is not None, grouped_by_model, tuple(patterns or ())
    )
    return LiveSelection(selection, parameters)


def half_md5(text: str) -> int:
    """The function `halfMD5` of ClickHouse: a short name for a text, and no secret."""
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "big")


def _put(
    parameters: dict[str, str], name: str, numbers: Mapping[int, int], size: int = PART
) -> int:
    """Add the arrays of a mapping of hashes to numbers; returns how many parts they have."""
    pairs: Sequence[tuple[int, int]] = [*numbers.items()] or [(0, 0)]  # no array may be empty
    starts = range(0, len(pairs), size)
    for part, start in enumerate(starts):
        some = pairs[start : start + size]
        parameters[f"{name}_{part}"] = f"[{','.join(str(one) for one, _ in some)}]"
        parameters[f"{name}_number_{part}"] = f"[{','.join(str(number) for _, number in some)}]"
    return len(starts)
