"""What comes over the wire, read leniently: nothing that OpenRouter sends may crash a sync."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.openrouter import wire
from bot.openrouter.wire import BadAnswerError, IdFilter, QueryGrouping
from reports.time.time_range import STEP, Granularity, floor
from reports.usage.usage import NANO, Usage

DAY = datetime(2026, 5, 19, tzinfo=UTC)
STAMPED = [g for g in Granularity if g in STEP]


def body(*rows, metadata=None, **more):
    return json.dumps({"data": {"data": list(rows), "metadata": metadata or {}, **more}}).encode()


def row(**more):
    return {"date__day": "2026-05-19", "model": "a/x", "api_key_id": "Prod", **more}


def raw_row(**literals):
    """A row whose values are JSON literals, put in as they stand."""
    parts = [f'"{name}":{literal}' for name, literal in literals.items()]
    whole = ",".join(['"date__day":"2026-05-19","model":"a/x","api_key_id":"Prod"', *parts])
    return f'{{"data":{{"data":[{{{whole}}}]}}}}'.encode()


def read(*rows, view=QueryGrouping.KEY, granularity=Granularity.DAY, **more):
    return wire.read_usage(body(*rows, **more), view, granularity)


def usage(**fields):
    answer = read(row(request_count="1") | fields)
    return answer.rows[0].usage if answer.rows else None


@pytest.mark.parametrize(
    ("spelt", "count"),
    [("1523", 1523), (1523, 1523), ("1500.0", 1500), (1500.0, 1500), ("1.5e3", 1500),
     (None, 0), ("0", 0), ("9007199254740993", 9007199254740993), ("-0", 0), (" 7 ", 7)],
)  # fmt: skip
def test_it_reads_a_count_however_it_is_spelt(spelt, count):
    assert usage(tokens_prompt=spelt) == Usage(1, prompt=count)


@pytest.mark.parametrize(
    "spelt",
    ["1,500", "1_500", "", "many", "1.5", 1.5, True, [], {}, ["1"], "١٢", "0x10", "1e30", "nan",
     "inf", "-Infinity", "sNaN", "9" * 40, 10**17, -1, "-3", "-0.5"],
)  # fmt: skip
def test_it_sets_a_row_aside_whose_count_is_none(spelt):
    answer = read(row(request_count=spelt), row(request_count="2"))
    assert (len(answer.rows), answer.bad) == (1, 1)


@pytest.mark.parametrize(
    ("dollars", "nano"),
    [(0.0000012, 1200), (1e-9, 1), (3.3e-7, 330), (12345678.9, 12345678900000000), (15, 15 * NANO),
     ("15.90", 15900000000), (None, 0), (-0.25, -250000000), (0.1 + 0.2, 300000000), (1e-12, 0)],
)  # fmt: skip
def test_it_keeps_money_exact_to_the_nano_dollar(dollars, nano):
    assert usage(credits_usage=dollars, byok_usage=dollars) == Usage(1, credits=nano, byok=nano)


@pytest.mark.parametrize("dollars", [1e9, -1e9, "1000000000", 2**63, True, "$5", "1,5", [], "٣"])
def test_it_sets_a_row_aside_whose_money_is_none(dollars):
    answer = read(row(request_count=1, byok_usage=dollars), row(request_count=2))
    assert (len(answer.rows), answer.bad) == (1, 1)


@given(st.integers(-(10**16), 10**16))
def test_money_that_a_float_can_carry_comes_back_whole(nano):
    exact = Decimal(nano) / NANO
    if Decimal(repr(float(exact))) == exact:
        assert usage(credits_usage=float(exact)).credits == nano
    assert usage(credits_usage=str(exact)).credits == nano


@pytest.mark.parametrize("granularity", STAMPED)
@pytest.mark.parametrize("prefix", ["date", "created_at"])
@pytest.mark.parametrize(
    "spelling", ["%Y-%m-%dT%H:%M:%S.000Z", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S",
                 "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%dT%H:%M"],
)  # fmt: skip
def test_it_finds_the_bucket_however_it_is_named_and_spelt(granularity, prefix, spelling):
    at = floor(datetime(2026, 5, 19, 13, 37, tzinfo=UTC), granularity)
    given = {f"{prefix}__{granularity}": at.strftime(spelling), "model": "a/x", "api_key_id": "k"}
    answer = read(given | {"request_count": 1}, granularity=granularity)
    assert [one.bucket for one in answer.rows] == [at]


def test_it_reads_a_day_without_a_time_as_that_day_in_utc():
    assert read(row(request_count=1)).rows[0].bucket == DAY


@pytest.mark.parametrize(
    "stamp",
    ["", "yesterday", "2026-13-01", None, 20260519, "0001-01-01T00:00:00+14:00", "\ud800",
     "9999-12-31T23:59:59-12:00", "2026-05-19T00:00:00" + "0" * 5000],
)  # fmt: skip
def test_it_sets_a_row_aside_whose_bucket_makes_no_sense(stamp):
    answer = read(row(request_count=1, date__day=stamp), row(request_count=2))
    assert (len(answer.rows), answer.bad) == (1, 1)


def test_it_ignores_fields_it_does_not_know():
    known = read(row(request_count=1)).rows
    assert (
        read(row(request_count=1, **{'evil"]; drop': 1, "latency": None, "x": [{}]})).rows == known
    )


@pytest.mark.parametrize("nobody", ["", None])
def test_use_without_a_key_or_a_creator_has_an_empty_name(nobody):
    assert read(row(request_count=1, api_key_id=nobody)).rows[0].member == ""
    found = read(row(request_count=1, user=nobody), view=QueryGrouping.CREATOR).rows[0]
    assert (found.member, found.email) == ("", "")


def test_a_row_that_says_nothing_of_its_key_is_not_taken_for_the_chatroom():
    nothing_said = {k: v for k, v in row(request_count=1).items() if k != "api_key_id"}
    assert read(nothing_said, row(request_count=1, api_key_id=7)).bad == 2


def test_an_address_beside_a_key_is_not_taken_for_a_part_of_its_name():
    assert read(row(request_count=1, user_email="ada@example.com")).rows[0].email == ""


def test_a_row_without_its_main_figure_is_set_aside_since_unknown_is_not_nothing():
    assert read(row(tokens_prompt="3")).bad == 1


@pytest.mark.parametrize(
    "literal",
    ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 4000, "-" + "9" * 4000,
     "1e99999999999999999999", "0e99999999999999999999", "1E+999999999999999999", "1e-400",
     "0." + "0" * 4000 + "1"],
)  # fmt: skip
@pytest.mark.parametrize("field", ["request_count", "credits_usage", "anything"])
def test_a_monstrous_number_costs_no_more_than_its_row(field, literal):
    answer = wire.read_usage(
        raw_row(**{"request_count": "1", field: literal}), QueryGrouping.KEY, Granularity.DAY
    )
    assert len(answer.rows) + answer.bad == 1
    if field == "anything":
        assert answer.rows[0].usage == Usage(1)


def test_of_a_field_that_stands_twice_the_last_one_counts():
    answer = wire.read_usage(
        raw_row(request_count='"1","request_count":"5"'), QueryGrouping.KEY, Granularity.DAY
    )
    assert [one.usage.requests for one in answer.rows] == [5]


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b"{}", b'{"data":null}', b'{"data":[]}', b'{"data":{"data":null}}',
     b"<html>", b'{"data":{"data":[', b"\xff\xfe\x00", b"[" * 100_000, b'{"a":' * 100_000,
     b'{"data":{"data":{}}}'],
)  # fmt: skip
def test_an_answer_without_rows_is_refused_as_a_whole(raw):
    with pytest.raises(BadAnswerError):
        wire.read_usage(raw, QueryGrouping.KEY, Granularity.DAY)


def test_names_may_hold_anything_that_a_database_takes():
    named = read(row(request_count=1, api_key_id="\ud800<!channel>\u202e"))
    named.rows[0].member.encode()
    keys = wire.read_keys(json.dumps({"data": [{"hash": "\ud800"}]}).encode())
    people = wire.read_people(json.dumps({"data": [{"id": "\udfff"}]}).encode())
    places = wire.read_workspaces(json.dumps({"data": [{"id": "\udfff"}]}).encode())
    for text in (keys[0].hash, keys[0].name, people[0].id, people[0].name, places[0].name):
        text.encode()


@pytest.mark.parametrize(
    ("metadata", "truncated"),
    [({}, False), ({"truncated": True}, True), ({"truncated": False}, False),
     ({"row_count": 2}, True), ({"row_count": "2"}, True), ({"row_count": 1}, False),
     ({"row_count": 0}, False), ({"row_count": "some"}, False), ({"row_count": None}, False),
     ({"truncated": False, "row_count": 900}, True), ([], False)],
)  # fmt: skip
def test_it_tells_when_rows_are_only_a_part(metadata, truncated):
    assert read(row(request_count=1), metadata=metadata).truncated is truncated


def test_as_many_rows_as_may_come_are_taken_for_a_part_unless_it_says_they_are_whole():
    rows = [row(request_count=1)] * wire.ROW_LIMIT
    assert read(*rows).truncated
    assert not read(*rows, metadata={"truncated": False}).truncated


def test_a_query_names_ids_and_whole_seconds():
    start = datetime(2026, 5, 1, 0, 0, 0, 5, tzinfo=UTC)
    only = wire.usage_query(
        QueryGrouping.CREATOR, Granularity.HOUR, start, DAY, IdFilter(("u1", "u2"))
    )
    assert only["time_range"] == {"start": "2026-05-01T00:00:00Z", "end": "2026-05-19T00:00:00Z"}
    assert only["filters"] == [{"field": "user", "operator": "in", "value": ["u1", "u2"]}]
    but = wire.usage_query(
        QueryGrouping.KEY, Granularity.DAY, start, DAY, IdFilter(("h",), but=True)
    )
    assert but["filters"] == [
        {"field": "api_key_id", "operator": "not_in", "value": ["h"], "include_unset": True}
    ]
    total = wire.usage_query(QueryGrouping.TOTAL, Granularity.DAY, start, DAY)
    assert "dimensions" not in total
    assert total["limit"] == 10_000


def test_a_refund_is_an_amount_below_zero():
    assert usage(credits_usage=-0.25) == Usage(1, credits=-NANO // 4)


def repeated(view, *rows):
    return wire.repeated(read(*rows, view=view).rows, view)


def test_a_bucket_that_comes_twice_without_dimensions_is_counted():
    one, other = row(request_count="2"), row(request_count="3")
    later = {**one, "date__day": "2026-05-20"}
    assert repeated(QueryGrouping.TOTAL, one, later) == 0
    assert repeated(QueryGrouping.TOTAL, one, later, other) == 1
    assert repeated(QueryGrouping.TOTAL, *[one, later] * 3) == 4


def test_models_may_share_a_name_but_not_every_figure():
    one, other = row(request_count="2"), row(request_count="3")
    assert repeated(QueryGrouping.MODEL, one, other) == 0
    assert repeated(QueryGrouping.MODEL, one, other, one) == 1


@pytest.mark.parametrize("view", [QueryGrouping.KEY, QueryGrouping.CREATOR])
def test_keys_and_members_of_one_name_may_be_used_alike(view):
    one = row(request_count="2", user="Ada", user_email=None)
    assert repeated(view, one, one) == 0


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from(["1523", "2026-05-19", "2026-05-19T00:00:00.000Z", "NaN", "1e999", "-0"]),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
NAMES = st.sampled_from(
    [*wire.METRICS, "date__day", "created_at__day", "model", "api_key_id", "user", "user_email"]
)
ROWS = st.dictionaries(NAMES, VALUES, max_size=10) | VALUES


@settings(max_examples=120, deadline=None)
@given(st.lists(ROWS, max_size=3), VALUES, VALUES, st.sampled_from(QueryGrouping))
def test_whatever_json_comes_each_row_is_read_or_set_aside(rows, metadata, warnings, view):
    good = row(request_count=1, user="Ada", user_email=None)
    data = {"data": [*rows, good], "metadata": metadata, "warnings": warnings}
    answer = wire.read_usage(json.dumps({"data": data}).encode(), view, Granularity.DAY)
    assert len(answer.rows) + answer.bad == len(rows) + 1
    assert answer.rows[-1].usage == Usage(1)
    for one in answer.rows:
        assert one.bucket == floor(one.bucket, Granularity.DAY)
        assert all(type(figure) is int and abs(figure) < 2**63 for figure in one.usage)


READERS = [
    lambda raw: wire.read_usage(raw, QueryGrouping.CREATOR, Granularity.HOUR),
    wire.read_keys, wire.read_people, wire.read_workspaces, wire.read_budgets, wire.read_credits,
    wire.read_is_management,
]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        VALUES, st.lists(VALUES).map(lambda v: {"data": v}), VALUES.map(lambda v: {"data": v})
    )
)
def test_no_reader_fails_but_by_saying_so(value):
    raw = json.dumps(value).encode()
    for reader in READERS:
        with suppress(BadAnswerError):
            reader(raw)
    assert isinstance(wire.read_error(raw), str)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60))
@example(b"\xef\xbb\xbf{}")
@example(b'{"data":"\xed\xa0\x80"}')
def test_no_bytes_make_a_reader_fail_but_by_saying_so(raw):
    for reader in READERS:
        with suppress(BadAnswerError):
            reader(raw)
    assert isinstance(wire.read_error(raw), str)


WHOLE = body(row(request_count="12", credits_usage=0.5), metadata={"row_count": 1})


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_an_answer_with_flipped_and_missing_bytes_never_crashes(data):
    raw = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        if data.draw(st.booleans()):
            raw[at] = data.draw(st.integers(0, 255))
        else:
            del raw[at : at + data.draw(st.integers(1, 9))]
    try:
        answer = wire.read_usage(bytes(raw), QueryGrouping.KEY, Granularity.DAY)
    except BadAnswerError:
        return
    assert len(answer.rows) + answer.bad <= 1


def test_unknown_credits_are_not_taken_for_none():
    for data in ({}, {"total_credits": 5}, {"total_credits": 5, "total_usage": None}):
        with pytest.raises(BadAnswerError):
            wire.read_credits(json.dumps({"data": data}).encode())
    read = wire.read_credits(b'{"data":{"total_credits":20,"total_usage":0.1}}')
    assert read.balance == 19_900_000_000
