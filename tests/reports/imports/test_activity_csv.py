from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.imports.activity_csv import LONGEST_LINE, BadFileError, FileRow, ParsedFile, read_csv
from reports.imports.granularity import Dates, find_granularity
from reports.questions.query import Query
from reports.render.csv import write_csv
from reports.time.time_range import Granularity
from reports.usage.dimensions import Dimension
from reports.usage.usage import Usage, UsageRow

NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)
GOLDEN = Path(__file__).parents[2] / "golden"
HEADER = (
    "Date,Slug,Usage,BYOK Usage,Requests,Prompt Tokens,Completion Tokens,Reasoning Tokens,API Key\n"
)
ROW = '"2024-03-31 00:00:00","openai/gpt-5","1.5","0.25","3","1234567","890","12","beebox"\n'
READ = FileRow(
    2,
    datetime(2024, 3, 31, tzinfo=UTC),
    "openai/gpt-5",
    "beebox",
    Usage(3, 0, 1_234_567, 890, 12, 1_500_000_000, 250_000_000),
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def opened(data: bytes | str) -> ParsedFile:
    raw = data if isinstance(data, bytes) else data.encode()
    return read_csv(io.BytesIO(raw), NOW)


def rows(data: bytes | str) -> list[FileRow]:
    return list(opened(data).rows)


def refusal(data: bytes | str) -> str:
    with pytest.raises(BadFileError) as caught:
        rows(data)
    return str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        HEADER + ROW,
        "\ufeff" + HEADER + ROW,
        (HEADER + ROW).replace("\n", "\r\n"),
        HEADER + ROW.replace('"', ""),
        ",".join(f'"{name}"' for name in HEADER.strip().split(",")) + "\n" + ROW.rstrip("\n"),
        HEADER.upper() + ROW,
        HEADER + ROW.replace("2024-03-31 00:00:00", "2024-03-31"),
    ],
    ids=["plain", "BOM", "CRLF", "bare values", "quoted header", "upper case", "bare date"],
)
def test_it_reads_every_form_of_the_same_file(data: str) -> None:
    assert rows(data) == [READ]
    assert opened(data).by is Dimension.KEY


def test_columns_are_found_by_name_wherever_they_stand_and_others_are_left_out() -> None:
    data = (
        "Provider,Requests,Slug,API Key,Reasoning Tokens,Usage,Date,Completion Tokens,"
        "Prompt Tokens,BYOK Usage,Cache\n"
        "OpenAI,3,openai/gpt-5,beebox,12,1.5,2024-03-31 00:00:00,890,1234567,0.25,?\n"
    )
    assert rows(data) == [READ]
    assert opened(data).unknown == ("Provider", "Cache")
    assert opened(HEADER).unknown == ()


@pytest.mark.parametrize(
    ("last", "by"),
    [("", Dimension.MODEL), (",API Key", Dimension.KEY), (",Creator", Dimension.CREATOR)],
)
def test_the_last_column_says_what_a_file_is_grouped_by(last: str, by: Dimension) -> None:
    assert opened(HEADER.replace(",API Key", last)).by is by


def test_blank_lines_and_a_file_without_rows_are_fine() -> None:
    assert rows(HEADER) == []
    assert [row.line for row in rows(HEADER + "\n" + ROW + "\r\n\n")] == [3]


def test_a_name_may_run_over_several_lines_and_the_next_row_knows_its_line() -> None:
    odd = ROW.replace("beebox", 'two\r\nlines, ""quoted""')
    found = rows(HEADER + odd + ROW)
    assert [(row.line, row.member) for row in found] == [
        (2, 'two\r\nlines, "quoted"'),
        (4, "beebox"),
    ]


@pytest.mark.parametrize(
    ("written", "name"),
    [("'=sum", "=sum"), ("'  @x", "  @x"), ("'\tx", "\tx"), ("'plain", "'plain"), ("'", "'")],
)
def test_the_sign_that_guards_formulas_is_taken_off_and_no_other(written: str, name: str) -> None:
    [row] = rows(HEADER + ROW.replace("beebox", written))
    assert row.member == name


@pytest.mark.parametrize(
    ("written", "nano"),
    [
        ("0", 0),
        ("-0.02", -20_000_000),
        ("0.1234567891", 123_456_789),
        ("0.1234567895", 123_456_790),
        ("0.30000000000000004", 300_000_000),
        ("1e-7", 100),
        ("1.5E+2", 150 * 10**9),
        ("99999999.999999999", 99_999_999_999_999_999),
    ],
)
def test_money_is_exact_and_rounded_to_a_nano_dollar(written: str, nano: int) -> None:
    [row] = rows(HEADER + ROW.replace('"1.5"', f'"{written}"'))
    assert row.usage.credits == nano


@pytest.mark.parametrize(
    "value",
    ["NaN", "inf", "1e400", "1e99", "1,234.5", "$1", "", " 1", "+1", "0x10", "١٫٥", "1_0", "1.",
     ".5", "--1", "100000001", "9" * 5000, "1;2"],
)  # fmt: skip
def test_money_that_is_no_plain_number_is_refused(value: str) -> None:
    said = refusal(HEADER + ROW + ROW.replace('"1.5"', f'"{value}"'))
    assert said.startswith("line 3: Usage is ")
    assert len(said) < 150


@pytest.mark.parametrize(
    "value",
    ["-3", "3.0", "1,234", "", "NaN", "٣", "³", "1e3", " 3", "1_0", "9" * 19, "2" + "0" * 17],
)
def test_counts_that_are_no_whole_numbers_are_refused(value: str) -> None:
    said = refusal(HEADER + ROW.replace('"3"', f'"{value}"'))
    assert said.startswith("line 2: Requests is ")


def test_a_refusal_says_line_column_value_and_what_is_wanted() -> None:
    assert refusal(HEADER + ROW + ROW.replace('"890"', '"8,90"')) == (
        "line 3: Completion Tokens is “8,90”: a whole number is required, digits only"
    )
    assert refusal(HEADER + ROW.replace("31 00", "31T00")) == (
        "line 2: Date is “2024-03-31T00:00:00”: YYYY-MM-DD HH:MM:SS in UTC is required"
    )


@pytest.mark.parametrize(
    "value",
    ["", "yesterday", "03/31/2024", "2024-02-30", "2024-13-01", "2024-03-31 24:00:00", "20240331",
     "2024-W10-1", "２０２４-03-31", "2024-03-31 00:00:00+02:00", "2024-3-31"],
)  # fmt: skip
def test_dates_of_another_form_are_refused(value: str) -> None:
    assert "Date is " in refusal(HEADER + ROW.replace("2024-03-31 00:00:00", value))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("1970-01-01", "before OpenRouter existed"),
        ("2022-12-31", "before OpenRouter existed"),
        ("2026-11-22 10:32:00", "in the future"),
        ("9999-12-31", "in the future"),
    ],
)
def test_absurd_dates_are_refused(value: str, reason: str) -> None:
    assert refusal(HEADER + ROW.replace("2024-03-31 00:00:00", value)).endswith(reason)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "the columns Date, Slug, Usage"),
        (
            "Date,Slug,Credits,BYOK,Spend\n",
            "the columns Usage, BYOK Usage, Requests, Prompt Tokens",
        ),
        (HEADER.replace(",", "|"), "the columns Date, Slug"),
        (HEADER.replace("API Key", "API Key,Creator"), "by both API Key and Creator"),
        (HEADER.replace("API Key", "Slug"), "the column Slug appears twice"),
    ],
)
def test_an_unknown_header_is_refused_with_what_is_missing(header: str, reason: str) -> None:
    assert reason in refusal(header + ROW)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ((HEADER + ROW).encode("utf-16"), "line 1: not UTF-8"),
        (HEADER.encode() + ROW.replace("beebox", "Zoë").encode("latin-1"), "line 2: not UTF-8"),
        ((HEADER + ROW.replace("bee", "b\0e")).encode(), "line 2: contains a NUL byte"),
        (b"\x1f\x8b\x08\0" + b"x" * 50, "line 1: this is a compressed file"),
        (b"PK\x03\x04" + b"x" * 50, "line 1: this is a compressed file"),
        ((HEADER + ROW + "x" * 1_000_000).encode(), "line 3: longer than 64 KiB"),
        (b"x" * (LONGEST_LINE + 1), "line 1: longer than 64 KiB"),
        ((HEADER + ROW[:-2]).encode(), "line 2: not valid CSV (unexpected end of data)"),
        ((HEADER + ROW + ROW[:-2] + "\n" * 200_000).encode(), "line 3: not valid CSV (field"),
        ((HEADER + ROW.replace('"3"', '"3"x')).encode(), "line 2: not valid CSV"),
        ((HEADER + ROW).replace("\n", "\r").encode(), "line 1: not valid CSV"),
        ((HEADER + ROW.replace(',"12"', "")).encode(), "line 2: 8 values, but"),
        ((HEADER + ROW.replace("beebox", "b" * 1001)).encode(), "line 2: a name has 1001"),
        ((HEADER + ROW.replace("openai/gpt-5", "")).encode(), "line 2: Slug is missing"),
        (b"", "the file is empty"),
        (b"\n\r\n", "the file is empty"),
        (b"Date\n" + b'"' * 60_000, "line 1: not an Activity export"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_such_file_are_refused_with_their_line(data: bytes, reason: str) -> None:
    assert refusal(data).startswith(reason)


def test_figures_that_add_up_to_more_than_the_cache_can_add_are_refused() -> None:
    huge = ROW.replace('"1234567"', f'"{10**17}"')
    assert len(rows(HEADER + huge * 10)) == 10
    assert refusal(HEADER + huge * 11).startswith("line 12: the total exceeds what any")


def test_rows_are_read_one_by_one() -> None:
    def endless() -> Iterable[bytes]:
        yield HEADER.encode()
        while True:
            yield ROW.encode()

    found = read_csv(endless(), NOW).rows
    assert [next(found).line for _ in range(3)] == [2, 3, 4]


@pytest.mark.parametrize("by", ["none", "model", "key", "creator"])
def test_our_own_exports_are_read_back(by: str) -> None:
    data = (GOLDEN / f"overview-by-{by}.csv").read_bytes()
    found = opened(data)
    assert str(found.by) == {"none": "model"}.get(by, by)
    query = Query(by=None if by == "none" else found.by)
    written = io.BytesIO()
    write_csv(query, (UsageRow(r.bucket, r.member, r.slug, r.usage) for r in found.rows), written)
    assert written.getvalue() == data


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8
).filter(lambda name: not name.startswith("'"))
COUNTS = st.integers(0, 10**15)
USAGES = st.builds(
    Usage,
    COUNTS,
    st.just(0),
    COUNTS,
    COUNTS,
    COUNTS,
    st.integers(-(10**15), 10**15),
    COUNTS,
    st.just(0),
    st.just(0),
)


@given(st.lists(st.tuples(st.integers(0, 90_000), NAMES, NAMES, USAGES), max_size=8))
def test_whatever_we_write_is_read_back_exactly(made: list[tuple[int, str, str, Usage]]) -> None:
    used = [
        UsageRow(NOW.replace(second=0) - timedelta(minutes=ago), member, model, usage)
        for ago, member, model, usage in made
    ]
    out = io.BytesIO()
    write_csv(Query(by=Dimension.KEY), used, out)
    back = [UsageRow(r.bucket, r.member, r.slug, r.usage) for r in rows(out.getvalue())]
    assert back == used


@given(st.binary(max_size=300), st.randoms())
@settings(max_examples=300)
def test_no_bytes_whatever_lead_to_anything_but_rows_or_a_refusal(
    noise: bytes, chance: random.Random
) -> None:
    base = (HEADER + ROW + ROW).encode()
    cut = chance.randrange(len(base))
    for data in (noise, base[:cut] + noise + base[cut:], HEADER.encode() + noise):
        try:
            found = rows(data)
        except BadFileError as error:
            said = str(error)
        else:
            said = ""
            assert all(row.bucket <= NOW and row.usage.requests >= 0 for row in found)
        assert "\n" not in said


# -- granularity


def found_in(*dates: str, chosen: Granularity | None = None) -> Dates:
    return find_granularity({at(date): n for n, date in enumerate(dates, 2)}, chosen)


def starts(found: Dates) -> list[str]:
    return [start.strftime("%Y-%m-%d %H:%M") for start, _ in found.buckets]


@pytest.mark.parametrize(
    ("dates", "granularity"),
    [
        (["2024-01-01", "2024-02-01"], "month"),
        (["2023-12-01", "2024-12-01"], "month"),
        (["2024-01-01", "2024-01-02"], "day"),
        (["2024-01-01", "2024-02-01", "2024-02-02"], "day"),
        (["2024-01-01T00:00", "2024-01-01T01:00"], "hour"),
        (["2024-01-01T10:00", "2024-01-02T10:00", "2024-01-02T11:00"], "hour"),
        (["2024-01-01T10:00", "2024-01-01T10:31"], "minute"),
        (["2024-01-01"], "day"),
        (["2024-01-17"], "day"),
        (["2024-01-01T07:00"], "hour"),
        (["2024-01-01T07:31"], "minute"),
    ],
)
def test_the_granularity_is_found_from_the_dates(dates: list[str], granularity: str) -> None:
    found = found_in(*dates)
    assert found.granularity == granularity
    assert bool(found.note) == (len(dates) == 1)


def test_the_granularity_can_be_chosen_where_the_dates_allow_it() -> None:
    chosen = found_in("2024-01-01", chosen=Granularity.MONTH)
    assert (chosen.granularity, chosen.note) == (Granularity.MONTH, "")
    assert chosen.buckets == ((at("2024-01-01"), at("2024-02-01")),)
    with pytest.raises(BadFileError, match="line 3: no day starts at 2024-01-02 10:00:00"):
        found_in("2024-01-01", "2024-01-02T10:00", chosen=Granularity.DAY)


def test_seconds_fit_nothing() -> None:
    with pytest.raises(BadFileError, match="line 2: no minute starts at 2024-01-01 10:00:07"):
        found_in("2024-01-01T10:00:07")


@pytest.mark.parametrize(
    "dates",
    [
        ["2024-03-30T23:00", "2024-03-31T22:00"],  # Berlin, over the change of the clocks
        ["2024-01-01T18:30", "2024-01-02T18:30", "2024-01-05T18:30"],  # Kolkata
        ["2024-02-29T23:00", "2024-03-31T22:00"],  # months of Berlin
    ],
)
def test_days_of_another_zone_are_refused_and_what_to_do_is_said(dates: list[str]) -> None:
    with pytest.raises(BadFileError, match=r"days of another time zone.*Export them in UTC"):
        found_in(*dates)
    smaller = Granularity.HOUR if dates[0].endswith(":00") else Granularity.MINUTE
    assert found_in(*dates, chosen=smaller).granularity is smaller


@pytest.mark.parametrize(
    ("dates", "mixed"),
    [
        (["2024-01-01", "2024-02-01", "2024-03-01", "2024-03-05"], "months, but 2024-03-05 00:00"),
        (["2024-01-05", "2024-01-06", "2024-01-07", "2024-01-07T10:00"], "days, but 2024-01-07 10"),
        (["2024-01-05T01:00", "2024-01-05T02:00", "2024-01-05T03:00", "2024-01-05T03:07"], "hours"),
    ],
)
def test_mixed_granularities_are_refused(dates: list[str], mixed: str) -> None:
    with pytest.raises(BadFileError, match=f"line 5: most dates are {mixed}"):
        found_in(*dates)


def test_buckets_between_two_dates_are_known_to_be_empty() -> None:
    assert starts(found_in("2024-01-01", "2024-01-04")) == [
        f"2024-01-0{n} 00:00" for n in (1, 2, 3, 4)
    ]
    assert len(found_in("2023-11-01", "2024-11-01").buckets) == 13


def test_a_gap_that_no_single_export_can_have_is_not_known() -> None:
    near, far = found_in("2024-01-02", "2024-04-03"), found_in("2024-01-02", "2024-04-04")
    assert (len(near.buckets), len(far.buckets)) == (93, 2)


def test_a_file_of_more_buckets_than_is_sane_is_refused() -> None:
    start = at("2023-01-02")
    dates = {start + timedelta(minutes=170 * n): n for n in range(400)}
    with pytest.raises(BadFileError, match="more than 50,000 minutes"):
        find_granularity(dates)


@given(
    st.sampled_from(["day", "hour", "minute"]),
    st.lists(st.integers(0, 180), min_size=2, max_size=30, unique=True),
)
def test_the_buckets_touch_and_hold_every_date(name: str, offsets: list[int]) -> None:
    granularity = Granularity(name)
    step = {"day": 1440, "hour": 60, "minute": 1}[name]
    dates = {at("2023-05-04") + timedelta(minutes=step * n): 2 for n in offsets}
    buckets = find_granularity(dates, granularity).buckets
    assert set(dates) <= {start for start, _ in buckets}
    assert all(a[1] <= b[0] for a, b in pairwise(buckets))
    assert (buckets[0][0], buckets[-1][0]) == (min(dates), max(dates))


def european(text):
    """The same as a spreadsheet with a decimal comma saves it."""
    header, *lines = text.splitlines()
    rows = [next(csv.reader([line])) for line in lines]
    out = [header.replace(",", ";")]
    for date, slug, paid, own, *rest in rows:
        amounts = [amount.replace(".", ",") for amount in (paid, own)]
        out.append(";".join([date, slug, *amounts, *rest]))
    return "\n".join(out) + "\n"


PLAIN = (
    HEADER.replace(",API Key", "") + '"2026-03-04 00:00:00","a/x","1.25","0.5","3","40","5","1"\n'
)


@pytest.mark.parametrize(
    "text",
    [
        european(PLAIN),
        "\ufeff" + european(PLAIN),
        "sep=;\r\n" + european(PLAIN).replace("\n", "\r\n"),
        european(PLAIN).replace("1,25", "1.25").replace("0,5", "0.5"),
        european(PLAIN).replace(";", "\t"),
        european(PLAIN).replace("2026-03-04 00:00:00", "04.03.2026 00:00"),
        european(PLAIN).replace("2026-03-04 00:00:00", "4.3.2026"),
        '"' + european(PLAIN).replace(";", '";"').replace("\n", '"\n"').removesuffix('"'),
    ],
)
def test_a_file_that_a_european_spreadsheet_saved_again_reads_the_same(text):
    now = datetime(2026, 11, 22, tzinfo=UTC)
    expected = list(read_csv([line.encode() for line in PLAIN.splitlines(True)], now).rows)
    found = list(read_csv([line.encode() for line in text.splitlines(True)], now).rows)
    assert [one._replace(line=0) for one in found] == [one._replace(line=0) for one in expected]


def test_thousands_separators_are_read_only_where_they_can_mean_nothing_else():
    now = datetime(2026, 11, 22, tzinfo=UTC)
    line = "2026-03-04;a/x;{};0;3;40;5;1\n"
    head = HEADER.replace(",API Key", "").replace(",", ";")

    def paid(*amounts):
        lines = [head, *(line.format(amount) for amount in amounts)]
        return [row.usage.credits for row in read_csv([one.encode() for one in lines], now).rows]

    assert paid("1.234,56") == [1_234_560_000_000]
    assert paid("1.5") == [1_500_000_000]
    with pytest.raises(BadFileError, match="some amounts have a decimal comma"):
        paid("0,5", "1.234")
