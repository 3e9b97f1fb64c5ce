"""Which model of OpenRouter's list a word means: `sonnet`, `gpt-5.1`, `anthropic/claude-opus-4.5`.

A word that names one family of models, in several versions, means the newest of them. A word that
several families share (`gpt`) means none: the caller asks which one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_PART = re.compile(r"[-/.:_]")
_VERSION = re.compile(r"v?[0-9]+[a-z]?")


def models_meant(slugs: Iterable[str], word: str) -> tuple[str, ...]:
    """The slugs that a word may mean: none, the one it means, or one of each family it may name."""
    wanted, known = word.casefold(), sorted(set(slugs))
    whole = [slug for slug in known if wanted in {slug.casefold(), _name(slug)}]
    if whole:
        return tuple(whole[:1]) if whole[0].casefold() == wanted else tuple(whole)
    all_alike = [slug for slug in known if wanted in slug.casefold()]
    if not all_alike and len(words := _PART.split(wanted)) > 1:  # gemini-flash: gemini-3-flash
        all_alike = [slug for slug in known if _in_order(words, _PART.split(slug.casefold()))]
    # `:free` and the like are variants of a model, meant where they are typed or are all there is
    alike = [slug for slug in all_alike if ":" in wanted or ":" not in slug] or all_alike
    parts = [slug for slug in alike if _has_parts(slug, wanted)]
    families: dict[tuple[str, ...], list[str]] = {}
    for slug in parts or alike:
        families.setdefault(_family(slug), []).append(slug)
    return tuple(max(versions, key=_version) for versions in families.values())


def without_version(word: str) -> str:
    """The word without the numbers at its end: `gpt` for `gpt-4`; empty if nothing is left."""
    parts = _PART.split(word.casefold())
    while parts and _VERSION.fullmatch(parts[-1]):
        parts.pop()
    return "-".join(parts)


def _in_order(words: Iterable[str], parts: Sequence[str]) -> bool:
    """Whether all words are among the parts, in the same order.

    A number is that of a version from its beginning: gpt-4 isn't gpt-5.4.
    """
    at = 0
    for word in words:
        found = next((n for n in range(at, len(parts)) if parts[n] == word), None)
        if found is None:
            return False
        is_number = _VERSION.fullmatch(word) is not None
        if is_number and found > at and _VERSION.fullmatch(parts[found - 1]):
            return False
        at = found + 1
    return True


def _name(slug: str) -> str:
    """A slug without its vendor."""
    return slug.rpartition("/")[2].casefold()


def _has_parts(slug: str, wanted: str) -> bool:
    """Whether the word stands in the slug as a whole: `mini` does in gpt-5-mini, not in gemini."""
    return re.search(rf"(^|[-/.:_]){re.escape(wanted)}($|[-/.:_])", slug.casefold()) is not None


def _family(slug: str) -> tuple[str, ...]:
    """The words of a slug without its version, in any order: claude-3-opus, claude-opus-4.5."""
    parts = _PART.split(slug.casefold())
    return tuple(sorted(part for part in parts if part and not _VERSION.fullmatch(part)))


def _version(slug: str) -> tuple[list[int], str]:
    """The numbers of a slug, which compare as versions do: 4.10 is after 4.6."""
    return [int(number) for number in re.findall(r"[0-9]+", _name(slug))], slug
