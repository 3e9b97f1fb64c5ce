"""Answers equal what a slow reference makes of the records, whatever is asked."""

import random
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.answers.answer import Asker, answer, make_plan
from bot.demo.openrouter.organization import Key, Member, Organization, Record, Workspace, key_hash
from bot.demo.openrouter.server import LocalOpenRouter
from bot.store.usage import complement
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import Versus
from reports.questions.slack.answer import as_text
from reports.questions.unfinished import WholeChange
from reports.render.charts.draw_bars import average_words
from reports.render.json import as_json
from reports.time.period_to_range import ranges
from reports.usage import figure_table
from reports.usage.coverage import answerable_range
from reports.usage.dimensions import STORED, Dimension, Metric
from reports.usage.usage import Usage, total
from tests.bot.answers.answer_reference import Reference
from tests.cache_help import DAY, HOUR, MINUTE, NOW, Cache
from tests.clock import Clock

TOKENS_AND_SPEND = (Metric.TOKENS, Metric.SPEND)

SECOND = timedelta(seconds=1)
SLUGS = ("anthropic/claude-opus-4.5", "anthropic/claude-haiku-4.5", "openai/gpt-5.1", "x/free:free")
PERIODS = (
    "1h", "2h", "3h", "5h", "1d", "2d", "3d", "4d", "1w", "1m", "2m", "3m", "4m", "1y", "2y",
    "today", "yesterday", "this week", "last week", "this month", "last month", "this year",
    "last year", "mtd", "ytd", "this hour", "last hour", "2026-10", "2026-11-03", "2026-02",
    "2026-10-20..2026-11-05", "2025-12..2026-02", "2026-10-25", "2024-01", "2026-11-22",
)  # fmt: skip
ZONES = ("", "tz UTC", "tz Europe/Berlin", "tz Asia/Kolkata", "tz America/St_Johns")


def organization(seed: int) -> Organization:
    """Random use over 400 days, most of it recent; every key's use is its creator's."""
    chance = random.Random(seed)
    members = [
        Member("user_ada", "Ada", "Okafor", "ada@example.com", "org:admin"),
        Member("user_sam", "Sam", "Lee", "sam@example.com"),
        Member("user_lee", "Sam", "Lee", "lee@example.com"),
        Member("user_mail", None, None, "mail@example.com"),
        Member("user_idle", "Ida", "Idle", "ida@example.com"),
    ]
    keys = [
        Key("prod", key_hash("1"), "user_ada"),
        Key("prod", key_hash("2"), "user_sam"),
        Key("evals [x]", key_hash("3"), "user_sam"),
        Key("laptop", key_hash("4")),
        Key("unused", key_hash("5"), "user_ada"),
    ]
    made = Organization(members, keys, [Workspace("Default")])
    owned = [(key.hash, key.creator or "") for key in keys[:4]]
    places = [*owned, *(("", member.id) for member in members[:4]), ("", "")]
    for _ in range(400):
        reach = chance.choice([HOUR, 3 * HOUR, DAY, 7 * DAY, 40 * DAY, 400 * DAY])
        ago = timedelta(seconds=chance.randrange(1, int(reach / SECOND)))
        key, member = chance.choice(places)
        requests, completion = chance.randrange(1, 9), chance.randrange(0, 500)
        byok = chance.random() < 0.2
        made.records.append(
            Record(
                NOW - ago, key, member, chance.choice(SLUGS), requests, requests * byok,
                chance.randrange(0, 5000), completion, chance.randrange(0, completion + 1),
                chance.randrange(0, 10**11), chance.randrange(0, 10**11) * byok,
            )
        )  # fmt: skip
    first_day = (NOW - 365 * DAY).replace(hour=0, minute=0, second=0)
    made.records = [one for one in made.records if not 0 <= (one.at - first_day) / DAY < 1]
    return made


@pytest.fixture(scope="module", params=[1, 2])
def reference(request, tmp_path_factory):
    clock = Clock(NOW)
    made = organization(request.param)
    with LocalOpenRouter(made, clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path_factory.mktemp("answers") / "activity.db", clock)
        cache.fill()
    yield Reference(made, cache.store)
    cache.close()


def filters(draw, reference):
    """Filters by names that are known, spelt as people spell them."""
    found = []
    for _ in range(draw(st.integers(0, 3))):
        dimension = draw(st.sampled_from(STORED))
        of = sorted({n for (kind, _), names in reference.names.items() if kind is dimension
                     for n in names})  # fmt: skip
        name = draw(st.sampled_from(of))
        cut = draw(st.integers(1, len(name)))
        spelt = draw(st.sampled_from([name, name.upper(), f"{name[:cut]}*", f"*{name[cut:]}", "*"]))
        minus = draw(st.sampled_from(["", "", "-"]))
        found.append(f'{minus}{dimension}:"{spelt}"')
    return found


def ask(draw, reference) -> QuestionCommand:
    words = [
        draw(st.sampled_from(["", "spend", "tokens", "requests"])),
        draw(st.sampled_from(PERIODS)),
        draw(st.sampled_from(["", "by model", "by key", "by creator"])),
        draw(st.sampled_from(["", "", "credits", "byok"])),
        draw(st.sampled_from(["", "top 1", "top 2", "top 50"])),
        draw(st.sampled_from(ZONES)),
        *filters(draw, reference),
    ]
    asked = parse(" ".join(words))
    assert isinstance(asked, QuestionCommand), (words, asked)
    return asked


ASKERS = [
    (Asker(), None),
    (Asker("sam@example.com", own_only=True), {"user_sam"}),
    (Asker("ida@example.com", own_only=True), {"user_idle"}),
    (Asker("stranger@example.com", own_only=True), set()),
    (Asker(None, own_only=True), set()),
]
by_chance = settings(max_examples=80)


@by_chance
@given(st.data())
def test_every_answer_is_what_the_records_come_to(reference, data):
    query = ask(data.draw, reference).query
    asker, own = data.draw(st.sampled_from(ASKERS))
    with pytest.MonkeyPatch.context() as patch:
        # with many members, the whole is everything less those that aren't selected
        many = data.draw(st.sampled_from([0, complement._MANY_MEMBERS]))
        patch.setattr(complement, "_MANY_MEMBERS", many)
        found = answer(reference.store, query, NOW, "UTC", asker, whole=True)
    if isinstance(found, CommandError):
        assert own is not None or found.problem.endswith("nothing to show yet.")
        return
    plan = make_plan(reference.store, query, NOW, "UTC", asker)
    assert found.range == plan.source.range
    assert found.as_of == NOW
    for metric, summary in found.metrics.items():
        expected = reference.groups(plan, metric, own)
        assert {g.label: figures(g) for g in summary.groups} == {
            label: figures(group) for label, group in expected.items()
        }
        assert [g.sum for g in summary.groups] == sorted(
            (g.sum for g in expected.values()), reverse=True
        )
        assert summary.sum == sum(group.sum for group in expected.values())
        assert summary.buckets == tuple(map(sum, zip(*(g.buckets for g in expected.values()),
                                                     strict=True))) or not expected  # fmt: skip
        assert summary.avg * summary.known == summary.sum
        assert summary.parts == reference.parts(plan, metric, own)
        assert summary.previous == reference.previous(plan, metric, own)
        assert (summary.other_count, summary.other_sum) == (0, 0)


@by_chance
@given(st.data())
def test_changes_through_the_last_whole_day_are_what_the_records_come_to(reference, data):
    query = ask(data.draw, reference).query
    words = data.draw(st.sampled_from(["1w", "2w", "1m", "2m", "4m", "this week", "mtd", "ytd"]))
    versus = data.draw(st.sampled_from([None, Versus.BEFORE, Versus.MONTH]))
    query = replace(query, period=parse(words).query.period, versus=versus)
    found = answer(reference.store, query, NOW, "UTC", whole=True)
    if isinstance(found, CommandError) or found.whole is None:
        return
    plan = make_plan(reference.store, query, NOW, "UTC")
    before = answerable_range(plan.ranges.previous, reference.store.state().coverage)
    for metric, summary in found.metrics.items():
        now, then = (
            reference.sums(plan, of, stored, metric)
            for of, stored in (
                (found.whole.current, plan.source.stored),
                (found.whole.previous, before.stored),
            )
        )
        assert summary.whole == WholeChange(sum(now.values()), sum(then.values()))
        for group in summary.groups if query.by and versus else ():
            assert group.whole == WholeChange(now[group.label], then[group.label])


@by_chance
@given(st.data())
def test_what_is_asked_for_and_what_is_left_out_are_the_whole(reference, data):
    query = replace(ask(data.draw, reference).query, filters=())
    drawn = filters(data.draw, reference)
    assume(drawn)
    [of] = parse(drawn[0].removeprefix("-")).query.filters
    parts = [replace(query, filters=(replace(of, exclude=out),)) for out in (False, True)]
    whole, *both = (
        answer(reference.store, each, NOW, "UTC", whole=True) for each in (query, *parts)
    )
    if isinstance(whole, CommandError):
        return
    for metric, summary in whole.metrics.items():
        asked, left = (part.metrics[metric] for part in both)
        assert asked.sum + left.sum == summary.sum
        assert [a + b for a, b in zip(asked.buckets, left.buckets, strict=True)] == list(
            summary.buckets
        )
        assert {name: asked.parts[name] + left.parts[name] for name in asked.parts} == summary.parts


@pytest.mark.parametrize(
    "words", ["spend 1y -creator:@sam", "spend 1y -creator:me", 'spend 1y -creator:"Sam Lee (s*"']
)
def test_who_sees_only_their_own_cannot_leave_themselves_out(reference, words):
    found = error(reference, words, OWN)
    assert (
        found.problem
        == "You can only see your own usage, so nothing is left if you exclude yourself."
    )
    assert found.suggestion == "spend 1y creator:me"


def test_leaving_others_out_shows_no_more_than_ones_own(reference):
    own, same = (
        answer(reference.store, parse(words).query, NOW, "UTC", OWN, whole=True)
        for words in ("spend 1y -creator:ada@example.com -creator:nobody@x.com", "spend 1y")
    )
    assert own.metrics == same.metrics
    assert own.query.words() == "spend 1y creator:me"


def figures(group):
    return group.buckets, group.active, group.min, group.max, group.avg, group.sum, group.share


def of_metrics(usage, metrics):
    names = figure_table.shown(metrics)
    return Usage(**{name: value for name, value in usage._asdict().items() if name in names})


@by_chance
@given(st.data())
def test_the_groups_that_people_look_at_are_the_largest_of_all(reference, data):
    query = ask(data.draw, reference).query
    whole = answer(reference.store, query, NOW, "UTC", whole=True)
    if isinstance(whole, CommandError):
        return
    seen = answer(reference.store, query, NOW, "UTC", whole=False)
    for metric, summary in whole.metrics.items():
        shown = seen.metrics[metric]
        # only the figures of the metrics are read for a message
        everybody = {
            group.label: replace(group, usage=of_metrics(group.usage, query.metrics))
            for group in summary.groups
        }
        assert all(everybody[group.label] == group for group in shown.groups)
        best = [group.sum for group in summary.groups][: query.top]
        assert [group.sum for group in shown.groups][: len(best)] == best
        assert shown.other_count == len(summary.groups) - len(shown.groups)
        assert shown.other_sum == summary.sum - sum(group.sum for group in shown.groups)
        same = (shown.sum, shown.buckets, shown.previous, shown.parts, shown.change)
        assert same == (
            summary.sum, summary.buckets, summary.previous, summary.parts, summary.change
        )  # fmt: skip


@by_chance
@given(st.data())
def test_the_rows_of_files_are_the_same_usage_once(reference, data):
    query = ask(data.draw, reference).query
    asker, own = data.draw(st.sampled_from(ASKERS))
    plan = make_plan(reference.store, query, NOW, "UTC", asker)
    if isinstance(plan, CommandError):
        return
    found = list(reference.store.rows(plan.selection, plan.source.range, plan.source.stored))
    assert [row[0] for row in found] == sorted((row[0] for row in found), reverse=True)
    directory, by_place = reference.store.directory(), {}
    for index, member, model, usage in found:
        slug = directory.members[model].name
        group = model if plan.query.by is Dimension.MODEL else member
        label = directory.labels[group] if group else "all"
        by_place[plan.source.range.buckets[index], label, slug] = list(usage)
    assert len(by_place) == len(found)
    assert by_place == reference.rows(plan, own)


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("zone", ["", "tz Europe/Berlin", "tz Asia/Kolkata"])
def test_what_is_answered_is_what_was_asked_or_it_says_so(reference, period, zone):
    query = parse(f"spend {period} {zone}").query
    found = answer(reference.store, query, NOW, "UTC", whole=True)
    asked = ranges(query.period, NOW, query.zone or "UTC").current
    if not found.partial:
        assert found.range == asked
        held = reference.store.state().coverage
        plan = make_plan(reference.store, query, NOW, "UTC")
        assert any(
            start <= asked.start and min(asked.until, asked.end) <= end
            for start, end in held[plan.source.stored]
        )


def test_half_hours_and_forgotten_hours_are_said_in_words(reference):
    def partial(words):
        return answer(reference.store, parse(words).query, NOW, "UTC", whole=True).partial

    assert partial("spend 1d") == partial("spend 1y by key")[1:] == ()
    assert partial("spend 1y") == ("no data before 22 Nov 2025",)
    assert partial("spend 1w tz Europe/Berlin") == ()
    assert partial("spend 1w tz Asia/Kolkata") == (
        "days run from 00:30 to 00:30 in Asia/Kolkata: only full UTC hours are stored",
    )
    assert partial("spend 2024-01") == ("no data for this period",)


@pytest.mark.parametrize(
    ("words", "unknown", "known"),
    [("spend last year", 10, 2), ("spend 2025-11", 21, 9), ("spend 2y", 12, 13)],
)
def test_an_average_is_over_the_stored_buckets_and_says_since_when(
    reference, words, unknown, known
):
    found = answer(reference.store, parse(words).query, NOW, "UTC", whole=True)
    part = found.metrics[Metric.SPEND]
    assert part.unknown == frozenset(range(unknown))
    assert (part.known, part.avg * known) == (known, part.sum)
    assert found.since == datetime(2025, 11, 22, tzinfo=UTC)
    assert found.partial == ("no data before 22 Nov 2025",)
    said = as_json(found)["metrics"]["spend"]
    for group in said["groups"]:
        assert group["buckets"][:unknown] == [None] * unknown
        assert None not in group["buckets"][unknown:]
    assert " on average since 22 Nov 2025" in as_text(found)
    assert average_words(found, part).endswith(" since 22 Nov 2025")


# -- who is meant


def error(reference, words, asker=None):
    query = parse(words).query
    found = answer(reference.store, query, NOW, "UTC", asker or Asker(), whole=True)
    assert isinstance(found, CommandError), found
    return found


@pytest.mark.parametrize(
    ("words", "problem", "suggestion"),
    [
        ("spend 1m model:claud-opus", "No model is called “claud-opus”.", "claude-opus-4.5"),
        ("spend 1m key:laptp", "No key is called “laptp”.", "key:laptop"),
        ('spend 1m key:"eval [x]"', "No key is called “eval [x]”.", 'key:"evals [x]"'),
        ("spend 1m creator:okafor", "No creator is called “okafor”.", 'creator:"Ada Okafor"'),
        ("spend 1m creator:@adda", "No creator is called “@adda”.", "@ada"),
        ("spend 1m key:zzzzzz", "No key is called “zzzzzz”.", ""),
    ],
)
def test_a_name_that_means_nobody_brings_the_nearest(reference, words, problem, suggestion):
    found = error(reference, words)
    assert found.problem == problem
    assert suggestion in found.suggestion
    assert bool(suggestion) == bool(found.suggestion)
    if suggestion:
        again = answer(reference.store, parse(found.suggestion).query, NOW, "UTC", whole=True)
        assert not isinstance(again, CommandError)


def test_me_is_the_person_who_asks_by_their_address(reference):
    mine = parse("spend 1y creator:me").query
    found = answer(reference.store, mine, NOW, "UTC", Asker("SAM@example.com"), whole=True)
    same = answer(reference.store, parse("spend 1y creator:sam@example.com").query, NOW, "UTC",
                  whole=True)  # fmt: skip
    assert found.metrics == same.metrics
    assert found.totals.requests
    assert "without an e-mail address" in error(reference, "spend creator:me").problem
    stranger = Asker("stranger@example.com")
    assert "stranger@example.com" in error(reference, "spend creator:me", stranger).problem


def test_somebody_mentioned_is_found_by_their_address_and_never_taken_for_the_asker(reference):
    words = parse("spend 1y creator:<@U1>").query
    sam = Asker("ada@example.com", people=(("<@U1>", "sam@example.com"),))
    found = answer(reference.store, words, NOW, "UTC", sam, whole=True)
    same = answer(reference.store, parse("spend 1y creator:sam@example.com").query, NOW, "UTC",
                  whole=True)  # fmt: skip
    assert found.metrics == same.metrics
    unknown = replace(sam, people=(("<@U1>", ""),))
    assert "can't tell who that is" in error(reference, "spend creator:<@U1>", unknown).problem


def test_an_address_is_no_pattern_and_no_name(tmp_path):
    clock = Clock(NOW)
    made = Organization(
        [Member("user_ada", "Ada", None, "ada@example.com"),
         Member("user_eve", "ada@example.com", None, "eve@example.com")],
        records=[
            Record(NOW - MINUTE, "", "user_ada", "a/x", credits_nano=1),
            Record(NOW - MINUTE, "", "user_eve", "a/x", credits_nano=10),
        ],
    )  # fmt: skip
    with LocalOpenRouter(made, clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path / "activity.db", clock)
        cache.fill()

    def spend(email, **more):
        asker = Asker(email, **more)
        words = "spend 1h" if asker.own_only else "spend 1h creator:me"
        found = answer(cache.store, parse(words).query, NOW, "UTC", asker, whole=True)
        return found if isinstance(found, CommandError) else found.totals.credits

    assert spend("ada@example.com") == spend("ada@example.com", own_only=True) == 1
    assert isinstance(spend("*@example.com", own_only=True), CommandError)
    assert isinstance(spend("*@example.com"), CommandError)
    cache.close()


OWN = Asker("sam@example.com", own_only=True)


@pytest.mark.parametrize(
    "words",
    ["spend creator:ada@example.com", "spend creator:Ada*", "spend key:laptop", "spend key:unused",
     "spend creator:<@U1>", "spend creator:<@U2>", "spend key:laptp",
     'spend creator:"(no creator)"'],
)  # fmt: skip
def test_who_sees_only_their_own_learns_nothing_of_others(reference, words):
    people = (("<@U1>", "ada@example.com"), ("<@U2>", "stranger@example.com"))
    found = error(reference, words, replace(OWN, people=people))
    assert found.suggestion in {"", "spend 1d creator:me"}
    for secret in ("Okafor", "laptop ", "prod", "member of"):
        assert secret not in found.problem
        assert secret not in found.understood


def test_a_person_limited_to_their_own_usage_is_told_so_in_the_question(reference):
    found = answer(reference.store, parse("spend 1y by model").query, NOW, "UTC", OWN, whole=True)
    same = answer(reference.store, parse("spend 1y by model creator:sam@example.com").query, NOW,
                  "UTC", whole=True)  # fmt: skip
    assert found.query.words() == "spend 1y by model creator:me"
    assert found.metrics == same.metrics


def test_who_sees_only_their_own_cannot_tell_models_of_others_from_those_of_nobody(reference):
    summaries = [
        answer(reference.store, parse(f"spend 1y model:{name}").query, NOW, "UTC",
               Asker("ida@example.com", own_only=True), whole=True)
        for name in ("claude*", "nobodys/model")
    ]  # fmt: skip
    assert all(not isinstance(one, CommandError) and one.empty for one in summaries)


def test_a_name_that_somebody_elses_key_has_too_is_told_apart_before_those_alone_who_know_of_it(
    tmp_path,
):
    clock = Clock(NOW)
    people = [Member("user_ada", "Ada", None, "ada@example.com"),
              Member("user_eve", "Eve", None, "eve@example.com")]  # fmt: skip
    keys = [Key("prod", key_hash(one.id), one.id) for one in people]
    records = [
        Record(NOW - MINUTE, key.hash, key.creator, "a/x", requests=1, credits_nano=1)
        for key in keys
    ]
    with LocalOpenRouter(Organization(people, keys, records=records), clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path / "activity.db", clock)
        cache.fill()

    def keys_of(asker):
        query = parse("spend 1h by key key:prod").query
        found = answer(cache.store, query, NOW, "UTC", asker, whole=True)
        return [group.label for group in found.metrics[Metric.SPEND].groups]

    assert keys_of(Asker("eve@example.com", own_only=True)) == ["prod"]
    assert [label.startswith("prod (") for label in keys_of(Asker())] == [True, True]
    cache.close()


def test_others_and_strangers_cannot_be_told_apart_by_who_sees_only_their_own(reference):
    people = (("<@U1>", "ada@example.com"), ("<@U2>", "stranger@example.com"))
    known, unknown = (
        error(reference, f"spend creator:{who}", replace(OWN, people=people)).problem
        for who in ("<@U1>", "<@U2>")
    )
    assert known.replace("ada", "X") == unknown.replace("stranger", "X")


# -- crossings that cannot be known


@pytest.fixture
def crossed(tmp_path):
    """A deleted key and one whose creator left, besides what is known."""
    clock = Clock(NOW)
    keys = [
        Key("prod", key_hash("1"), "user_ada"),
        Key("gone", key_hash("2"), "user_ada", deleted=True),
        Key("orphan", key_hash("3"), "user_left"),
        Key("laptop", key_hash("4")),
    ]
    made = Organization([Member("user_ada", "Ada", None, "ada@example.com")], keys)
    for n, (key, member) in enumerate(
        [(keys[0].hash, "user_ada"), (keys[1].hash, "user_ada"), (keys[2].hash, "user_left"),
         (keys[3].hash, ""), ("", "user_ada")]
    ):  # fmt: skip
        made.records.append(Record(NOW - MINUTE, key, member, "a/x", 1, credits_nano=10**n))
    with LocalOpenRouter(made, clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path / "activity.db", clock)
        cache.fill()
    yield lambda words, *, whole=True: answer(
        cache.store, parse(words).query, NOW, "UTC", whole=whole
    )
    cache.close()


def groups(found):
    (metric,) = found.metrics.values()
    return {group.label: group.sum for group in metric.groups}


def test_use_of_deleted_keys_stands_under_the_chatroom_and_it_is_said(crossed):
    found = crossed("spend 1h by key creator:ada@example.com")
    assert groups(found) == {"prod": 1, "(chatroom)": 10_010}
    assert any("usage of deleted keys" in words for words in found.partial)


def test_what_nobody_owns_is_never_less_than_nothing(crossed):
    found = crossed('spend 1h by key creator:"(no creator)"')
    assert all(figure >= 0 for figure in groups(found).values())
    assert groups(found)["laptop"] == 1_000
    assert sum(groups(found).values()) == crossed('spend 1h creator:"(no creator)"').totals.credits


@pytest.mark.parametrize("whole", [True, False])
def test_keys_of_unknown_creators_are_listed_under_no_creator(crossed, whole):
    found = crossed("spend 1h by creator key:laptop key:orphan key:prod", whole=whole)
    assert groups(found) == {"(no creator)": 1_100, "Ada": 1}


def test_the_largest_creators_of_some_keys_are_shown_beside_the_sum_of_the_others(crossed):
    found = crossed("spend 1h by creator key:laptop key:orphan key:prod top 1", whole=False)
    (spend,) = found.metrics.values()
    assert groups(found) == {"(no creator)": 1_100}
    assert (spend.other_count, spend.other_sum) == (1, 1)


def test_the_largest_creators_without_some_keys_are_shown_beside_the_sum_of_the_others(crossed):
    found = crossed("spend 1h by creator -key:prod top 1", whole=False)
    (spend,) = found.metrics.values()
    assert groups(found) == {"Ada": 10_010}
    assert (spend.other_count, spend.other_sum) == (1, 1_100)


def test_a_creator_of_whose_usage_nothing_is_left_is_not_among_the_others(crossed):
    found = crossed("spend 1h by creator -key:laptop -key:orphan top 1", whole=False)
    (spend,) = found.metrics.values()
    assert groups(found) == {"Ada": 10_011}
    assert (spend.other_count, spend.other_sum) == (0, 0)


def test_all_keys_by_all_creators_add_up_to_everything(crossed):
    everything = crossed("spend 1h").totals
    assert crossed("spend 1h by creator key:*").totals == everything
    assert crossed("spend 1h by key creator:*").totals == everything


# -- what it does without


def test_an_answer_needs_neither_network_nor_slack():
    code = (
        "import sys, bot.answers.answer; "
        "print([m for m in ('httpx', 'ssl', 'http.client', 'slack_sdk', 'slack_bolt',"
        " 'sqlite_utils', 'reportlab') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("by", ["model", "key", "creator"])
@pytest.mark.parametrize("metric", ["spend", "tokens", "requests"])
@pytest.mark.parametrize(
    ("now_", "then"),
    [
        ("2026-10 {} vs last month", "2026-09 {} top 50"),
        ("2026-10 {} vs before", "2026-09 {} top 50"),
        ("2026-11-21 {} vs last week", "2026-11-14 {} top 50"),
        ("2026-10-20..2026-10-21 {} vs last week", "2026-10-13..2026-10-14 {} top 50"),
    ],
)
def test_each_group_stands_beside_what_it_was(reference, now_, then, metric, by):
    here, there = (
        answer(
            reference.store,
            parse(f"{metric} {words.format(f'by {by}')}").query,
            NOW,
            "UTC",
            whole=False,
        ).metrics[Metric(metric)]
        for words in (now_, then)
    )
    assert here.previous == there.sum
    before = {group.label: group.sum for group in there.groups}
    assert here.groups
    assert {g.label: g.previous for g in here.groups} == {
        g.label: before.get(g.label, 0) for g in here.groups
    }


@pytest.mark.parametrize("by", ["model", "key", "creator"])
@pytest.mark.parametrize("words", ["2026-10 {} vs last month", "1w {} vs before"])
def test_with_all_groups_what_they_were_adds_up_to_the_period_before(reference, words, by):
    question = parse(words.format(f"by {by}")).query
    found = answer(reference.store, question, NOW, "UTC", whole=True)
    for part in found.metrics.values():
        assert part.previous
        assert sum(group.previous for group in part.groups) == part.previous
        assert sum(group.sum for group in part.groups) == part.sum
        assert part.other_count == 0


def test_the_whole_runs_beside_its_course_before(reference):
    def ask_(words):
        found = answer(reference.store, parse(words).query, NOW, "UTC", whole=False)
        return found.metrics[Metric.TOKENS]

    here, there = ask_("tokens 2026-10 vs last month"), ask_("tokens 2026-09")
    assert here.previous_buckets == (*there.buckets, 0)
    assert sum(here.previous_buckets) == here.previous
    assert ask_("tokens 2026-10 by key vs last month").previous_buckets is None
    assert ask_("tokens 2026-10").previous_buckets is None


def test_a_range_that_is_not_stored_is_not_compared(reference):
    found = answer(
        reference.store, parse("2026-01 by key vs last year").query, NOW, "UTC", whole=False
    )
    part = found.metrics[Metric.SPEND]
    assert part.previous is None
    assert {group.previous for group in part.groups} <= {None}


def test_a_period_longer_than_what_it_is_compared_with_is_said(reference):
    found = answer(reference.store, parse("3m vs last month").query, NOW, "UTC", whole=False)
    assert found == CommandError(
        "Past 3 months can't be compared with `last month`: it is longer than a month.",
        "3m",
        "3m vs before",
    )


@by_chance
@given(st.data())
def test_sums_of_a_range_are_those_of_its_buckets_and_rows(reference, data):
    query = ask(data.draw, reference).query
    plan = make_plan(reference.store, query, NOW, "UTC")
    if isinstance(plan, CommandError):
        return
    store, money = reference.store, query.source
    what = plan.selection, plan.source.range, plan.source.stored
    series = store.read(*what).series
    sums = {id_: total(buckets.values()) for id_, buckets in series.items()}
    both = {id_: (one.tokens, one.value(Metric.SPEND, money)) for id_, one in sums.items()}
    assert dict(store.group_sums(*what)) == sums
    found = store.metric_sums(*what, (Metric.TOKENS, Metric.SPEND), money)
    assert {id_: tuple(one) for id_, one in found.items() if any(one)} == {
        id_: one for id_, one in both.items() if any(one)
    }
    by_bucket = store.spend_series(*what, money)
    for id_, buckets in series.items():
        for at, usage in buckets.items():
            assert by_bucket.get(id_, {}).get(at, 0) == usage.value(Metric.SPEND, money)
    pairs = {}
    for _, member, model, usage in store.rows(*what):
        tokens, spent = pairs.get((member, model), (0, 0))
        pairs[member, model] = tokens + usage.tokens, spent + usage.value(Metric.SPEND, money)
    used = sorted((*pair, *sums) for pair, sums in pairs.items() if any(sums))
    assert store.pair_sums(what[0], [what[1:]], TOKENS_AND_SPEND, money) == used
    assert store.pair_sums(what[0], [what[1:]] * 2, TOKENS_AND_SPEND, money) == [
        (key, model, tokens, tokens, spend, spend) for key, model, tokens, spend in used
    ]
