"""Only usage is essential: what else OpenRouter refuses costs what it would have brought."""

import json

import pytest

from bot.answers.answer import answer
from bot.answers.openrouter_limits import limits_of
from bot.demo.openrouter.organization import Budget, Key, Record, Workspace
from bot.store.sync_state import parts, sentences
from reports.questions.grammar import parse
from reports.time.time_range import Granularity
from reports.usage.dimensions import Dimension, Metric
from tests.cache_help import DAY, HOUR, LAB, MINUTE, NOW, ONE, Cache, assert_true, kept

PARTS = {
    "members": "/organization/members",
    "workspaces": "/workspaces",
    "keys": "/keys",
    "credits": "/credits",
}


@pytest.fixture
def empty(server, tmp_path, clock):
    made = Cache(server, tmp_path / "activity.db", clock)
    yield made
    made.close()


def ask(cache, words):
    return answer(cache.store, parse(words).query, cache.clock(), "UTC", whole=True)


def spend(cache, words):
    (figures,) = ask(cache, words).metrics.values()
    return {group.label: group.sum for group in figures.groups}


def total(server, since):
    used = server.organization.usage(since, NOW)
    return sum(one.credits_nano + one.byok_nano for one in used)


@pytest.mark.parametrize("status", [403, 404, 500, 503])
@pytest.mark.parametrize("part", PARTS)
def test_the_first_sync_succeeds_whatever_else_is_refused(empty, server, clock, part, status):
    server.fail(PARTS[part], status, times=None)
    empty.fill()
    month = NOW.replace(hour=0, minute=0, second=0) - 31 * DAY
    found = ask(empty, "spend 2026-10-22..2026-11-22").metrics[Metric.SPEND]
    assert found.sum == total(server, month)
    if (part, status) != ("members", 404):  # then it may be a personal account
        assert part in parts(empty.store)
        assert any(one.lower().startswith(part) for one in sentences(empty.store))
    server.heal()
    clock.advance(16 * MINUTE)
    empty.fill()
    assert parts(empty.store) == {}


@pytest.mark.parametrize(
    ("part", "words"),
    [("members", "spend by creator"), ("keys", "spend by key"), ("workspaces", "spend key:prod")],
)
def test_an_answer_says_what_it_misses(empty, server, part, words):
    server.fail(PARTS[part], 403, times=None)
    empty.fill()
    assert any(f"{part} could not be read" in note for note in ask(empty, words).partial)
    assert ask(empty, "spend by model").partial == ()


def test_budgets_that_are_refused_cost_only_the_budgets(empty, server):
    server.fail("/workspaces/", 403, times=None)
    empty.fill()
    assert_true(empty, server.organization)
    assert set(parts(empty.store)) == {"budgets"}
    assert json.loads(empty.store.fact("limits"))["credits"]["total"] == 10**12


def test_people_who_could_not_be_listed_keep_their_history_once_they_are(empty, server, clock):
    server.fail(PARTS["members"], 403, times=None)
    empty.fill()
    before = spend(empty, "spend 1y by creator")
    server.heal()
    clock.advance(16 * MINUTE)
    server.organization.records.append(
        Record(clock() - MINUTE, "", "user_ada", "a/x", credits_nano=5)
    )
    empty.fill()
    after = spend(empty, "spend 1y by creator")
    assert [label for label in after if label.startswith("Ada Okafor")] == ["Ada Okafor"]
    assert after["Ada Okafor"] == before["Ada Okafor"] + 5
    assert {place[2] for place in kept(empty.path, Granularity.DAY) if "ada" in place[2]} == {
        "user_ada"
    }


def test_keys_that_could_not_be_listed_keep_their_history_once_they_are(empty, server, clock):
    server.fail(PARTS["keys"], 503, times=None)
    empty.fill()
    before = spend(empty, "spend 1y by key")["lab"]
    server.heal()
    clock.advance(16 * MINUTE)
    empty.fill()
    assert spend(empty, "spend 1y by key")["lab"] == before
    assert LAB in {place[2] for place in kept(empty.path, Granularity.DAY)}


def test_nobody_is_gone_because_a_list_could_not_be_read(empty, server, clock):
    empty.fill()
    for path in PARTS.values():
        server.fail(path, 403, times=None)
    clock.advance(16 * MINUTE)
    empty.fill()
    members = empty.store.directory().members.values()
    assert {one.ref for one in members if one.gone and not one.ref.startswith("deleted:")} == set()


def test_credits_that_cannot_be_read_any_more_keep_their_time(empty, server, clock):
    empty.fill()
    server.fail(PARTS["credits"], 500, times=None)
    clock.advance(16 * MINUTE)
    empty.fill()
    limits = json.loads(empty.store.fact("limits"))
    assert limits["credits"]["total"] == 10**12
    assert limits["credits_at"] == NOW.isoformat()
    assert limits["at"] == clock().isoformat()


def test_an_account_without_members_and_workspaces_works(empty, server, clock):
    for path in ("/organization/members", "/workspaces"):
        server.fail(path, 404, times=None)
    empty.fill()
    assert empty.store.state().synced
    clock.advance(HOUR)
    empty.fill()


def test_slow_lists_do_not_hold_up_the_usage(empty, server):
    server.organization.keys.append(Key("more", workspace=Workspace("Lab").id))
    for path in PARTS.values():
        server.fail(path, "drop", times=None)
    empty.fill()
    assert empty.store.state().synced
    assert set(parts(empty.store)) == set(PARTS)


def test_budgets_come_with_what_counts_toward_them_and_by_workspace(server, tmp_path, clock):
    organization = server.organization
    one, two = Workspace("Team", slug="team"), Workspace("Team", slug="team-2")
    one.include_byok_in_budgets = True
    organization.workspaces += [one, two]
    organization.budgets = [
        Budget(one.id, 7_000 * 10**9, "monthly"), Budget(two.id, 10**9, None)
    ]  # fmt: skip
    organization.keys[0].workspace = one.id
    cache = Cache(server, tmp_path / "activity.db", clock)
    cache.fill()
    directory = cache.store.directory()
    caps = limits_of(cache.store.fact("limits"), directory).caps
    team, second = (one for one in caps if "Team" in one.cap.label)
    assert (team.cap.label, team.cap.limit, team.cap.reset, team.byok) == (
        "workspace Team (team), monthly", 7_000 * 10**9, "monthly", True
    )  # fmt: skip
    assert (second.cap.label, second.cap.limit, second.cap.reset, second.byok) == (
        "workspace Team (team-2), lifetime", 10**9, "", False
    )  # fmt: skip
    assert team.ids == {directory.ids[Dimension.KEY, ONE]}
    assert team.cap.subject != second.cap.subject
    cache.close()
