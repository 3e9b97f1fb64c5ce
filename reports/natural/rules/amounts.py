"""Reads amounts and currencies: `over $100`, `in euros`."""

from __future__ import annotations

from reports.alerts.threshold import amount, currency_of
from reports.natural import vocabulary
from reports.natural.alert_wishes import asks_for_alert
from reports.natural.text_reader import TextReader
from reports.wording.safe_text import clean


def read_currency(reader: TextReader) -> int:
    """`in euros`, `in £`: figures stay in dollars, and a remark says so."""
    dollars, other = currency_of(reader.word())
    if not other or dollars or asks_for_alert(reader.words):
        return 0
    reader.remark(f"OpenRouter bills in US dollars, so these are dollars, not {other}.")
    return 1


def read_minimum(reader: TextReader) -> int:
    """`over $100`, `> 100`: the largest groups come first, so these are at the top."""
    sign = reader.word()[:1] if reader.word()[:1] in {">", "≥"} else ""
    rest = reader.word().lstrip(">≥=") if sign else ""
    at = 1 if rest else reader.skip(0, vocabulary.OVER_AMOUNT)
    word = rest or reader.word(at)
    found = amount(word) if at else None
    if found is None or found.percent or found.currency or not (sign or found.dollars):
        return 0
    if asks_for_alert(reader.words) or reader.word(-1) in {"less", "fewer"} or found.value <= 0:
        return 0
    reader.over = f"${word.removeprefix('$')}" if reader.is_about_spend() else word
    return at if rest else at + 1


def refuse_amount(reader: TextReader) -> int:
    """Refuse an amount, which questions can't use, rather than ignore it."""
    at = 1 if reader.word() in {"than", "over", "above", "below", "under"} else 0
    word = reader.word(at)
    if not (any(sign in word for sign in "$€£¥%") or word[:1] in {">", "<", "≥", "≤"}):
        return 0
    raise ValueError(
        f"I can't filter by “{clean(word, 40)}”. Amounts work in alerts, like"
        " `alert spend > $50 per day`."
    )
