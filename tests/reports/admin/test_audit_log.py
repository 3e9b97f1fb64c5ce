"""The log as people read it: names of others are hostile, and Slack's limits hold."""

import csv
import io
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from reports.admin.audit_log import DONE, Act, AuditEntry
from reports.admin.grammar import AuditRequest, parse_period
from reports.admin.slack.audit_log import HEADER, MOST, file_name, message, write_csv

AT = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)
HOSTILE = ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\tx", '"quoted"', "<!channel>", "`x`")
PICKS = (
    "`/activity audit csv` exports everything; `/activity audit @ada 7d` filters. Entries are"
    " kept for 400 days."
)
anything = st.text(max_size=300) | st.sampled_from(HOSTILE)


def entry(what="spend 7d csv", outcome=DONE, where="C1", act=Act.EXPORTED):
    return AuditEntry(AT, "U1", "ada@example.com", act, what, where, outcome)


def test_it_says_who_did_what_where_and_how_it_ended():
    found = [entry(), entry("spend", "refused: Guests cannot see that.", "", Act.ASKED)]
    text = message(found, 2, AuditRequest(), "/activity").text
    date = f"<!date^{int(AT.timestamp())}^{{date_short_pretty}} {{time}}|22 Nov 2026, 10:31 UTC>"
    assert text.splitlines() == [
        "*Audit log*, 2 entries",
        f"• {date} <@U1> exported `spend 7d csv` in <#C1>",
        f"• {date} <@U1> asked `spend`: _refused: Guests cannot see that._",
        PICKS,
    ]


def test_people_and_channels_that_were_typed_are_shown_by_name():
    what = "spend creator:<@U1|ada> in <#C1|finance> in <#C2|>"
    text = message([entry(what)], 1, AuditRequest(), "/activity").text
    assert "`spend creator:@ada in #finance in #(private)`" in text


def test_whom_a_refusal_names_is_shown_by_name_or_id_and_not_called():
    refused = "refused: The log is for &lt;b&gt; the admins: <@U0KAT> and <@U0BEN|ben> in <#C1|x>."
    text = message([entry("audit", refused)], 1, AuditRequest(), "/activity").text
    assert "_refused: The log is for &lt;b&gt; the admins: @U0KAT and @ben in #x._" in text
    out = io.BytesIO()
    write_csv([entry("audit", refused)], out)
    assert "the admins: @U0KAT and @ben in #x." in out.getvalue().decode()


def test_it_says_what_was_picked_and_how_much_there_is():
    asked = AuditRequest("U2", parse_period("7d"))
    text = message([entry()] * 20, 1_204, asked, "/activity").text
    assert text.startswith("*Audit log* of <@U2>, past 7 days, the newest 20 of 1,204 entries")
    assert "no entries" in message([], 0, asked, "/activity").text


@given(st.lists(st.builds(entry, anything, anything), max_size=MOST))
def test_whatever_people_typed_it_fits_and_calls_nobody(entries):
    shown = message(entries, 10**6, AuditRequest(), "/activity")
    texts = [block["text"]["text"] for block in shown.blocks]
    assert all(len(text) <= 3_000 for text in texts)
    assert sum(map(len, texts)) < 12_000
    assert len(shown.text) <= 4_000
    for text in (*texts, shown.text):
        assert "<!channel>" not in text
        assert text.count("`") % 2 == 0


@given(st.lists(st.builds(entry, anything, anything), max_size=9))
def test_as_a_file_nothing_in_it_is_a_formula(entries):
    out = io.BytesIO()
    assert write_csv(entries, out) == len(entries)
    rows = list(csv.reader(io.StringIO(out.getvalue().decode(), newline="")))
    assert rows[0] == HEADER.split(",")
    assert len(rows) == len(entries) + 1
    for row in rows[1:]:
        assert row[0] == "2026-11-22 10:31:07"
        assert not any(value[:1] in set("=+-@\t\r") for value in row)


def test_its_name_says_what_it_is():
    assert file_name(AT) == "activity-audit-20261122-103107.csv"
