"""Parses natural language into commands of the grammar.

Nothing is guessed silently: the interpretation is shown as a command, filler words are dropped,
words that can't be used are named as ignored, and an unknown word that may matter is an error.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from reports.alerts.rule import Rule
from reports.commands import Command, parse_command
from reports.natural import vocabulary
from reports.natural.about_now import narrowed, read_about_now
from reports.natural.alert_wishes import asks_for_alert, parse_alert_wish
from reports.natural.changes import asks_for_change
from reports.natural.days_unused import EXPIRING_SOON, with_days_unused
from reports.natural.misspelled_topics import spelled_right
from reports.natural.names import KnownNames
from reports.natural.parsed_text import ParsedText, Read, of_command
from reports.natural.rewording import reworded
from reports.natural.rules.kinds import ABOUT_NOW
from reports.natural.sentence import SENTENCE_WORDS, UNKNOWN, names_alike, read_sentence
from reports.natural.topics import asks_which_keys, flags, greets, topic_of
from reports.natural.what_if_question import read_what_if
from reports.questions.grammar import LONGEST, CommandError, QuestionCommand, parse
from reports.questions.kind_options import UNUSED_DAYS, is_unfit
from reports.questions.kinds import STILL_RUNNING, kind_of
from reports.questions.query import MEASURED, QueryKind
from reports.questions.topics import ME, THIS_MONTH, personal
from reports.usage.dimensions import Dimension
from reports.wording import suggestions as nearest
from reports.wording.safe_text import clean, plain
from reports.wording.shared_grammar import list_request

_BEGINNINGS = {
    "schedule", "schedules", "alert", "alerts", "quiet", "audit", "status", "help",
}  # fmt: skip


def parse_text(text: str, known: KnownNames, today: date, *, helps: bool = False) -> Read:
    """Parse a text (without the bot's mention); None if it contains no question or command.

    `helps`: `help` in it doesn't ask for help.
    """
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
    if not (isinstance(strict, CommandError) or helps):
        return strictly(typed, strict)
    if isinstance(strict, CommandError) and is_unfit(strict.problem):
        return strict
    typed = reworded(typed, known)
    words = [word.casefold().strip("?!.,") for word in typed.split()]
    if personal(words):
        return ParsedText(" ".join(words))
    if there := list_request(words):
        if there.button:
            return CommandError(there.instructions(), "", there.listing, ())
        return ParsedText(there.listing)
    if words[0] in _BEGINNINGS:
        rest = typed.partition(" ")[2] if words[0] == "schedule" else ""
        found = read_sentence(rest, known, today, again=False, schedules=True) if rest else None
        if isinstance(found, ParsedText) and found.recurrence:
            return found
        return _alert(typed, words, known) or ParsedText(typed, is_strict=True)
    found = _of_any_topic(typed, words, known, today)
    if isinstance(found, CommandError) and found.problem.startswith(UNKNOWN):
        return _with_topic_spelled(found, typed, known, today)
    return _of_own_month(found) if words[0] == ME else found


def _of_own_month(found: Read) -> Read:
    """A question that begins with `me`, about this month as `me` is if it names no period."""
    if not isinstance(found, ParsedText) or found.recurrence or "period" in found.given:
        return found
    read = parse(found.words)
    if not isinstance(read, QuestionCommand) or read.query.kind is not QueryKind.USAGE:
        return found
    return of_command(replace(read.query, period=THIS_MONTH).words(), found.remarks)


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
    found = read_sentence(typed, known, today)
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
        if isinstance(again, CommandError) and again.problem.startswith(UNKNOWN):
            continue
        is_sentence = words[0] in SENTENCE_WORDS and not nearest.word(
            wrong, names_alike(wrong, known)
        )
        if isinstance(again, ParsedText) and is_sentence:
            took = f"I took “{clean(wrong, 40)}” for “{right}”."
            return replace(again, remarks=(took, *again.remarks))
        choices = again.choices if isinstance(again, CommandError) else ()
        meant = again.canonical if isinstance(again, ParsedText) else ""
        if isinstance(strict, CommandError):  # with another typo
            meant = meant or strict.suggestion
        if meant or choices:
            return replace(found, understood="", suggestion=meant, choices=choices)
    return found


_ALSO_ORDINARY = {QueryKind.WHY, QueryKind.KEYS}
"""Kinds whose word begins questions about other kinds as well: `why is sonnet so slow`."""


def _of_topic(topic: str, typed: str, bare: list[str], known: KnownNames, today: date) -> Read:
    """Parse a question about a topic other than usage; `bare` are its words without names."""
    kind = kind_of(topic)
    if kind is None:
        return read_about_now(topic, typed, known, today)
    own = flags(topic, bare)
    if kind is QueryKind.WHATIF:
        return read_what_if(typed, known, today)
    read = read_sentence(typed, known, today, kind=kind)
    if (
        kind is QueryKind.FORECAST
        and isinstance(read, CommandError)
        and "is in the future" in read.problem
    ):
        return CommandError(STILL_RUNNING, examples=())
    if kind is QueryKind.KEYS and isinstance(read, ParsedText) and ABOUT_NOW in read.remarks:
        own = with_days_unused(own, bare, today)
        if "expiring" in own:
            return CommandError(EXPIRING_SOON, examples=("keys expiring",))
        if own.endswith("unused"):
            return CommandError(UNUSED_DAYS, examples=("keys unused 60d",))
    if kind in {QueryKind.LIMITS, QueryKind.KEYS} and not isinstance(read, CommandError):
        return narrowed(kind, own, read)
    changing = kind in MEASURED and asks_for_change(bare)
    if changing and isinstance(read, ParsedText) and "versus" not in read.given:
        return replace(read, words=f"{read.words} vs before", given=read.given | {"versus"})
    return read


_ALSO_WORDS = {"will", "may", "bill", "mark", "grant"}
"""First names that are more often ordinary words."""


def _names_one(typed: str, bare: list[str], known: KnownNames) -> bool:
    """Whether a key or a person is named; `bare` are the words without names of keys."""
    if len(bare) < len(_without_names(typed, KnownNames())):
        return True
    spoken = {word.removesuffix("'s") for word in bare} - _ALSO_WORDS - vocabulary.FILLERS
    return any(word in known.by_spoken_name for word in spoken)


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
