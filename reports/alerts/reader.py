"""Reads the words of an alert one by one into a draft of its rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from reports.alerts.draft import RuleDraft, WrongRule
from reports.alerts.kinds.registry import NOUNS, kind_of
from reports.alerts.rule import Recipient, RecipientKind, Rule
from reports.alerts.threshold import MULTIPLIERS, Amount, amount, currency_of, is_currency
from reports.alerts.validation import check
from reports.alerts.vocabulary import (
    ABOVE,
    BELOW,
    FILLERS,
    FREQUENCIES,
    KNOWN,
    PER,
    UNITS,
    WATCHES,
    WrongWords,
    recipient_of,
    unit_of,
)
from reports.questions.grammar import (
    DIMENSIONS,
    LONGEST,
    METRICS,
    CommandError,
    HelpCommand,
    QuestionCommand,
    parse,
)
from reports.questions.kind_options import days_of
from reports.questions.query import DEFAULT_TOP, MEASURED, Query
from reports.time.period import Unit
from reports.time.time_range import zone_names
from reports.usage.dimensions import NAMES, Dimension, Metric
from reports.wording import suggestions as nearest
from reports.wording.safe_text import clean
from reports.wording.token_cursor import TokenCursor

_DAYS = {"day", "days"}
NOT_BY_LIVE = "An alert can be by model, key or creator, not by {dimension}."


@dataclass(slots=True)
class AlertReader:
    """Reads the words of an alert; what it doesn't know is read as the filters of a question."""

    words: TokenCursor = field(default_factory=TokenCursor)
    question: list[str] = field(default_factory=list)
    draft: RuleDraft = field(default_factory=RuleDraft)

    def read(self, words: list[str]) -> Rule | HelpCommand:
        """Read the rule. Raises WrongWords or WrongRule."""
        self.words = TokenCursor(words)
        rules: tuple[Callable[[str], bool], ...] = (
            self._filter, self._watch, self._sign, self._days, self._amount, self._frequency,
            self._per, self._recipient, self._urgent, self._filler,
        )  # fmt: skip
        while self.words:
            word = self.words.take()
            if not any(rule(word) for rule in rules):
                self.question.append(word)
        asked = parse(" ".join(self.question))
        match asked:
            case HelpCommand():
                return asked
            case CommandError():
                raise self._with_correction(asked)
            case QuestionCommand():
                return self._rule(asked.query, dated=asked.dated)

    def _rule(self, query: Query, *, dated: bool) -> Rule:
        if query.kind in MEASURED:
            raise WrongWords(f"I don't recognize “{query.kind}”.")
        if query.live_dimensions:
            label = NAMES[query.live_dimensions[0]].label
            raise WrongWords(NOT_BY_LIVE.format(dimension=label))
        extra = "csv" if query.files else "share" if query.share else ""
        extra = extra or ("top" if query.top != DEFAULT_TOP else "")
        draft = replace(
            self.draft, by=query.by, filters=query.filters, zone=query.zone, source=query.source
        )
        if dated:
            draft = replace(draft, not_in_alerts=str(query.period))
        rule = check(replace(draft, not_in_alerts=draft.not_in_alerts or extra))
        if len(rule.words()) > LONGEST - len("alert "):
            raise WrongWords(f"That's too long. An alert can have at most {LONGEST} characters.")
        return rule

    def _with_correction(self, wrong: CommandError) -> ValueError:
        """The error for a word, and the whole command with the closest known word instead."""
        for word in self.question:
            if f"“{clean(word, 40)}”" not in wrong.problem:
                continue
            meant = nearest.word(word.strip(".,"), KNOWN)
            if meant and meant != word.lower():
                said = f"I don't recognize “{clean(word, 40)}” in an alert."
                return WrongWords(said, instead=(word, meant))
            if word[0] in "0123456789" and ":" not in word:
                said = f"I can't read “{clean(word, 40)}” as an amount. Try $50, 500k, 10m or 80%."
                return WrongWords(said, instead=(word, ""))
        asked = parse(wrong.suggestion) if wrong.suggestion else wrong
        query = asked.query if isinstance(asked, QuestionCommand) else Query()
        draft = replace(
            self.draft, by=query.by, filters=query.filters, zone=query.zone, source=query.source
        )
        try:
            return WrongRule(wrong.problem, check(draft))
        except WrongRule as worse:
            return WrongRule(wrong.problem, worse.rule)

    def _filter(self, word: str) -> bool:
        """Read a filter, `by` or `tz` as in a question, with the words that follow."""
        lower = word.lower()
        kind, colon, name = word.partition(":")
        if colon and kind.lower().removesuffix("s") in DIMENSIONS:
            self._to_question(word, 0 if name else 1)
            return True
        if lower in {"by", "tz"}:
            api = lower == "by" and self.words.peek() == "api"
            self._to_question(word, 2 if api else 1)
            return True
        if "/" in word and lower in zone_names():
            self.question += ["tz", word]
            return True
        return False

    def _to_question(self, word: str, following: int) -> None:
        taken = self.words.take_many(following)
        self.question += [word, *taken]

    def _watch(self, word: str) -> bool:
        lower = word.lower().strip(",.:")
        before = self.draft.watch
        if (lower, self.words.peek().lower().strip(",.:")) in NOUNS:
            return self._watch(self.words.take())
        if lower in METRICS:
            self._metric(METRICS[lower])
            return True
        watch = WATCHES.get(lower)
        if watch is None:
            return False
        if watch == "credits" and before and before != "credits":
            return False  # in that case, it is a source of money
        if before and before != watch:
            raise WrongWords(f"An alert can only watch one thing: `{before}` or `{watch}`.")
        dimensions = kind_of(watch).dimensions
        what = self._dimension(watch, dimensions) if dimensions else self.draft.what
        self.draft = replace(self.draft, watch=watch, what=what)
        return True

    def _metric(self, metric: Metric) -> None:
        before = self.draft.watch
        if before and kind_of(before).takes_metric:
            return
        if before == "credits" and self.draft.limit is None:
            self.question.append("credits")
        elif before and before != metric:
            raise WrongWords(f"An alert can only watch one thing: `{before}` or `{metric}`.")
        self.draft = replace(self.draft, watch=str(metric))

    def _dimension(self, watch: str, dimensions: Sequence[Dimension]) -> Dimension:
        """The dimension that follows a kind's word, as in `new model`."""
        named = self.words.take().lower()
        what = DIMENSIONS.get(named) or DIMENSIONS.get(named.removesuffix("s"))
        if what is not None and what in dimensions:
            return what
        said = f", not “{clean(named, 40)}”" if named else ""
        meant = nearest.word(named, tuple(map(str, dimensions))) or str(dimensions[0])
        *firsts, last = dimensions
        offered = f"{', '.join(firsts)} or {last}" if firsts else last
        raise WrongWords(
            f"After `{watch}` I need {offered}{said}.",
            instead=(named, meant) if named else (watch, f"{watch} {meant}"),
        )

    def _sign(self, word: str) -> bool:
        lower = word.lower()
        if lower not in ABOVE | BELOW:
            return False
        self.draft = replace(self.draft, sign=">" if lower in ABOVE else "<")
        return True

    def _days(self, word: str) -> bool:
        """Read a number of days, `60d` or `60 days`, for the kinds that take one."""
        if not kind_of(self.draft.watch).takes_days:
            return False
        apart = word.isascii() and word.isdecimal() and self.words.peek().lower() in _DAYS
        days = days_of(f"{word}d" if apart else word.lower())
        if not days:
            return False
        if apart:
            self.words.take()
        self.draft = replace(self.draft, days=days)
        return True

    def _amount(self, word: str) -> bool:
        if is_currency(word) and amount(self.words.peek()):
            following = self.words.take()
            word = f"{word}{following}"
        found = amount(word)
        if found is None or (found.value == 1 and FREQUENCIES.get(word.lower())):
            return False
        following = self.words.peek().lower()
        if following in MULTIPLIERS:
            self.words.take()
            found = replace(found, value=found.value * MULTIPLIERS[following])
            following = self.words.peek().lower()
        if following == "%" or following in {"percent", "per cent"}:
            self.words.take()
            found = replace(found, percent=True)
        elif is_currency(following):
            dollars, other = currency_of(self.words.take())
            found = replace(found, dollars=dollars, currency=other)
        self._set_amount(found)
        return True

    def _set_amount(self, found: Amount) -> None:
        kind = kind_of(self.draft.watch)
        if found.percent or kind.in_percent:
            self.draft = replace(self.draft, percents=(*self.draft.percents, found))
            return
        before = self.draft.limit
        if before is not None:
            raise WrongWords(
                f"There are two thresholds, {clean(before.typed, 20)} and {clean(found.typed, 20)}."
                " Set up a second alert for the other one.",
                instead=(found.typed, ""),
            )
        self.draft = replace(self.draft, limit=found)

    def _frequency(self, word: str) -> bool:
        unit = FREQUENCIES.get(word.lower())
        if unit:
            self._per_unit(unit)
        return bool(unit)

    def _per(self, word: str) -> bool:
        lower = word.lower()
        if lower not in PER:
            return False
        following = self.words.take()
        unit = unit_of(following)
        if unit is None and lower in {"per", "/"}:
            meant = nearest.word(following, UNITS) or "day"
            said = f", not “{clean(following, 40)}”" if following else ""
            raise WrongWords(
                f"After `per` I need hour, day, week or month{said}.",
                instead=(following, meant) if following else (word, f"{word} {meant}"),
            )
        if unit is None:
            if following:
                self.words.put_back(following)
            return True
        self._per_unit(unit)
        return True

    def _per_unit(self, unit: Unit) -> None:
        before = self.draft.unit
        if before and before is not unit:
            raise WrongWords(f"Choose either per {before} or per {unit}.")
        self.draft = replace(self.draft, unit=unit)

    def _urgent(self, word: str) -> bool:
        if word.lower().strip(",.!") not in {"urgent", "urgently"}:
            return False
        self.draft = replace(self.draft, urgent=True)
        return True

    def _recipient(self, word: str) -> bool:
        lower = word.lower()
        if lower == "here":
            self._set_recipient(Recipient(RecipientKind.CHANNEL))
            return True
        if lower not in {"in", "to", "into"} and not lower.startswith(("<#", "#", "<@")):
            return False
        bare = lower.startswith(("<#", "#", "<@"))
        named = word if bare else self.words.take()
        self._set_recipient(recipient_of(named, lower))
        return True

    def _set_recipient(self, to: Recipient) -> None:
        if self.draft.to is not None and self.draft.to != to:
            raise WrongWords(
                "An alert can only go to one place. Set up a second alert for the other.", ""
            )
        self.draft = replace(self.draft, to=to)

    def _filler(self, word: str) -> bool:
        lower = word.lower().strip(",.!")
        return lower in FILLERS or lower in kind_of(self.draft.watch).nouns
