"""Parses natural language into commands of the grammar.

Nothing is guessed silently: the interpretation is shown as a command, filler words are dropped,
words that can't be used are named as ignored, and an unknown word that may matter is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice

from reports.alerts.rule import Rule
from reports.commands import Command, parse_command
from reports.natural import vocabulary
from reports.natural.alert_wishes import asks_for_alert, parse_alert_wish
from reports.natural.assembly import assemble
from reports.natural.date_ranges import OpenStartError
from reports.natural.misspelled_topics import spelled_right
from reports.natural.names import AmbiguousNameError, KnownNames, named, with_joined_models
from reports.natural.parsed_text import ParsedText, Read
from reports.natural.rewording import reworded
from reports.natural.rules.amounts import read_currency, read_minimum, refuse_amount
from reports.natural.rules.comparisons import read_comparison
from reports.natural.rules.filters import (
    read_exclusion,
    read_filter,
    read_long_name,
    read_mention,
    read_name,
    read_self,
)
from reports.natural.rules.groupings import read_grouping, read_top
from reports.natural.rules.kinds import ABOUT_NOW, read_words_of_kind
from reports.natural.rules.options import read_filler, read_metric, read_option, read_token_part
from reports.natural.rules.periods import (
    read_date,
    read_date_range,
    read_half_year,
    read_hours,
    read_part_of_day,
    read_period,
    read_ranked_time,
)
from reports.natural.rules.recurrences import read_recurrence
from reports.natural.text_reader import TextReader
from reports.natural.topics import asks_which_keys, flags, greets, topic_of
from reports.natural.what_if import ALL, AWAY, WHAT_IF_WORDS, models_moved
from reports.natural.written_dates import AmbiguousDateError, Order
from reports.questions.grammar import (
    LONGEST,
    CommandError,
    QuestionCommand,
    parse,
    tokens,
)
from reports.questions.kind_options import is_unfit
from reports.questions.kinds import STILL_RUNNING, kind_of
from reports.questions.query import DEFAULT_PERIODS, Query, QueryKind
from reports.questions.topics import BALANCE, BUDGET, ME, PERSONAL, not_taken
from reports.time.period import NAMED
from reports.usage.dimensions import Dimension, Filter
from reports.wording import suggestions as nearest
from reports.wording.safe_text import clean, plain
from reports.wording.shared_grammar import list_request

MOST_COMPARED = 2_000
"""The number of names compared with an unknown word; more would take too long."""
VOCABULARY = (
    *vocabulary.METRICS,
    *vocabulary.DIMENSIONS,
    *NAMED,
    *vocabulary.FILES,
    *vocabulary.UNITS,
    *vocabulary.MONTHS,
    "last",
    "without",
)
_SENTENCE = vocabulary.FILLERS - {"total", "number", "chart"}
"""Words of sentences that no command contains."""
_SPELLED = {
    *(word for word in (*VOCABULARY, *vocabulary.FILLERS) if len(word) > 3 and word.isalpha()),
    "spend", "tokens", "requests", "yesterday", "today", "much", "many",
}  # fmt: skip
"""The words to which misspelled ones are corrected."""
_SHORTEST_TYPO = 4
"""Shorter words aren't corrected: with one letter changed they are often other words."""
_MOST_TYPOS = 3
"""With more corrections, the result would have little to do with what was typed."""
_BEGINNINGS = {
    "schedule", "schedules", "alert", "alerts", "quiet", "audit", "status", "help",
}  # fmt: skip


UNDERSTOOD = (
    "I can't filter ",
    "I can't pick out ",
    "I can compare ",
    "I can only ",
    "With or without ",
)
"""The beginnings of refusals of a correctly understood text, which isn't searched for typos."""


_UNKNOWN = "I don't recognize "


class UnknownWordError(ValueError):
    """Raised for a word that may matter but is unknown."""

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{_UNKNOWN}“{clean(word, 40)}”. It isn't a command word, model, API key or person."
        )


def parse_text(text: str, known: KnownNames, today: date) -> Read:
    """Parse a text (without the bot's mention); None if it contains no question or command."""
    typed = " ".join(plain(text).split())
    if len(typed) > LONGEST:
        return CommandError(
            f"That is {len(typed):,} characters; a question can have at most {LONGEST}."
        )
    words = [word.casefold().strip("?!.,") for word in typed.split()]
    letters = [word for word in words if any(c.isalnum() for c in word)]
    if not letters or greets(letters):
        return None
    strict = parse_command(typed)
    if not isinstance(strict, CommandError):
        return strictly(typed, strict)
    if is_unfit(strict.problem):
        return strict
    typed = reworded(typed, known)
    words = [word.casefold().strip("?!.,") for word in typed.split()]
    if there := list_request(words):
        if there.button:
            return CommandError(there.instructions(), "", there.listing, ())
        return ParsedText(there.listing)
    if words[0] in _BEGINNINGS:
        rest = typed.partition(" ")[2] if words[0] == "schedule" else ""
        found = _read(rest, known, today, again=False, schedules=True) if rest else None
        if isinstance(found, ParsedText) and found.recurrence:
            return found
        return _alert(typed, words, known) or ParsedText(typed, is_strict=True)
    found = _of_any_topic(typed, words, known, today)
    if isinstance(found, CommandError) and found.problem.startswith(_UNKNOWN):
        return _with_topic_spelled(found, typed, known, today)
    return found


def _of_any_topic(typed: str, words: list[str], known: KnownNames, today: date) -> Read:
    """Parse a sentence about usage or any topic; `words` are its words in lower case."""
    bare = _without_names(typed, known)
    topic = topic_of(bare, named=_names_one(typed, bare, known))
    first = kind_of(words[0]) if not known.has(words[0]) else None
    if first and first not in _ALSO_ORDINARY:
        topic = first  # the first word of a command is never left out
    alerting = asks_for_alert(words)
    if topic and not alerting:
        return _of_topic(topic, typed, bare, known, today)
    found = _read(typed, known, today)
    if not alerting and (_lists_keys(found, bare) or (first and isinstance(found, CommandError))):
        return _of_topic(QueryKind.KEYS, typed, bare, known, today)
    return _alert(typed, words, known) or found if isinstance(found, CommandError) else found


def _lists_keys(found: Read, bare: list[str]) -> bool:
    """Whether a question that was read as usage by key only asks which keys somebody has."""
    if not isinstance(found, ParsedText) or found.recurrence or not asks_which_keys(bare):
        return False
    read = parse(found.words)
    if not isinstance(read, QuestionCommand) or found.given != {"by", "filter"}:
        return False
    people_or_keys = all(
        one.dimension in {Dimension.CREATOR, Dimension.KEY} for one in read.query.filters
    )
    return read.query.by is Dimension.KEY and people_or_keys


def _with_topic_spelled(
    found: CommandError, typed: str, known: KnownNames, today: date
) -> ParsedText | CommandError:
    """An error for an unknown word, with a suggestion if the word is a misspelled kind of answer.

    Within a sentence, the word is corrected, and the answer says so. It is not if it begins a
    command or may be a misspelled name.
    """
    for wrong, right, text in spelled_right(typed, found.problem, known):
        words = [word.casefold().strip("?!.,") for word in text.split()]
        strict = parse_command(text)
        again = (
            _of_any_topic(text, words, known, today)
            if isinstance(strict, CommandError)
            else strictly(text, strict)
        )
        if isinstance(again, CommandError) and again.problem.startswith(_UNKNOWN):
            continue
        is_sentence = words[0] in _SENTENCE and not nearest.word(wrong, _alike(wrong, known))
        if isinstance(again, ParsedText) and is_sentence:
            took = f"I took “{clean(wrong, 40)}” for “{right}”."
            return replace(again, remarks=(took, *again.remarks))
        choices = again.choices if isinstance(again, CommandError) else ()
        meant = again.canonical if isinstance(again, ParsedText) else ""
        if meant or choices:
            return replace(found, understood="", suggestion=meant, choices=choices)
    return found


_ALSO_ORDINARY = {QueryKind.WHY, QueryKind.KEYS}
"""Kinds whose word begins questions about other kinds as well: `why is sonnet so slow`."""
_NOBODY = {"the", "this", "our", "us", "all", "everything", "everyone", "month", "week", "year",
           "day", "today", "now", "team", "organization", "org", "company", "openrouter", "and",
           "limits", "keys", "workspaces", "a", "my", "me"}  # fmt: skip
"""Words after `budget for` that name no member."""


def _of_topic(topic: str, typed: str, bare: list[str], known: KnownNames, today: date) -> Read:
    """Parse a question about a topic other than usage; `bare` are its words without names."""
    kind = kind_of(topic)
    if kind is None:
        return _of_now(topic, typed, known, today)
    own = flags(topic, bare)
    if kind is QueryKind.WHATIF:
        return _what_if(typed, known, today)
    read = _read(typed, known, today, kind=kind)
    if (
        kind is QueryKind.FORECAST
        and isinstance(read, CommandError)
        and "is in the future" in read.problem
    ):
        return CommandError(STILL_RUNNING, examples=())
    if kind in {QueryKind.LIMITS, QueryKind.KEYS} and not isinstance(read, CommandError):
        return _narrowed(kind, own, read)
    return read


_ONLY_NAMED = {"credit", "credits", "balance", "budget", "budgets", "left", "remaining", "enough"}
"""Words that only say that a question is about the balance or budgets."""
_RUNNING = {"today", "this day", "this week", "this month", "this year"}


def _of_now(topic: str, typed: str, known: KnownNames, today: date) -> ParsedText | CommandError:
    """Parse a question about the balance, the budgets or oneself; `topic` is its command.

    What such a command doesn't take is refused. Unknown words are left out only in sentences.
    """
    command = topic.partition(" ")[0]
    if command == ME:
        return ParsedText(topic)
    try:
        reader, unknown = _parts(typed, known, today)
    except ValueError as wrong:  # a quotation mark is missing
        return CommandError(str(wrong))
    all_budgets = _all_budgets(typed) if command == BUDGET else ()
    if all_budgets:
        return ParsedText(topic, remarks=all_budgets)
    period = next(iter(reader.given.pop("period", ())), "")
    if period in _RUNNING and topic == BALANCE and "left" in typed.casefold():
        topic = f"{BALANCE} {period}"  # `how much is left this month`: does it last?
    if "filter" in reader.given:  # of a key or a person, limits say what is left
        words = (word for word in typed.split() if word.casefold() not in _ONLY_NAMED)
        read = _read(" ".join(words), known, today, kind=QueryKind.LIMITS)
        return read if isinstance(read, CommandError) else _narrowed(QueryKind.LIMITS, "", read)
    if refused := _refused(reader.given, period):
        return CommandError(not_taken(command, refused), examples=())
    zone = next(iter(reader.given.get("zone", ())), "")
    if zone and isinstance(unreadable := parse(f"1d {zone}"), CommandError):
        return unreadable
    if zone and command == BUDGET:
        return CommandError(not_taken(command, "zone"), examples=())
    begun = typed.casefold().split()[0] in PERSONAL
    if begun and unknown:
        return CommandError(str(UnknownWordError(unknown[0])), examples=())
    return ParsedText(f"{topic} {zone}".strip())


def _refused(given: Mapping[str, Sequence[str]], period: str) -> str:
    """The first part of a question that an answer about now doesn't take; empty if all fit."""
    if period and period not in _RUNNING:
        return "period"
    if "byok" in given.get("source", ()):
        return "source"
    if {"tokens", "requests"} & set(given.get("metric", ())):
        return "metric"
    return next((one for one in ("by", "versus", "file", "top", "share") if one in given), "")


def _parts(typed: str, known: KnownNames, today: date) -> tuple[TextReader, list[str]]:
    """The parts of a command that are in a text, and the words that are none."""
    reader, unknown = TextReader(known, today), list[str]()
    reader.words = [_without_punctuation(word, known) for word in tokens(typed)]
    while reader.at < len(reader.words):
        taken = 1 if reader.word() in _ONLY_NAMED else 2 if reader.ahead(2) == ("top", "up") else 0
        try:
            taken = taken or next((count for rule in _RULES if (count := rule(reader))), 0)
        except ValueError:  # such as an ambiguous date
            taken = 0
        if not taken:
            unknown.append(reader.words[reader.at])
        reader.at += taken or 1
    return reader, unknown


_ALSO_WORDS = {"will", "may", "bill", "mark", "grant"}
"""First names that are more often ordinary words."""


def _names_one(typed: str, bare: list[str], known: KnownNames) -> bool:
    """Whether a key or a person is named; `bare` are the words without names of keys."""
    if len(bare) < len(_without_names(typed, KnownNames())):
        return True
    spoken = {word.removesuffix("'s") for word in bare} - _ALSO_WORDS - vocabulary.FILLERS
    return any(word in known.by_spoken_name for word in spoken)


def _all_budgets(typed: str) -> tuple[str, ...]:
    """A remark if one budget was requested (`for marketing`), because the answer lists all
    budgets."""
    words = typed.strip(" ?!.").split()
    at = next((n for n, word in enumerate(words) if word.casefold() in {"for", "of"}), len(words))
    after = [word for word in words[at + 1 :] if word.casefold() not in _NOBODY]
    shown = clean(" ".join(words[at:]), 40)
    return (f"These are all budgets and limits; I didn't look for “{shown}”.",) if after else ()


_VERSIONED = re.compile(
    r"\b(opus|sonnet|haiku|gpt|gemini|grok|llama|kimi|glm) ([0-9]+(?:\.[0-9]+)?)\b", re.IGNORECASE
)
"""A model and its version as two words: `opus 4.6`."""


def _what_if(typed: str, known: KnownNames, today: date) -> ParsedText | CommandError:
    """Parse a what-if question: the two models, then period and filters."""
    typed = with_joined_models(_VERSIONED.sub(r"\1-\2", typed), known)
    plain_words = [word.strip('?!.,;()"') for word in typed.casefold().split()]
    moved = models_moved(plain_words)
    source, _, target = moved.partition(" -> ")
    if target and source != ALL and _is_no_model(source, known):
        moved = f"{ALL} -> {target}"
    said_by_kind = WHAT_IF_WORDS | (set(moved.split(" -> ")) if moved else AWAY)
    before_model = {(mark, name) for mark in ("on", "for") for name in moved.split(" -> ")}
    triples = zip(typed.split(), plain_words, [*plain_words[1:], ""], strict=True)
    rest = " ".join(
        word
        for word, bare, after in triples
        if bare not in said_by_kind and (bare, after) not in before_model
    )
    ignored = ""
    all_to = moved.removeprefix(f"{ALL} -> ") if moved.startswith(f"{ALL} -> ") else ""
    read = _read(rest, known, today) if rest else None
    found = parse(read.words) if isinstance(read, ParsedText) else None
    words = _what_if_words(moved, found)
    if isinstance(read, ParsedText) and isinstance(found, QuestionCommand):
        if all_to and (other := _other_model(found.query.filters, rest)):
            return _which_way(all_to, other)
    elif isinstance(read, CommandError) and read.choices:  # a name or a date has several meanings
        choices = tuple(_what_if_words(moved, parse(one)) for one in read.choices)
        return replace(read, choices=choices)
    elif isinstance(read, CommandError) and read.problem.startswith(_UNKNOWN):
        return read  # a word that may be a key or a person is never ignored
    elif rest:
        ignored = f"I ignored “{clean(rest, 60)}”."
    unfit = parse(words)
    if isinstance(unfit, CommandError):
        return unfit
    return _as_is(words, (ignored,) if ignored else ())


def _is_no_model(word: str, known: KnownNames) -> bool:
    """Whether a word names a key, a person or a time, in place of the model to move away from."""
    if word in vocabulary.MONTHS or word in vocabulary.UNITS or word in NAMED:
        return True
    try:
        found = named(word, known)
    except AmbiguousNameError as wrong:
        return all(one.dimension is not Dimension.MODEL for one in wrong.filters)
    return found is not None and found.dimension is not Dimension.MODEL


def _what_if_words(moved: str, found: Command | CommandError | None) -> str:
    """The command of a what-if question; `found` has its other parts, such as its period."""
    kind = QueryKind.WHATIF
    typed = found.query if isinstance(found, QuestionCommand) else Query()
    dated = isinstance(found, QuestionCommand) and "period" in found.given
    period = typed.period if dated else DEFAULT_PERIODS[kind]
    extra = tuple(moved.split())
    return replace(typed, kind=kind, extra=extra, metric=None, period=period).words()


def _other_model(filters: Sequence[Filter], typed: str) -> str:
    """A model that is named by itself, not as `model:name`: `whatif opus sonnet` names two."""
    named = (one for one in filters if one.dimension is Dimension.MODEL and not one.exclude)
    return "" if "model:" in typed else next((one.pattern.strip("*") for one in named), "")


def _which_way(one: str, other: str) -> CommandError:
    """Two models without a word on which replaces which."""
    both = (f"{one} -> {other}", f"{other} -> {one}")
    return CommandError(
        f"Which of the two replaces the other, {clean(one, 40)} or {clean(other, 40)}?",
        examples=(),
        choices=tuple(f"{QueryKind.WHATIF} {words}" for words in both),
    )


def _narrowed(kind: QueryKind, own: str, read: ParsedText | None) -> ParsedText:
    """A question about the present: its own words, and the filters that were recognized."""
    recurrence = read.recurrence if read else ""
    start = f"schedule {recurrence} " if recurrence else ""
    found = parse(read.words.removeprefix(start)) if read else None
    filters = found.query.filters if isinstance(found, QuestionCommand) else ()
    if "me" in own.split():  # this already says it
        filters = tuple(one for one in filters if one != Filter(Dimension.CREATOR, "me"))
    remarks = read.remarks if read else ()
    if "unused" in own:  # its days are part of the question
        remarks = tuple(one for one in remarks if one != ABOUT_NOW)
    query = found.query if isinstance(found, QuestionCommand) else Query(kind=kind)
    query = replace(query, extra=tuple(own.split()), filters=filters)
    typed = _as_is(query.words(), remarks)
    return replace(typed, words=f"{start}{typed.words}", recurrence=recurrence)


def _as_is(words: str, remarks: tuple[str, ...] = ()) -> ParsedText:
    """A parsed text with only `words`."""
    found = parse(words)
    given = found.given if isinstance(found, QuestionCommand) else frozenset[str]()
    return ParsedText(words, given, remarks=remarks)


def _without_names(typed: str, known: KnownNames) -> list[str]:
    """The words in lower case, without quoted text, filters and names of members."""
    found = []
    for word in typed.casefold().split():
        bare = word.strip("?!.,;()")
        named_so = bare.removesuffix("'s") in known.by_key or ":" in bare or bare.startswith("<@")
        if bare and not named_so and '"' not in bare:
            found.append(bare)
    return found


def strictly(text: str, read: Command) -> ParsedText:
    """The parsed text for a text that is already in the grammar (`read` is its command)."""
    typed = " ".join(plain(text).split())
    return ParsedText(
        typed, read.given if isinstance(read, QuestionCommand) else frozenset(), is_strict=True
    )


def _alert(typed: str, words: list[str], known: KnownNames) -> ParsedText | CommandError | None:
    """The alert that a text asks for, or what is wrong with it; None if it doesn't ask for one."""
    found = parse_alert_wish(typed, known) if asks_for_alert(words) else None
    return ParsedText(f"alert {found.words()}") if isinstance(found, Rule) else found


def _read(
    typed: str,
    known: KnownNames,
    today: date,
    *,
    again: bool = True,
    schedules: bool = False,
    order: Order = "",
    kind: QueryKind | None = None,
) -> Read:
    reader = TextReader(known, today, schedules=schedules, order=order, kind=kind)
    try:
        return _read_words(reader, tokens(typed))
    except AmbiguousDateError as wrong:
        if order or not again:
            return CommandError(str(wrong))
        both = {
            label: _read(
                typed, known, today, again=False, schedules=schedules, order=first, kind=kind
            )
            for first, label in wrong.labels.items()
        }
        sensible = {k: one for k, one in both.items() if isinstance(one, ParsedText)}
        if len(sensible) == 1:
            # `10/1/2026 to 10/15/2026`: another date shows the order
            return next(iter(sensible.values()))
        meant = {label: one.canonical for label, one in sensible.items()}
        return CommandError(str(wrong), choices=tuple(meant.values()), labels=tuple(meant))
    except OpenStartError as wrong:
        end = reader.at + wrong.count
        spans: dict[str, str] = {}
        for label, period in wrong.periods.items():
            words = " ".join((*reader.words[: reader.at], period, *reader.words[end:]))
            whole = _read(words, known, today, again=False, schedules=schedules, kind=kind)
            spans |= {label: whole.canonical} if isinstance(whole, ParsedText) else {}
        return CommandError(
            str(wrong), examples=(), choices=tuple(spans.values()), labels=tuple(spans)
        )
    except AmbiguousNameError as wrong:
        texts = [_instead(reader, wrong.name, str(one)) for one in wrong.filters] if again else []
        read = [
            _read(text, known, today, again=False, schedules=schedules, order=order, kind=kind)
            for text in texts
        ]
        choices = tuple(one.canonical for one in read if isinstance(one, ParsedText))
        return CommandError(str(wrong), choices=choices)
    except UnknownWordError as wrong:
        if again and (text := _without_typos(reader, known)):
            corrected = _read(
                text[0], known, today, again=False, schedules=schedules, order=order, kind=kind
            )
            if isinstance(corrected, ParsedText):
                return replace(corrected, remarks=(text[1], *corrected.remarks))
        return CommandError(str(wrong), *_meant(reader, known, today) if again else ())
    except ValueError as wrong:
        if str(wrong).startswith(UNDERSTOOD):
            return CommandError(str(wrong), examples=())
        return CommandError(str(wrong))


def _without_typos(reader: TextReader, known: KnownNames) -> tuple[str, str] | None:
    """The sentence with its misspelled words corrected, and a list of those words.

    Only sentences are corrected, to filler words or the grammar's own words. For a typo in a
    command, or in a possible name, the bot asks instead.
    """
    words = list(reader.words)
    lower = [word.casefold().strip(".") for word in words]
    if not _SENTENCE & set(lower):
        return None
    changed: list[str] = []
    for at, word in enumerate(lower):
        plain_word = len(word) >= _SHORTEST_TYPO and word.isascii() and word.isalpha()
        if not plain_word or word in _SPELLED or known.has(word):
            continue
        close = [one for one in _SPELLED if abs(len(one) - len(word)) < 2 and one[0] == word[0]]
        meant = nearest.word(word, close)
        if not meant or nearest.word(word, _alike(word, known)):
            continue
        if len(changed) == _MOST_TYPOS:
            return None
        words[at] = meant
        changed.append(f"“{clean(word, 40)}” for “{meant}”")
    return (" ".join(words), f"I took {' and '.join(changed)}.") if changed else None


def _alike(word: str, known: KnownNames) -> list[str]:
    """Names that start like a word and are about as long."""
    names = islice((*known.by_key, *known.full_names), MOST_COMPARED)
    return [one for one in names if one[:1] == word[:1] and abs(len(one) - len(word)) < 2]


def _instead(reader: TextReader, name: str, words: str) -> str:
    """The text with `words` instead of a name at which parsing stopped."""
    typed = reader.words
    count = len(name.split())
    for at in range(reader.at, len(typed) - count + 1):
        there = " ".join(typed[at : at + count]).casefold()
        if there.removesuffix("'s").strip(".,") == name.casefold():
            return " ".join((*typed[:at], words, *typed[at + count :]))
    return ""


def _meant(reader: TextReader, known: KnownNames, today: date) -> tuple[str, str]:
    """Suggestions for an unknown word: the command without it, and with the most similar name."""
    names = islice((*known.by_key, *known.full_names), MOST_COMPARED)
    like = nearest.word(reader.words[reader.at], (*VOCABULARY, *names))
    texts = [
        " ".join((*reader.words[: reader.at], *instead, *reader.words[reader.at + 1 :]))
        for instead in ((), (like,) if like else ())
    ]
    found = [_read(text, known, today, again=False, kind=reader.kind) for text in texts]
    left, meant = (one.canonical if isinstance(one, ParsedText) else "" for one in found)
    return left, meant if like else ""


_RULES: tuple[Callable[[TextReader], int], ...] = (
    read_words_of_kind,
    read_filter,
    read_mention,
    read_long_name,
    read_currency,
    read_minimum,
    refuse_amount,
    read_part_of_day,
    read_hours,
    read_half_year,
    read_date_range,
    read_recurrence,
    read_comparison,
    read_grouping,
    read_top,
    read_ranked_time,
    read_date,
    read_period,
    read_option,
    read_metric,
    read_token_part,
    read_self,
    read_exclusion,
    read_name,
    read_filler,
)
"""The rules in the order in which they are tried."""


def _read_words(reader: TextReader, words: list[str]) -> ParsedText | CommandError | None:
    """Parse all words. Raises ValueError, with a message for people, for an unknown word."""
    bare = [_without_punctuation(word, reader.known) for word in words]
    reader.words = [part for word in bare for part in _split(word, reader.known)]
    while reader.at < len(reader.words):
        taken = next((count for rule in _RULES if (count := rule(reader))), 0)
        if not taken:
            raise UnknownWordError(reader.words[reader.at])
        reader.at += taken
    return assemble(reader)


def _without_punctuation(word: str, known: KnownNames) -> str:
    """A word without punctuation around it; parentheses stay if they are part of a name."""
    bare = word.strip("?!,;") or word
    if ":" in bare or known.has(bare):
        return bare
    return bare.strip("()") or bare


_RANGE = re.compile(
    r"((?:[0-9]{1,2}[./]){1,2}(?:[0-9]{2,4})?)-((?:[0-9]{1,2}[./]){1,2}(?:[0-9]{2,4})?)"
)


def _split(word: str, known: KnownNames) -> list[str]:
    """Split a word into several: `oct-nov`, `1.10.2026-15.10.2026`, `top5`, `(last`.

    Parts of a key's name aren't split.
    """
    lower = word.casefold()
    if lower in known.all_keys or '"' in word:
        return [word]
    if ("(" in word) != (")" in word):
        word = word.strip("()") or word
    if lower.startswith("top") and lower[3:].isdigit():
        return ["top", lower[3:]]
    first, _, last = lower.partition("-")
    both = {first, last}
    if both <= set(vocabulary.MONTHS) or both <= vocabulary.WEEKDAYS:
        return [first, "-", last]
    if found := _RANGE.fullmatch(lower):
        return [found[1], "-", found[2]]
    return [word]
