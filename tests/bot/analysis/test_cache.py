"""`cache` by every way of asking: what came from a cache, what is unknown, and where it fell."""

import csv
import io
import json
from datetime import timedelta

import pytest

from bot.demo.openrouter.organization import Record
from bot.demo.slack import validate
from tests import databases
from tests import world as worlds
from tests.world import DOLLAR

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The small organization with caching: twelve days on which the cache of one key stops working,
    a key whose cache costs more than it saves, and more cached than there was in the prompt.
    """
    at = worlds.now().replace(second=0, microsecond=0)
    organization = worlds.small(at)
    prod, evals, laptop = (key.hash for key in organization.keys)

    def used(days, key, member, cached, saved):
        return Record(
            at - days * DAY - timedelta(minutes=3), key, member, "openai/gpt-5.1", 1, prompt=10_000,
            completion=1_000, reasoning=250, credits_nano=DOLLAR, cached=cached, saved_nano=saved,
        )  # fmt: skip

    organization.records = [
        used(n, prod, "user_ada", 8_000 if n > 4 else 1_000, (8_000 if n > 4 else 1_000) * 1_000)
        for n in range(12)
    ]
    organization.records += [
        used(1, evals, "user_grace", 2_000, -DOLLAR),
        used(2, laptop, "", 15_000, 4_000_000),
    ]
    path = tmp_path_factory.mktemp("cache") / "activity.db"
    return worlds.filled(organization, path), path


@pytest.fixture
def forgotten(database):
    """The same, of which an earlier version stored all but the past two days without the cache."""
    with databases.looking(database) as connection:
        start = worlds.now() - 2 * DAY
        connection.execute("UPDATE figure_known SET start = ?", (int(start.timestamp()),))
    return database


def asked(ask, *words):
    code, out, err = ask(*words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_the_groups_add_up_to_the_whole(ask):
    found = asked(ask, "cache", "1m", "by", "key")
    assert (found["prompt"], found["cached"]) == (140_000, 7 * 8_000 + 5 * 1_000 + 17_000)
    assert found["share"] == pytest.approx(found["cached"] / found["prompt"])
    for name in ("prompt", "cached", "completion", "reasoning"):
        assert sum(group[name] for group in found["groups"]) == found[name]
    groups = {group["label"]: group for group in found["groups"]}
    assert groups["evals"]["saved"] == "-1"
    assert groups["laptop"]["share"] == 1.5
    assert groups["prod"]["reasoning_share"] == 0.25
    assert asked(ask, "cache")["groups"][0]["label"] == "all"


def test_where_the_share_fell_is_said_with_since_when(ask):
    found = asked(ask, "cache", "1m", "by", "key")
    fell = {group["label"]: group["fell"] for group in found["groups"]}
    assert fell["evals"] is fell["laptop"] is None
    day = (worlds.now() - timedelta(minutes=3) - 4 * DAY).date()
    assert fell["prod"] == {
        "since": f"{day}T00:00:00Z", "from": 0.8, "to": 0.1, "missed": "0.035"
    }  # fmt: skip


def test_all_of_it_is_said_in_slack(shared):
    payload = shared.ask("cache 1m by key")
    assert validate(payload["blocks"]) == []
    assert {block["type"] for block in payload["blocks"]} >= {"table", "data_visualization"}
    for words in (
        "55.7% of prompt tokens came from a cache: 78K of 140K.",
        "more cached tokens than prompt tokens for laptop",
        "For evals, caching cost $1.00 more than it saved.",
        "prod: the share fell from 80.0% to 10.0% on",
        "about $0.0350 more",
        "Reasoning was 25.0% of completion tokens",
    ):
        assert words in payload["text"]


@pytest.mark.parametrize("words", ["how much did caching save us?", "does the cache work"])
def test_plain_words_ask_for_it_too(shared, words):
    text = worlds.say(shared, words)
    assert text.startswith("I read that as `/activity cache 1m`.")
    assert "of prompt tokens came from a cache" in text


def test_what_an_earlier_version_stored_is_unknown_and_said(forgotten, ask):
    found = asked(ask, "cache", "1m")
    since = (worlds.now() - DAY).date()
    assert found["prompt"] < 60_000, "only the days whose cache is known"
    [words] = [words for words in found["partial"] if "cached tokens" in words]
    assert words.startswith(f"cached tokens are unknown before {since.day} ")


def test_where_nothing_is_known_the_figures_are_null_and_not_zero(database, ask):
    with databases.looking(database) as connection:
        connection.execute("DELETE FROM figure_known")
    found = asked(ask, "cache", "1m", "by", "key")
    assert [found[name] for name in ("cached", "share", "saved")] == [None] * 3
    assert found["prompt"] == 140_000
    _, out, _ = ask("cache", "1m")
    assert "isn't known for this period" in out
    _, table, _ = ask("cache", "1m", "by", "key", "--csv", "-")
    assert {row["Cached Tokens"] for row in csv.DictReader(io.StringIO(table))} == {""}


def test_the_csv_has_every_group_with_exact_figures(ask):
    _, out, _ = ask("cache", "1m", "by", "key", "--csv", "-")
    rows = {row["API Key"]: row for row in csv.DictReader(io.StringIO(out))}
    assert rows["evals"]["Saved"] == "-1"
    assert rows["laptop"]["Cached Tokens"] == "15000"
    assert rows["laptop"]["Cached Share"] == "1.500000"


def test_it_is_exported_as_a_document_and_a_picture(ask, tmp_path):
    code, _, err = ask("cache", "1m", "by", "key", "--pdf", "cache.pdf", "--png", "cache.png")
    assert code == 0, err
    assert (tmp_path / "cache.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "cache.png").read_bytes().startswith(b"\x89PNG")


def test_who_sees_their_own_only_sees_what_their_cache_saved(own):
    text = own.words("cache 1m by key", user="grace")
    assert "For evals" in text or "Caching cost $1.00 more than it saved" in text
    for hidden in ("prod", "laptop", "Ada"):
        assert hidden not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [("cache vs last month", "takes no `vs`"), ("cache byok", "takes no source")],
)
def test_what_does_not_fit_is_one_sentence(shared, words, said):
    assert said in shared.words(words)


def test_without_any_usage_it_says_so(ask):
    _, out, _ = ask("cache", "2026-01", "by", "key")
    assert "Nothing was used in this period, so there is no caching to show" in out


@pytest.mark.parametrize("by", ["key", "creator", "model"])
def test_days_in_between_whose_cached_tokens_are_unknown_are_left_out_of_all_groups(
    ask, database, by
):
    whole = asked(ask, "cache", "14d", "by", by)
    start = worlds.now().replace(hour=0, minute=0, second=0, microsecond=0) - 7 * DAY
    with databases.looking(database) as connection:
        found = connection.execute("SELECT figure, granularity, start, until FROM figure_known")
        for figure, granularity, first, until in found.fetchall():
            day, after = int(start.timestamp()), int((start + DAY).timestamp())
            if first < day and until > after:
                connection.execute(
                    "UPDATE figure_known SET until = ? WHERE figure = ? AND granularity = ?"
                    " AND start = ?", (day, figure, granularity, first),
                )  # fmt: skip
                connection.execute(
                    "INSERT INTO figure_known (figure, granularity, start, until)"
                    " VALUES (?, ?, ?, ?)", (figure, granularity, after, until),
                )  # fmt: skip
    part = asked(ask, "cache", "14d", "by", by)
    assert whole["prompt"] - part["prompt"] == 10_000
    for one in (whole, part):
        for name in ("prompt", "cached", "completion"):
            assert sum(group[name] for group in one["groups"]) == one[name]
