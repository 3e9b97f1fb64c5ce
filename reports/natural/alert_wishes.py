"""Reads requests for alerts in natural language: `tell me if we spend more than $50 a day`.

They are translated to the words of an alert, which its grammar parses and the answer shows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from reports.alerts.grammar import EXAMPLES, parse_alert, split_signs
from reports.alerts.kinds.registry import KINDS, kind_of
from reports.alerts.rule import Rule
from reports.alerts.threshold import amount, currency_of
from reports.alerts.vocabulary import ABOVE, BELOW, FILLERS, FREQUENCIES, PER, WATCHES, unit_of
from reports.natural import vocabulary
from reports.natural.names import AmbiguousNameError, KnownNames, named
from reports.questions.grammar import DIMENSIONS, METRICS, CommandError, tokens

_ALERTING = {
    "alert", "alerts", "alerted", "alarm", "warn", "warned", "warning", "notify", "notified",
    "notification", "ping", "pinged",
}  # fmt: skip
_TELLING = {"tell", "told", "know", "say", "inform", "informed", "message", "dm", "remind", "hear"}
_IF = {"if", "when", "once", "whenever", "should", "before", "soon"}
_ANY_CREATOR = "by creator"
_MEANT = {
    **dict.fromkeys(("reaches", "reach", "hits", "hit", "passes", "pass", "crosses", "cross",
                     "surpasses", "beyond", "tops", "past", "exceeding"), ">"),
    **dict.fromkeys(("unusual", "unusually", "abnormal", "odd", "strange", "weird", "spiking",
                     "usual", "jumps", "jump"), "spike"),
    **dict.fromkeys(("old", "outdated"), "sync"),
    **dict.fromkeys(("somebody", "someone", "anybody", "anyone"), _ANY_CREATOR),
}  # fmt: skip
_SILENT = FILLERS | vocabulary.FILLERS | {
    "we", "our", "i", "i'd", "if", "when", "once", "whenever", "should", "before", "be", "will",
    "would", "its", "their", "set", "create", "add", "new", "alert", "goes", "go", "went", "run",
    "rises", "rise", "climbs", "climb", "falls", "fall", "drops", "drop", "runs", "low", "limit",
    "something", "anything", "ever", "has", "have", "been", "reached", "up", "amount", "data",
    "money", "still",
} | _ALERTING | _TELLING  # fmt: skip
_PLACES = {"me", "us", "owner", "here"}
_PEOPLE = {"person", "people", "user", "users", "member", "members", "creator", "creators"}
_EACH = {"a", "an", "any", "each", "every", "some", "one"}
_TIME = {"a", "an", "one", "the", "any", "each", "every", "this"}


_PHRASES = [
    (re.compile(rf"\b(?:{phrase})\b", re.IGNORECASE), kind.spellings[0])
    for kind in KINDS
    for phrase in kind.phrases
]
_DAYS = {"day": 1, "week": 7, "month": 30}
"""The days in a unit, for kinds that take a number of days."""


def asks_for_alert(words: Sequence[str]) -> bool:
    """Whether words ask for a message when something happens, rather than for figures now."""
    lower = {word.casefold().strip("?!.,") for word in words}
    return bool(lower & _ALERTING or (lower & _TELLING and lower & _IF))


def parse_alert_wish(text: str, known: KnownNames) -> Rule | CommandError | None:
    """The alert rule that a text asks for, or what is missing; None if it doesn't ask for one."""
    try:
        parts = split_signs(tokens(_named(text)))
        words = _translated([word.strip("?!,;") for word in parts], known)
    except AmbiguousNameError as wrong:
        return CommandError(str(wrong), examples=EXAMPLES)
    except ValueError:
        return None
    words = _with_watch(words)
    watched = {word for word in words if word in METRICS or word in WATCHES}
    # a metric alone isn't an alert, unless the text contains a condition or the word alert
    names_condition = {word.casefold() for word in words} & (ABOVE | BELOW) or any(
        map(amount, words)
    )
    names_condition = names_condition or _ALERTING & {word.casefold() for word in text.split()}
    if watched <= set(METRICS) and not (watched and names_condition):
        return None
    found = parse_alert(" ".join(["alert", *words]))
    if isinstance(found, CommandError) and (dollars := _in_dollars(words)):
        # only a suggestion, because the same number in dollars is a different amount
        return replace(found, problem=f"{found.problem} Did you mean dollars?", choices=(dollars,))
    return found if isinstance(found, Rule | CommandError) else None


def _joined(found: re.Match[str]) -> str:
    """Join `50 euros` into one word; any other word stays separate from the number before it."""
    return found[1] + found[2] if currency_of(found[2])[1] else found[0]


def _in_dollars(words: Sequence[str]) -> str:
    """The alert with dollars instead of another currency; "" if it has none, or if something else
    is wrong with it.
    """
    words = re.sub(r"\b([0-9.,]+) (\w+)\b", _joined, " ".join(words)).split()
    amounts = [amount(word) for word in words]
    if not any(one and one.currency for one in amounts):
        return ""
    swapped = [
        f"${one.value:f}" if one and one.currency else word
        for one, word in zip(amounts, words, strict=True)
    ]
    found = parse_alert(" ".join(["alert", *swapped]))
    return f"alert {found.words()}" if isinstance(found, Rule) else ""


def _named(text: str) -> str:
    """Replace phrases that mean a kind of alert with its word, except in quotes."""
    parts = text.split('"')
    for index in range(0, len(parts), 2):
        for phrase, word in _PHRASES:
            parts[index] = phrase.sub(word, parts[index])
    return '"'.join(parts)


def _with_watch(words: list[str]) -> list[str]:
    """Add `budget` or `spend` if only a threshold (% or $) indicates the kind."""
    if any(word in WATCHES and kind_of(WATCHES[word]).takes_metric for word in words):
        words = [word for word in words if word not in METRICS]
    thresholds = [found for word in words if (found := amount(word))]
    if any(word in METRICS or word in WATCHES for word in words) or not thresholds:
        return words
    if any(one.percent for one in thresholds):
        return ["budget", *words]
    return ["spend", *words] if any(one.dollars or one.currency for one in thresholds) else words


def _translated(words: Sequence[str], known: KnownNames) -> list[str]:
    """The words in the grammar's spelling, without words that have no meaning there."""
    found: list[str] = []
    rest = [word for word in words if word]
    while rest:
        taken = _taken(rest, found, known)
        del rest[:taken]
    if any(one.startswith("new ") for one in found):
        found = [one for one in found if one != _ANY_CREATOR or "by" in words]
    return [word for words_ in found for word in words_.split()]


def _taken(rest: Sequence[str], found: list[str], known: KnownNames) -> int:
    """Append the meaning of the next words to `found`; returns the number of words used."""
    word, lower = rest[0], rest[0].casefold().rstrip(".")
    ahead = [one.casefold().rstrip(".") for one in rest[1:3]]
    following = ahead[0] if ahead else ""
    unit = unit_of(following)
    if days := _days(rest, found):
        return _append(found, *days)
    if lower in {"in", "within", "for", "per", *_TIME} and unit:
        return _append(found, f"per {unit}", 2)
    if lower in {"in", "within", "for"} and following in _TIME and unit_of("".join(ahead[1:])):
        return _append(found, f"per {unit_of(ahead[1])}", 3)
    if lower == "new" and following in _PEOPLE:
        return _append(found, "new creator", 2)
    if lower == "new" and following in {"model", "models", "key", "keys", "api"}:
        api = following == "api"
        return _append(found, "new key" if api else f"new {following.removesuffix('s')}", 2 + api)
    if lower == "by" and following:
        return _append(found, f"by {vocabulary.DIMENSIONS.get(following, following)}", 2)
    if lower in _TELLING | _ALERTING and following.startswith("<@"):
        return _append(found, f"to {rest[1]}", 2)
    if lower in {"in", "to", "into"} and (following in _PLACES or "#" in following):
        return _append(found, f"{lower} {'me' if following == 'us' else rest[1]}", 2)
    if lower in _EACH | {"per"} and following in vocabulary.DIMENSIONS:
        return _append(found, f"by {vocabulary.DIMENSIONS[following]}", 2)
    if lower in vocabulary.SELF - {"me"} and following not in vocabulary.WANTING:
        return _append(found, "creator:me", 1)
    return _append(found, _meant(word, lower, known), 1)


def _days(rest: Sequence[str], found: Sequence[str]) -> tuple[str, int] | None:
    """A number of days, like `for 2 weeks`, as `14d`, and the number of words used.

    None if the next words aren't one, or the kind takes none.
    """
    if not any(kind_of(WATCHES.get(one, "")).takes_days for one in found):
        return None
    skipped = int(rest[0].casefold() in {"for", "in", "within"})
    words = [one.casefold() for one in rest[skipped : skipped + 2]]
    if len(words) < 2:
        return None
    count = "1" if words[0] in _EACH else words[0]
    days = _DAYS.get(words[1].removesuffix("s"))
    if not days or not (count.isascii() and count.isdecimal() and len(count) < 4):
        return None
    return f"{int(count) * days}d", skipped + 2


def _append(found: list[str], words: str, taken: int) -> int:
    if words and words not in found:
        found.append(words)
    return taken


def _meant(word: str, lower: str, known: KnownNames) -> str:
    """A word in the grammar's spelling; "" if it has no meaning there."""
    if lower in _MEANT:
        return _MEANT[lower]
    if lower in WATCHES and lower not in _SILENT:
        return WATCHES[lower]
    metric = vocabulary.METRICS.get(lower)
    if metric and lower not in {"dollars", "usd", "money"}:
        return str(metric)
    if lower in ABOVE | BELOW | PER | set(FREQUENCIES) or amount(word) or ":" in word:
        return word
    if word.startswith(("<@", "<#", "#")) or lower in {"here", "urgent", "dollars", "usd", "%"}:
        return f"creator:{word}" if word.startswith("<@") else word
    if lower in _SILENT or lower in vocabulary.DIMENSIONS or lower in DIMENSIONS:
        return ""
    name = named(lower, known) or named(word, known)
    return str(name) if name else word
