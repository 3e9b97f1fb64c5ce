"""Parses typed thresholds, such as `$50`, `1,000`, `10m` or `80%`, and common mistakes.

`Decimal()` alone isn't enough: it accepts other scripts, `1_000`, `1e9` and `NaN`.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from decimal import Decimal

LONGEST = 40
_SIZES = {"k": 10**3, "m": 10**6, "b": 10**9}
MULTIPLIERS = {"thousand": 10**3, "million": 10**6, "mio": 10**6, "billion": 10**9}
_DOLLARS = {"$", "us$", "usd", "dollar", "dollars", "bucks"}
_OTHERS = {
    "eur": "euros", "euro": "euros", "euros": "euros", "gbp": "pounds", "pound": "pounds",
    "pounds": "pounds", "chf": "francs", "francs": "francs", "jpy": "yen", "yen": "yen",
    "cad": "Canadian dollars", "aud": "Australian dollars", "inr": "rupees", "rupees": "rupees",
    "cny": "yuan", "yuan": "yuan", "sek": "kronor", "btc": "bitcoin",
}  # fmt: skip
_SIGNS = {"€": "euros", "£": "pounds", "¥": "yen", "₹": "rupees", "₿": "bitcoin"}


@dataclass(frozen=True, slots=True)
class Amount:
    """A number and the text next to it: a dollar sign, another currency, a `%`.

    `comma`: it may have a comma as its decimal point.
    """

    value: Decimal
    typed: str
    dollars: bool = False
    currency: str = ""
    percent: bool = False
    comma: bool = False


def amount(word: str) -> Amount | None:
    """The amount of a word; None if it isn't one."""
    if len(word) > LONGEST:
        return None
    remaining = word.strip(",;")
    negative = remaining.startswith(("-", "−"))
    remaining = remaining.lstrip("-−+")
    remaining, before = _currency_before(remaining)
    negative = negative or remaining.startswith(("-", "−"))
    remaining = remaining.lstrip("-−+")
    number = _leading_number(remaining)
    if not any(c.isdigit() for c in number):
        return None
    behind = _suffix(remaining[len(number) :].lower())
    if behind is None:
        return None
    size, after = behind
    value, comma = _value(number)
    if value is None:
        return None
    value *= _SIZES.get(size, 1)
    percent = after == "%"
    currency = after if after and not percent else before
    dollars, other = currency_of(currency) if currency else (False, "")
    return Amount(-value if negative else value, word, dollars, other, percent, comma)


def currency_of(word: str) -> tuple[bool, str]:
    """Whether a word or sign means US dollars, and the name of the currency if it is another
    one."""
    lower = word.lower()
    if lower in _DOLLARS:
        return True, ""
    other = _OTHERS.get(lower) or _SIGNS.get(word)
    return False, other or (f"“{word}”" if _is_sign(word) else "")


def is_currency(word: str) -> bool:
    """Whether a word is a currency."""
    return any(currency_of(word))


def _is_sign(word: str) -> bool:
    return len(word) == 1 and unicodedata.category(word) == "Sc"


def _currency_before(remaining: str) -> tuple[str, str]:
    for length in (3, 2, 1):
        if is_currency(remaining[:length]):
            return remaining[length:], remaining[:length]
    return remaining, ""


def _leading_number(remaining: str) -> str:
    end = 0
    while end < len(remaining) and remaining[end] in "0123456789.,":
        end += 1
    return remaining[:end]


def _suffix(text: str) -> tuple[str, str] | None:
    """A size, and a currency or `%`, after a number; None if there is anything else."""
    size = text[:1] if text[:1] in _SIZES and not is_currency(text) else ""
    remaining = text[len(size) :]
    return (size, remaining) if remaining in {"", "%"} or is_currency(remaining) else None


def _value(number: str) -> tuple[Decimal | None, bool]:
    """A number with commas as thousands separators, and whether a comma may be a decimal point."""
    whole, _, decimals = number.partition(".")
    first, *groups = whole.split(",")
    if "," in decimals or "." in decimals:
        return None, False
    if all(len(group) == 3 for group in groups) and (not groups or 0 < len(first) < 4):
        return Decimal(f"{first}{''.join(groups) or ''}.{decimals or 0}"), False
    if len(groups) == 1 and "." not in number:
        return Decimal(f"{first or 0}.{groups[0] or 0}"), True
    return None, False
