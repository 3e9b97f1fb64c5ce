"""The words after /activity: every form that is right, and what is said to those that are wrong."""

from __future__ import annotations

import sys
from datetime import date
from itertools import permutations
from unicodedata import category

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reports.questions.grammar import (
    EXAMPLES,
    LONGEST,
    MOST_FILTERS,
    MOST_TOP,
    WORDS,
    CommandError,
    HelpCommand,
    QuestionCommand,
    parse,
)
from reports.questions.kinds import OVER_NOTHING
from reports.questions.query import FileFormat, Query
from reports.time.period import NAMED, Calendar, Counted, DateSpan, Month, Unit
from reports.time.time_range import zone_names
from reports.usage.dimensions import Dimension, Filter, Metric, MoneySource

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
DATES = "`7d`, `last month`, `2026-10` or `2026-10-03`"


def asked(text: str) -> Query:
    found = parse(text)
    assert isinstance(found, QuestionCommand), found
    return found.query


def wrong(text: str) -> CommandError:
    found = parse(text)
    assert isinstance(found, CommandError), found
    return found


RIGHT = [
    ("", Query()),
    ("   ", Query()),
    ("spend", Query(metric=Metric.SPEND)),
    ("cost", Query(metric=Metric.SPEND)),
    ("tokens", Query(metric=Metric.TOKENS)),
    ("requests", Query(metric=Metric.REQUESTS)),
    ("1h", Query(period=Counted(1, Unit.HOUR))),
    ("3h", Query(period=Counted(3, Unit.HOUR))),
    ("1d", Query(period=Counted(1, Unit.DAY))),
    ("007d", Query(period=Counted(7, Unit.DAY))),
    ("2w", Query(period=Counted(2, Unit.WEEK))),
    ("1m", Query(period=Counted(1, Unit.MONTH))),
    ("1M", Query(period=Counted(1, Unit.MONTH))),
    ("10y", Query(period=Counted(10, Unit.YEAR))),
    ("last 3d", Query(period=Counted(3, Unit.DAY))),
    ("last 7 days", Query(period=Counted(7, Unit.DAY))),
    (
        "by key last 7 days csv",
        Query(None, Counted(7, Unit.DAY), Dimension.KEY, files=(FileFormat.CSV,)),
    ),
    ("last 1 month", Query(period=Counted(1, Unit.MONTH))),
    ("today", Query(period=Calendar(Unit.DAY))),
    ("yesterday", Query(period=Calendar(Unit.DAY, last=True))),
    ("mtd", Query(period=Calendar(Unit.MONTH))),
    ("ytd", Query(period=Calendar(Unit.YEAR))),
    ("this hour", Query(period=Calendar(Unit.HOUR))),
    ("last hour", Query(period=Calendar(Unit.HOUR, last=True))),
    ("this week", Query(period=Calendar(Unit.WEEK))),
    ("Last Month", Query(period=Calendar(Unit.MONTH, last=True))),
    ("last year", Query(period=Calendar(Unit.YEAR, last=True))),
    ("2026-10", Query(period=Month(2026, 10))),
    ("2024-02-29", Query(period=DateSpan(date(2024, 2, 29), date(2024, 2, 29)))),
    ("2026-10-01..2026-10-15", Query(period=DateSpan(date(2026, 10, 1), date(2026, 10, 15)))),
    ("2026-01..2026-02", Query(period=DateSpan(date(2026, 1, 1), date(2026, 2, 28)))),
    ("2026-01-31..2026-02", Query(period=DateSpan(date(2026, 1, 31), date(2026, 2, 28)))),
    ("by model", Query(by=Dimension.MODEL)),
    ("by models", Query(by=Dimension.MODEL)),
    ("by key", Query(by=Dimension.KEY)),
    ("by api key", Query(by=Dimension.KEY)),
    ("by API Keys", Query(by=Dimension.KEY)),
    ("by creator", Query(by=Dimension.CREATOR)),
    ("by user", Query(by=Dimension.CREATOR)),
    ("by member", Query(by=Dimension.CREATOR)),
    ("model:claude*", Query(filters=(Filter(Dimension.MODEL, "claude*"),))),
    ("model:z-ai/glm-4.6:free", Query(filters=(Filter(Dimension.MODEL, "z-ai/glm-4.6:free"),))),
    ('key:"Prod key"', Query(filters=(Filter(Dimension.KEY, "Prod key"),))),
    ('key: "Prod key"', Query(filters=(Filter(Dimension.KEY, "Prod key"),))),
    ("KEY:Prod", Query(filters=(Filter(Dimension.KEY, "Prod"),))),
    ("user:@ada", Query(filters=(Filter(Dimension.CREATOR, "@ada"),))),
    ("member:me", Query(filters=(Filter(Dimension.CREATOR, "me"),))),
    ("creator:ada@example.com", Query(filters=(Filter(Dimension.CREATOR, "ada@example.com"),))),
    ("creator:&lt;@U123|ada&gt;", Query(filters=(Filter(Dimension.CREATOR, "<@U123|ada>"),))),
    ("creator:<@U123|ada>", Query(filters=(Filter(Dimension.CREATOR, "<@U123|ada>"),))),
    ("key:a key:b key:a", Query(filters=(Filter(Dimension.KEY, "a"), Filter(Dimension.KEY, "b")))),
    ("key:help", Query(filters=(Filter(Dimension.KEY, "help"),))),
    ("credits", Query(source=MoneySource.CREDITS)),
    ("BYOK", Query(source=MoneySource.BYOK)),
    ("top 3", Query(top=3)),
    ("csv", Query(files=(FileFormat.CSV,))),
    ("pdf csv pdf", Query(files=(FileFormat.CSV, FileFormat.PDF))),
    ("pdf summary", Query(files=(FileFormat.SUMMARY,))),
    ("spend Summary PDF", Query(metric=Metric.SPEND, files=(FileFormat.SUMMARY,))),
    ("pdf csv pdf summary", Query(files=(FileFormat.CSV, FileFormat.PDF, FileFormat.SUMMARY))),
    ("share", Query(share=True)),
    ("tz europe/berlin", Query(zone="Europe/Berlin")),
    ("TZ UTC", Query(zone="UTC")),
]


@pytest.mark.parametrize(("text", "query"), RIGHT)
def test_it_reads_every_form(text: str, query: Query) -> None:
    assert asked(text) == query


def test_a_period_of_1m_is_a_month() -> None:
    assert asked("1m").period == Counted(1, Unit.MONTH)


def test_nothing_asks_for_an_overview_of_the_last_day() -> None:
    assert asked("").metrics == (Metric.SPEND, Metric.TOKENS, Metric.REQUESTS)
    assert asked("").command() == "/activity 1d"


def test_words_stand_in_any_order_and_case() -> None:
    phrases = ["tokens", "1m", "by model", 'key:"Prod key"', "top 5"]
    expected = asked(" ".join(phrases))
    assert expected == Query(
        Metric.TOKENS,
        Counted(1, Unit.MONTH),
        Dimension.MODEL,
        (Filter(Dimension.KEY, "Prod key"),),
        top=5,
    )
    for order in permutations(phrases):
        assert asked(" ".join(order)) == expected
    upper = 'TOKENS 1M BY MODEL KEY:"Prod key" TOP 5'
    assert asked(upper) == expected


def test_the_examples_are_right() -> None:
    assert all(isinstance(parse(example), QuestionCommand) for example in EXAMPLES)


@pytest.mark.parametrize(
    "text",
    [
        "key:“Prod key”",
        "key:„Prod key“",
        "key:«Prod key»",
        "key:\u00a0“Prod\u00a0key”",
        'key:"Prod \u202f key"',
        'key:"Prod\tkey"',
        '\ufeffkey:"\u200bProd key\u200f"',
        '\u2066key:"Prod key"\u2069',
        'key:Prod" "key',
    ],
)
def test_typographic_and_invisible_characters_do_not_matter(text: str) -> None:
    assert asked(text).filters == (Filter(Dimension.KEY, "Prod key"),)


def test_full_width_characters_are_read_as_plain_ones() -> None:
    assert parse("ｔｏｋｅｎｓ　７ｄ　ｂｙ　ｋｅｙ") == parse("tokens 7d by key")


@pytest.mark.parametrize("text", ["-key:ci*", "-Key: ci*", "\u2212key:ci*", "\u2013keys:ci*"])
def test_a_minus_leaves_out(text: str) -> None:
    assert asked(text).filters == (Filter(Dimension.KEY, "ci*", exclude=True),)
    assert asked(text).words() == "1d -key:ci*"


@pytest.mark.parametrize(
    "text",
    ["2026-11-01\u20132026-11-15", "2026-11-01\u20142026-11-15", "2026-11-01\u20262026-11-15",
     "2026-11-01-2026-11-15", "2026-11-01...2026-11-15"],
)  # fmt: skip
def test_a_span_may_be_typed_with_any_dash(text: str) -> None:
    assert asked(text).words() == "2026-11-01..2026-11-15"
    assert asked("2026-09\u20132026-10").words() == "2026-09-01..2026-10-31"


def test_a_phones_apostrophe_is_an_apostrophe() -> None:
    assert asked("key:ada’s*").filters[0].pattern == "ada's*"


@pytest.mark.parametrize("text", ['key:"R&amp;D <x>"', 'key:"R&amp;D &lt;x&gt;"', 'key:"R&D <x>"'])
def test_it_undoes_slacks_escapes(text: str) -> None:
    assert asked(text).filters[0].pattern == "R&D <x>"


@pytest.mark.parametrize("text", ["help", "HELP", "?", "tokens help", "nonsense help", "help me"])
def test_help_is_understood_whatever_stands_beside_it(text: str) -> None:
    assert parse(text) == HelpCommand()


WRONG = [
    # words that are like a known one
    ("tokns", "I don't recognize “tokns”.", "", "tokens 1d"),
    ("spned 1m by key", "I don't recognize “spned”.", "1m by key", "spend 1m by key"),
    ("tokns 1m by modle", "I don't recognize “tokns”.", "1m", "tokens 1m by model"),
    ("reqests", "I don't recognize “reqests”.", "", "requests 1d"),
    ("yesterdy", "I don't recognize “yesterdy”.", "", "yesterday"),
    ("byy key", "I don't recognize “byy”.", "", "1d by key"),
    ("lsat month", "I don't recognize “lsat”.", "", "last month"),
    ("thiss week", "I don't recognize “thiss”.", "", "this week"),
    ("top10", "I don't recognize “top10”.", "", "top 10"),
    ("hlep", "I don't recognize “hlep”.", "", "help"),
    ("csb", "I don't recognize “csb”.", "", "1d csv"),
    ("tokens spned", "I don't recognize “spned”.", "tokens 1d", "spend"),
    ("exprot", "I don't recognize “exprot”.", "", ""),
    ("🦄", "I don't recognize “🦄”.", "", ""),
    ("الإنفاق", "I don't recognize “الإنفاق”.", "", ""),
    ('"prod key"', 'I don\'t recognize “"prod key"”.', "", ""),
    ("x" * 99, f"I don't recognize “{'x' * 39}…”.", "", ""),
    # dimensions
    (
        "model",
        "“model” needs `by` before it or a name after it: `model:claude*`.",
        "",
        "1d by model",
    ),
    ("by", "You can group by model, key or creator.", "", "1d by model"),
    ("by by by", "You can group by model, key or creator, not by “by”.", "", ""),
    ("by kye", "You can group by model, key or creator, not by “kye”.", "", "1d by key"),
    ("by api", "You can group by model, key or creator, not by “api”.", "", ""),
    (
        "by model by key",
        "You can group by only one thing: model or key.",
        "1d by model",
        "",
    ),
    # filters
    ("key:", "`key:` needs a name after it.", "", '1d key:"Prod key"'),
    ('key:""', "`key:` needs a name after it.", "", '1d key:"Prod key"'),
    ("key:“ ”", "`key:` needs a name after it.", "", '1d key:"Prod key"'),
    ("foo:bar", "You can filter by model, key or creator, not by “foo”.", "", ""),
    (":", "You can filter by model, key or creator, not by “(unnamed)”.", "", ""),
    (
        "modle:gpt*",
        "You can filter by model, key or creator, not by “modle”.",
        "",
        "1d model:gpt*",
    ),
    ('key:"Prod', 'A quotation mark is missing. Write names like `key:"Prod key"`.', "", ""),
    # counted periods
    ("0d", "I can't use “0d”: counts start at 1.", "", "1d"),
    ("last 0 weeks", "I can't use “0w”: counts start at 1.", "", "1w"),
    ("11y", "I can't use “11y”: a period can be at most 10 years long.", "", "10y"),
    ("99999999y", "I can't use “99999999y”: a period can be at most 10 years long.", "", "10y"),
    ("9999999999999h", f"I can't read “9999999999999h” as a date. Try {DATES}.", "", ""),
    ("1x", f"I can't read “1x” as a date. Try {DATES}.", "", ""),
    ("1_0d", f"I can't read “1_0d” as a date. Try {DATES}.", "", ""),
    ("1.5d", f"I can't read “1.5d” as a date. Try {DATES}.", "", ""),
    ("2026", f"I can't read “2026” as a date. Try {DATES}.", "", ""),
    ("2026/10/03", f"I can't read “2026/10/03” as a date. Try {DATES}.", "", ""),
    (
        "24hours by key",
        f"I can't read “24hours” as a date. Try {DATES}.",
        "1d by key",
        "24h by key",
    ),
    ("30min", f"I can't read “30min” as a date. Try {DATES}.", "", "1h"),
    ("7 days by key", f"I can't read “7” as a date. Try {DATES}.", "1d by key", "7d by key"),
    ("-1d", "I don't recognize “-1d”.", "", ""),
    ("١d", "I don't recognize “١d”.", "", ""),
    ("²d", "I don't recognize “²d”.", "", ""),
    ("1d 1w", "A question can have only one period: “1d” or “1w”.", "1d", ""),
    ("1d 1d", "A question can have only one period: “1d” or “1d”.", "1d", ""),
    (
        "today last week",
        "A question can have only one period: “today” or “last week”.",
        "today",
        "",
    ),
    # calendar periods
    (
        "this",
        "`this` needs hour, day, week, month or year after it.",
        "",
        "this month",
    ),
    (
        "last wek",
        "`last` needs hour, day, week, month or year after it, not “wek”.",
        "",
        "last week",
    ),
    (
        "spend last quarter",
        "`last` needs hour, day, week, month or year after it, not “quarter”.",
        "spend 1d",
        "",
    ),
    (
        "spend last monday",
        "`last` needs hour, day, week, month or year after it, not “monday”.",
        "spend 1d",
        "",
    ),
    ("last 7 dyas", "`last` needs hour, day, week, month or year after it, not “7”.", "", "7d"),
    (
        "this 3d",
        "`this` needs hour, day, week, month or year after it, not “3d”.",
        "",
        "",
    ),
    # dates
    ("2026-13", "There is no such date as “2026-13”.", "", "2026-12"),
    ("2026-00", "There is no such date as “2026-00”.", "", "2026-01"),
    ("2026-02-30", "There is no such date as “2026-02-30”.", "", "2026-02-28"),
    ("2025-02-29", "There is no such date as “2025-02-29”.", "", "2025-02-28"),
    ("0000-01", "I can't use “0000-01”: years run from 2000 to 2999.", "", "2000-01"),
    ("9999-12", "I can't use “9999-12”: years run from 2000 to 2999.", "", "2999-12"),
    (
        "2026-1-3",
        f"I can't read “2026-1-3” as a date. Try {DATES}.",
        "",
        "2026-01-03",
    ),
    (
        "2026-10-03-01",
        f"I can't read “2026-10-03-01” as a date. Try {DATES}.",
        "",
        "2026-10",
    ),
    (
        "2026-1٠",
        f"I can't read “2026-1٠” as a date. Try {DATES}.",
        "",
        "2026-10",
    ),
    (
        "2026-10-15..2026-10-01",
        "I can't use “2026-10-15..2026-10-01”: the earlier date comes first.",
        "",
        "2026-10-01..2026-10-15",
    ),
    (
        "2026-10-01..",
        "A date range needs a start and an end, like `2026-10-01..2026-10-15`.",
        "",
        "2026-10-01",
    ),
    (
        "..2026-10-01 tokens",
        "A date range needs a start and an end, like `2026-10-01..2026-10-15`.",
        "tokens 1d",
        "tokens 2026-10-01",
    ),
    (
        "2026-10-01..2026-09-31",
        "There is no such date as “2026-09-31”.",
        "",
        "2026-09-30..2026-10-01",
    ),
    (
        "2000-01-01..2026-01-01",
        "I can't use “2000-01-01..2026-01-01”: a period can be at most 10 years long.",
        "",
        "10y",
    ),
    (
        "9999-12..9999-12",
        "I can't use “9999-12”: years run from 2000 to 2999.",
        "",
        "2999-12",
    ),
    ("..", "I don't recognize “..”.", "", ""),
    # options
    ("top", "`top` needs a number from 1 to 50, like `top 5`.", "", "top 10"),
    ("top x", "`top` needs a number from 1 to 50, like `top 5`.", "", "top 10"),
    ("top 0", "`top` needs a number from 1 to 50, like `top 5`.", "", "top 10"),
    ("top 51", "`top` needs a number from 1 to 50, like `top 5`.", "", "1d top 50"),
    ("top ٣", "`top` needs a number from 1 to 50, like `top 5`.", "", "top 10"),
    (
        "tz",
        "`tz` needs a time zone like Europe/Berlin.",
        "",
        "1d tz Europe/Berlin",
    ),
    (
        "tz paris",
        "`tz` needs a time zone like Europe/Berlin, not “paris”.",
        "",
        "1d tz Europe/Paris",
    ),
    (
        "tz new york 1w",
        "`tz` needs a time zone like Europe/Berlin, not “new”.",
        "1w",
        "1w tz America/New_York",
    ),
    (
        "tz Europe/Berln",
        "`tz` needs a time zone like Europe/Berlin, not “Europe/Berln”.",
        "",
        "1d tz Europe/Berlin",
    ),
    (
        "tz ../../etc/passwd",
        "`tz` needs a time zone like Europe/Berlin, not “../../etc/passwd”.",
        "",
        "",
    ),
    ("tokens spend", "A question can have only one metric: “tokens” or “spend”.", "tokens 1d", ""),
    (
        "credits byok",
        "A question can have only one source of money: “credits” or “byok”.",
        "1d credits",
        "",
    ),
    ("top 3 top 4", "A question can have only one `top`: “top 3” or “top 4”.", "1d top 3", ""),
    (
        "tz UTC tz UTC",
        "A question can have only one time zone: “tz UTC” or “tz UTC”.",
        "1d tz UTC",
        "",
    ),
    # length
    ("x" * 10_000, "That is 10,000 characters; a question can have at most 300.", "", ""),
    ("&amp;" * 301, "That is 1,505 characters; a question can have at most 300.", "", ""),
    (
        " ".join(f"key:{n}" for n in range(21)),
        "A question can have at most 20 filters; `*` matches several names.",
        "1d " + " ".join(f"key:{n}" for n in range(20)),
        "",
    ),
    # written out, with `creator` for `user`, it would be too long to be asked again
    (
        " ".join(f"user:{n:09}" for n in range(20)),
        "That is 362 characters; a question can have at most 300.",
        "",
        "",
    ),
]


@pytest.mark.parametrize(("text", "problem", "understood", "suggestion"), WRONG)
def test_it_says_what_is_wrong_and_what_may_have_been_meant(
    text: str, problem: str, understood: str, suggestion: str
) -> None:
    assert parse(text) == CommandError(problem, understood, suggestion)
    for said in (understood, suggestion):
        assert not isinstance(parse(said), CommandError)


def test_what_is_suggested_is_never_too_long_to_be_asked() -> None:
    short = f"key:{'n' * 280} tokns"
    assert wrong(short).suggestion == f"tokens 1d key:{'n' * 280}"
    long = f"key:{'n' * 290} csb"
    assert wrong(long).suggestion == "csv"


def test_a_thousand_spaces_are_not_a_long_question() -> None:
    assert asked(" " * 5_000 + "tokens" + "\n" * 5_000) == Query(metric=Metric.TOKENS)


def test_a_question_of_the_greatest_length_is_read() -> None:
    name = "n" * (LONGEST - len("key: 1d"))
    assert asked(f"1d key:{name}").filters[0].pattern == name
    assert wrong(f"1d key:{name}n").problem.startswith("That is 301 characters")


def test_escapes_do_not_count_as_length() -> None:
    pattern = "&" * (LONGEST - len("1d key:"))
    assert asked(f"1d key:{'&amp;' * len(pattern)}").filters[0].pattern == pattern


def test_twenty_filters_and_fifty_groups_are_allowed() -> None:
    text = " ".join(f"key:{n}" for n in range(MOST_FILTERS))
    assert len(asked(f"{text} {text.upper()} top {MOST_TOP}"[:LONGEST]).filters) == MOST_FILTERS
    assert asked(f"top {MOST_TOP}").top == MOST_TOP


def test_a_sentence_holds_nothing_that_cannot_be_printed() -> None:
    problem = wrong("\udcff\u202ebad\x1b[31m\x00").problem
    assert problem == "I don't recognize “bad[31m”."
    assert asked("key:\udcffa\u202eb").filters[0].pattern == "ab"


def test_a_zone_that_means_the_machines_own_is_none() -> None:
    assert not {"localtime", "factory"} & set(zone_names())


def _typo(word: str, place: int, kind: int) -> str:
    place %= len(word)
    if kind == 0:
        return word[:place] + word[place + 1 :]
    if kind == 1:
        return word[:place] + word[place] + word[place:]
    return word[:place] + word[place + 1 : place + 2] + word[place] + word[place + 2 :]


@given(
    st.sampled_from(["spend", "tokens", "requests", "yesterday", "credits", "share", "today"]),
    st.integers(0, 20),
    st.integers(0, 2),
)
@settings(max_examples=200, deadline=None)
def test_one_slip_of_the_finger_finds_the_word_again(word: str, place: int, kind: int) -> None:
    found = parse(_typo(word, place, kind))
    if isinstance(found, QuestionCommand):  # the slip changed nothing
        assert found == parse(word)
    else:
        assert isinstance(found, CommandError)
        assert parse(found.suggestion) == parse(word)


_numbers = st.sampled_from(["0", "1", "2", "7", "010", "99", "1_0", "٣", "999999999999999"])
_names = st.one_of(
    st.sampled_from(
        ["claude*", '"Prod key"', "“a b”", "&amp;amp;", "<@U1|ada>", "a:b", "é", "*", '"', "''"]
    ),
    st.text(max_size=8),
)
_phrases = st.one_of(
    st.sampled_from(WORDS),
    st.builds("{}{}".format, _numbers, st.sampled_from("hdwmyx")),
    st.builds("{} {}".format, st.sampled_from(["this", "last"]), st.sampled_from([*Unit, "3"])),
    st.builds("by {}".format, st.sampled_from([*Dimension, "user", "api key", "keys"])),
    st.builds(
        "{}:{}".format, st.sampled_from(["model", "key", "creator", "user", "Keys", "foo"]), _names
    ),
    st.builds("top {}".format, _numbers),
    st.builds("tz {}".format, st.sampled_from(["UTC", "asia/kathmandu", "berlin", "x"])),
    st.builds("{:%Y-%m}".format, st.dates(date(1990, 1, 1))),
    st.builds("{}".format, st.dates(date(1990, 1, 1))),
    st.builds("{}..{}".format, st.dates(date(2020, 1, 1), date(2031, 1, 1)), st.dates()),
    st.sampled_from(list(NAMED)),
    _names,
)
_questions = st.lists(_phrases, max_size=9).map(" ".join)


@given(_questions)
@settings(max_examples=500, deadline=None)
@example('key:"&am"p;')
@example('key:a"\u0301"')
@example("key:&amp\u037e")
@example("key:&amp;amp;amp;lt;")
@example(" ".join(f"user:{n:07}" for n in range(20)))
@example("2026-10-03..2026-10-03")
def test_a_question_in_its_own_words_is_the_same_question(text: str) -> None:
    found = parse(text)
    if isinstance(found, QuestionCommand):
        assert parse(found.query.words()) == found


@given(st.one_of(_questions, st.text(max_size=400)))
@settings(max_examples=500, deadline=None)
@example("by " * 150)
@example("tz x " * 60)
@example("a:b " * 75)
@example("topp " * 60)
@example("last " * 60)
@example("9" * 300)
@example("2000-01-01..2030-01-01 " * 13)
@example("'" * 300)
@example("2026-" * 60)
@example("\udc80")
@example("İ")
def test_any_text_is_answered_with_a_question_or_a_sentence(text: str) -> None:
    found = parse(text)
    if isinstance(found, CommandError):
        assert found.problem.endswith(".")
        assert len(found.problem) < 250
        said = found.problem + found.understood + found.suggestion
        assert not {category(c) for c in said.replace("\u200c", "").replace("\u200d", "")} & HIDDEN
        assert not isinstance(parse(found.suggestion), CommandError)


@pytest.mark.parametrize(
    "text",
    [
        "tz zzzzzz " * 30,
        "q " * 150,
        "topp " * 60,
        "a" * 10_000_000,
        "&amp;" * 300,
        "&" + "amp;" * 374,
        " " * 1_000_000,
        "\u200b" * 1_000_000,
        '"' * 300,
        "by tz top last this " * 15,
    ],
)
def test_the_work_for_any_text_is_bounded(text: str) -> None:
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    parse("tz nowhere")  # the zones are read once
    sys.setprofile(count)
    try:
        parse(text)
    finally:
        sys.setprofile(None)
    assert calls < 300_000


@pytest.mark.parametrize("amount", ["$0", "0", "$0.00"])
def test_a_forecast_is_not_held_against_nothing(amount: str) -> None:
    found = parse(f"forecast over {amount} this month")
    assert isinstance(found, CommandError)
    assert found.problem == OVER_NOTHING
    assert isinstance(parse("forecast over $0.01"), QuestionCommand)
