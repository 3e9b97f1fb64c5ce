"""Slack's markup is turned back into what was typed."""

from __future__ import annotations

import pytest

from reports.wording.typed_text import mentions_without_name, readable, unmarked, with_names


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("spend 1w", "spend 1w"),
        (
            "what did <mailto:ada@example.com|ada@example.com> spend last week",
            "what did ada@example.com spend last week",
        ),
        ("spend creator:<mailto:ada@example.com|ada@example.com>", "spend creator:ada@example.com"),
        ("spend key:<http://example.com|example.com>", "spend key:example.com"),
        ("key:<https://example.com/a?b=1&amp;c>", "key:https://example.com/a?b=1&amp;c"),
        ("<mailto:ada@example.com>", "ada@example.com"),
        ("call <tel:5551234|555-1234>", "call 555-1234"),
        ("`spend 1w`", "spend 1w"),
        ("```spend 1w by key```", "spend 1w by key"),
        ("```\nspend 1w\n```", "spend 1w"),
        ("`/activity spend 1w by key`", "spend 1w by key"),
        ("```/activity spend 1w```", "spend 1w"),
        ("/activity spend 1w", "spend 1w"),
        ("/Activity  spend 1w", "spend 1w"),
        ("/usage spend 1w", "spend 1w"),
        ("activity ask spend 1w", "spend 1w"),
        ("/activity", ""),
        ("/activityspend 1w", "/activityspend 1w"),
        ("please run `/activity spend 1w`", "please run /activity spend 1w"),
        ('spend key:"odd ` name"', 'spend key:"odd ` name"'),
        ("&gt; spend 1w", "spend 1w"),
        ("alert spend &gt; $5 per day", "alert spend &gt; $5 per day"),
        ("*spend last week*", "spend last week"),
        ("_spend last week_", "spend last week"),
        ("model:*claude*", "model:*claude*"),
        ("*claude*", "*claude*"),
        ("spend *claude* by key", "spend *claude* by key"),
        ("“spend last week”", "spend last week"),
        ('"spend last week"', "spend last week"),
        ("'spend last week'", "spend last week"),
        ('"prod"', '"prod"'),
        ('"Prod key" and "Dev key"', '"Prod key" and "Dev key"'),
        ("hi :wave:", "hi"),
        ("key:prod:eu", "key:prod:eu"),
        ("spend <@U0DEMO00002|ben>", "spend <@U0DEMO00002|ben>"),
        ("spend <@U0DEMO00002>", "spend <@U0DEMO00002>"),
        ("schedule weekly in <#C0DEMO00003|finance>", "schedule weekly in <#C0DEMO00003|finance>"),
        ("<!here> spend", "spend"),
        ("<!subteam^S123|@ops> spend", "@ops spend"),
        ("<!date^1^{date}|3 Oct> spend", "3 Oct spend"),
        ("spend <$5", "spend <$5"),
        ("a <b> c", "a <b> c"),
        ("", ""),
    ],
)
def test_text_is_read_as_it_was_unmarked(sent: str, expected: str) -> None:
    assert unmarked(sent, "/usage") == expected


def test_reading_the_result_again_changes_nothing() -> None:
    for text in ("`/activity spend 1w`", "<mailto:a@b.c|a@b.c>", "x <@U1|ada> y"):
        assert unmarked(unmarked(text)) == unmarked(text)


def test_mentions_without_a_name_are_found_and_named() -> None:
    text = "spend <@U1> <@U2|ben> in <#C1|> <#C2|finance>"
    assert mentions_without_name(text) == {("@", "U1"), ("#", "C1")}
    named = with_names(text, {"U1": "ada", "C1": "<ev|il>", "U2": "other"})
    assert named == "spend <@U1|ada> <@U2|ben> in <#C1|evil> <#C2|finance>"
    assert readable(named) == "spend @ada @ben in #evil #finance"


def test_what_is_shown_has_names_and_no_ids() -> None:
    assert readable("“<@U0DEMO00001>” in <#C0DEMO00003|>") == "“@someone” in #a-channel"
    assert readable("“<#C0DEMO00003|a-long-na…”") == "“#a-long-na…”"
    assert readable("a < b > c") == "a < b > c"


def test_hostile_text_takes_no_longer_than_its_length_allows() -> None:
    for text in ("<" * 4_000, "`" * 4_000, "<a|" * 2_000, ":a" * 3_000, "*a" * 2_000):
        assert isinstance(unmarked(text), str)
