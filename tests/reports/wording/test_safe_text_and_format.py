"""Numbers for people, and names that others chose."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reports.usage.dimensions import Metric
from reports.usage.format import (
    axis_figure,
    axis_money,
    change,
    difference,
    figure,
    money,
    number,
    percent,
)
from reports.wording.safe_text import NAME_LENGTH, as_typed, clean, escape, plain

SUFFIX = {"K": 10**3, "M": 10**6, "B": 10**9}
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def read(shown: str) -> Fraction:
    """A shown number as the number that it says."""
    digits = shown.replace("$", "").replace(",", "")
    factor = SUFFIX.get(digits[-1], 1)
    return Fraction(Decimal(digits.rstrip("KMB"))) * factor


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (1, "1"),
        (42, "42"),
        (170, "170"),
        (999, "999"),
        (1_000, "1K"),
        (1_234, "1.23K"),
        (4_260, "4.26K"),
        (9_995, "10K"),
        (99_949, "99.9K"),
        (99_950, "100K"),
        (999_499, "999K"),
        (999_500, "1M"),
        (10_600_000, "10.6M"),
        (265_000_123, "265M"),
        (999_499_999, "999M"),
        (999_500_000, "1B"),
        (13_700_000_000, "13.7B"),
        (4_321_000_000_000, "4,321B"),
        (Fraction(1, 3), "0.333"),
        (Fraction(2, 3), "0.667"),
        (Fraction("8281253.8"), "8.28M"),
        (Fraction("999.4"), "999"),
        (Fraction("999.5"), "1K"),
        (Fraction("99.95"), "100"),
        (Fraction("9.996"), "10"),
        (Fraction("0.0123"), "0.0123"),
        (Fraction("0.012"), "0.012"),
        (-4_260, "-4.26K"),
        (Fraction(-1, 3), "-0.333"),
    ],
)
def test_numbers_have_three_significant_digits(value: int | Fraction, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        (0, "$0"),
        (1, "$0.000000001"),
        (1_234, "$0.0000012"),
        (50_000, "$0.00005"),
        (99_999, "$0.0001"),
        (12_345_678, "$0.0123"),
        (50_000_000, "$0.0500"),
        (99_949_999, "$0.0999"),
        (99_950_001, "$0.10"),
        (100_000_000, "$0.10"),
        (999_600_000, "$1.00"),
        (1_000_000_000, "$1.00"),
        (1_005_000_000, "$1.00"),
        (1_500_000_000, "$1.50"),
        (123_456_000_000, "$123.46"),
        (4_804_809_999_999, "$4,804.81"),
        (9_223_372_036_854_775_807, "$9,223,372,036.85"),
        (10**38, "$100,000,000,000,000,000,000,000,000,000.00"),
        (Fraction(1, 3), "$0.00000000033"),
        (Fraction(10**12, 3), "$333.33"),
        (-15_941_000_000, "-$15.94"),
        (-12_345_678, "-$0.0123"),
        (-1, "-$0.000000001"),
    ],
)
def test_money_has_cents_and_is_never_nothing_for_something(
    nano: int | Fraction, shown: str
) -> None:
    assert money(nano) == shown
    assert figure(Metric.SPEND, nano) == shown
    assert figure(Metric.TOKENS, nano) == number(nano)


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (Fraction(0), "0.0%"),
        (Fraction(1), "100.0%"),
        (Fraction(1, 3), "33.3%"),
        (Fraction("0.104"), "10.4%"),
        (Fraction("0.014"), "1.4%"),
        (Fraction("0.0009"), "0.1%"),
        (Fraction("0.0005"), "<0.1%"),
        (Fraction(1, 10**12), "<0.1%"),
        (0.25, "25.0%"),
        (Fraction("12.34"), "1,234.0%"),
        (Fraction("-0.5"), "-50.0%"),
    ],
)
def test_shares_are_percentages(ratio: Fraction | float, shown: str) -> None:
    assert percent(ratio) == shown


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (None, "–"),
        (Fraction(0), "no change"),
        (Fraction("0.0004"), "no change"),
        (Fraction("-0.0004"), "no change"),
        (Fraction("0.001"), "+0.1%"),
        (Fraction("0.12"), "+12.0%"),
        (Fraction("-0.031"), "-3.1%"),
        (Fraction(-1), "-100.0%"),
        (Fraction(99), "+9,900.0%"),
    ],
)
def test_a_change_has_a_sign(ratio: Fraction | None, shown: str) -> None:
    assert change(ratio) == shown


_values = st.one_of(
    st.integers(0, 10**15),
    st.integers(0, 2_000),
    st.fractions(0, 10**12),
    st.builds(lambda n, places: Fraction(n, 10**places), st.integers(0, 10**6), st.integers(0, 9)),
)


@given(_values)
@settings(max_examples=300, deadline=None)
@example(Fraction("999.5"))
@example(Fraction("0.9995"))
def test_a_shown_number_is_off_by_half_a_percent_at_most(value: int | Fraction) -> None:
    shown = read(number(value))
    assert bool(shown) is bool(value)
    if value >= Fraction(1, 10**7):
        assert abs(shown - value) <= Fraction(value) / 200


@given(_values, _values)
@settings(max_examples=300, deadline=None)
def test_more_is_never_shown_as_less(one: int | Fraction, other: int | Fraction) -> None:
    less, more = sorted([Fraction(one), Fraction(other)])
    assert read(number(less)) <= read(number(more))
    assert read(money(less)) <= read(money(more))


@given(_values)
@settings(max_examples=200, deadline=None)
def test_a_shown_number_is_short(value: int | Fraction) -> None:
    digits = number(value).lstrip("0.").rstrip("KMB")
    if value < 999 * 10**9:
        assert len(digits.replace(".", "")) <= 3


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Prod key", "Prod key"),
        ("", "(unnamed)"),
        (" \t\n", "(unnamed)"),
        ("\u200b\u2060", "(unnamed)"),
        ("\u3164", "(unnamed)"),
        ("\u200d", "(unnamed)"),
        ("a \u200b b", "a b"),
        ("two\nlines\r\nand\ta tab", "two lines and a tab"),
        ("a\u2028b\u2029c\u0085d", "a b c d"),
        ("evil\u202egpj.exe", "evilgpj.exe"),
        ("\u2066isolated\u2069", "isolated"),
        ("\x00\x1b[31mred", "[31mred"),
        ("half \ud800 pair", "half pair"),
        ("e\u0301te\u0301", "été"),
        ("e\u200b\u0301", "é"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("<!channel>", "<!channel>"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
        ("x" * 79 + " y", "x" * 79 + "…"),
        ("x" * 78 + " yz", "x" * 78 + "…"),
        ("x" * 78 + "e\u0323\u0302\u0301", "x" * 78 + "ệ\u0301"),
        ("x" * 79 + "q\u0323\u0302", "x" * 79 + "…"),
        ("x" * 78 + "q\u0323\u0302", "x" * 78 + "…"),
    ],
)
def test_a_name_is_one_line_of_what_can_be_seen(name: str, shown: str) -> None:
    assert clean(name) == shown


def test_a_name_is_cut_where_it_is_wanted_shorter() -> None:
    assert clean("support bot", 8) == "support…"
    assert clean("support bot", 9) == "support…"
    assert clean("support bot", 10) == "support b…"


_names = st.one_of(
    st.text(max_size=120),
    st.text(st.sampled_from("ae\u0301\u0323\u200b\u200c\u200d\u202e \n\ud800👩🚀x"), max_size=120),
)


@given(_names, st.integers(2, NAME_LENGTH))
@settings(max_examples=400, deadline=None)
def test_no_name_can_hide_turn_or_break_a_line(name: str, length: int) -> None:
    shown = clean(name, length)
    assert 1 <= len(shown) <= max(length, len("(unnamed)"))
    visible = shown.replace("\u200c", "").replace("\u200d", "")
    assert not {unicodedata.category(c) for c in visible} & HIDDEN
    assert visible.strip()
    assert shown == shown.strip()
    assert "  " not in shown
    assert shown.encode("utf-8")
    assert unicodedata.is_normalized("NFC", shown)
    assert clean(shown, length) == shown or shown == "(unnamed)"


@given(st.text(st.sampled_from('&;<>"“’amplgt\u037e\u0338\u200b é'), max_size=60))
@settings(max_examples=400, deadline=None)
def test_what_was_typed_is_made_plain_once_and_for_all(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert plain(escape(escape(text))) == once


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("R&D", "R&amp;D"),
        ("&lt;", "&amp;lt;"),
        ("*bold* `code`", "*bold* `code`"),
    ],
)
def test_slack_is_given_no_markup_of_others(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@pytest.mark.parametrize(
    ("kept", "typed"),
    [
        ("spend creator:<@U123|ada> in <#C1|finance>", "spend creator:@ada in #finance"),
        ("in <#C1|> or <@U123>", "in #C1 or @U123"),
        ("a <b> & <!channel>", "a <b> & <!channel>"),
    ],
)
def test_it_shows_people_and_channels_as_they_are_typed(kept, typed):
    assert as_typed(kept) == typed


def _parsed(shown: str) -> Fraction:
    """The dollars that shown money says."""
    return Fraction(Decimal(shown.replace("$", "").replace(",", "")))


@given(st.integers(-(10**16), 10**16) | st.integers(-(10**8), 10**8))
@settings(max_examples=400, deadline=None)
@example(99_950_000)
@example(99_950_001)
@example(-1)
def test_money_reads_back_to_within_its_last_decimal(nano: int) -> None:
    shown, dollars = money(nano), Fraction(nano, 10**9)
    places = len(shown.partition(".")[2])
    assert abs(_parsed(shown) - dollars) <= Fraction(1, 2 * 10**places)
    assert (_parsed(shown) == 0) is (nano == 0)
    if abs(_parsed(shown)) >= Fraction(1, 10):
        assert places == 2
    elif abs(nano) >= 100_000:
        assert places == 4


@pytest.mark.parametrize(
    ("now", "before", "shown"),
    [
        (1_260_120_000_000, 1_160_920_000_000, "up $99.20 (+8.5%)"),
        (100_000_000_000, 200_000_000_000, "down $100.00 (-50.0%)"),
        (5, 5, "no change"),
        (5_000_000_000, 0, "up $5.00"),
        (1_000_000_000_001, 1_000_000_000_000, "up $0.000000001"),
        (-2_000_000_000, -1_000_000_000, "down $1.00 (-100.0%)"),
    ],
)
def test_a_difference_says_how_much_and_how_much_of_it(now: int, before: int, shown: str) -> None:
    assert difference(Metric.SPEND, now, before) == shown


def test_a_difference_of_counts_is_short() -> None:
    assert difference(Metric.TOKENS, 1_200_000, 1_000_000) == "up 200K (+20.0%)"


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        (0, "$0"),
        (500_000_000, "$0.5"),
        (500 * 10**9, "$500"),
        (2_500 * 10**9, "$2.5K"),
        (10**15, "$1M"),
    ],
)
def test_only_axes_shorten_money(nano: int, shown: str) -> None:
    assert axis_figure(Metric.SPEND, nano) == axis_money(nano) == shown
    assert axis_figure(Metric.TOKENS, 2_500) == "2.5K"
