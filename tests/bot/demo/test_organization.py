"""The sample company's year, and the made-up ones."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise

import pytest

from bot.demo.openrouter.organization import (
    DAY,
    Key,
    Member,
    Organization,
    Record,
    key_hash,
    synthetic,
)
from bot.demo.openrouter.sample_organization import sample

NOW = datetime(2026, 11, 22, 14, 23, 7, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
COUNTS = ("requests", "prompt", "completion", "reasoning", "cached", "credits_nano", "byok_nano")


def counted(records):
    totals = Counter()
    for record in records:
        totals.update({name: getattr(record, name) for name in COUNTS})
    return totals


def spent(organization, start, end, by):
    totals = Counter()
    for record in organization.usage(start, end):
        totals[by(record)] += record.credits_nano + record.byok_nano
    return totals


@pytest.fixture(scope="module")
def company():
    return sample(NOW)


@pytest.fixture(scope="module")
def year(company):
    return list(company.usage(NOW - 365 * DAY, NOW))


def test_it_holds_more_than_a_million_requests_a_year(year):
    assert sum(record.requests for record in year) >= 1_000_000


def test_the_same_seed_and_time_give_the_same_year(year):
    assert list(sample(NOW).usage(NOW - 365 * DAY, NOW)) == year


def test_another_seed_gives_another_year(year):
    assert list(sample(NOW, seed=8).usage(NOW - 365 * DAY, NOW)) != year


def test_it_does_not_matter_in_which_order_it_is_asked():
    first, second = sample(NOW), sample(NOW)
    late = list(first.usage(NOW - HOUR, NOW, MINUTE))
    list(second.usage(NOW - 40 * DAY, NOW, HOUR))
    assert list(second.usage(NOW - HOUR, NOW, MINUTE)) == late


@pytest.mark.parametrize("ago", [0, 1, 30, 200, 364])
def test_seconds_add_up_to_hours_and_hours_to_the_day(company, ago):
    start = NOW.replace(hour=0, minute=0, second=0) - ago * DAY
    end = min(start + DAY, NOW)
    whole = counted(company.usage(start, end, DAY))
    assert whole["requests"] > 1_000
    assert counted(company.usage(start, end, HOUR)) == whole
    assert counted(company.usage(start, end, MINUTE)) == whole


def test_windows_that_touch_add_up_to_the_one_around_them(company):
    cuts = [NOW - 9 * DAY, NOW - 5 * DAY - 17 * MINUTE, NOW - 26 * HOUR, NOW - 3 * MINUTE, NOW]
    pieces = chain.from_iterable(company.usage(a, b) for a, b in pairwise(cuts))
    assert counted(pieces) == counted(company.usage(cuts[0], cuts[-1]))


def test_nothing_is_outside_the_window_asked_for(company):
    start, end = NOW - 70 * MINUTE, NOW - 5 * MINUTE
    assert all(start <= record.at < end for record in company.usage(start, end, MINUTE))


def test_it_lives_on_as_the_clock_does(company):
    seen = [counted(company.usage(NOW - DAY, NOW + n * MINUTE))["requests"] for n in range(60)]
    assert seen == sorted(seen)
    assert len(set(seen)) == 60


def test_the_past_stays_as_it_was_while_the_clock_goes_on(company):
    hour = NOW.replace(minute=0, second=0)
    so_far = list(company.usage(hour, NOW, MINUTE))
    later = list(company.usage(hour, NOW + 10 * MINUTE, MINUTE))
    assert [record for record in later if record.at < NOW] == so_far


def test_new_usage_comes_every_few_seconds_even_at_night(company):
    night = NOW.replace(hour=2, minute=0, second=0) + 2 * DAY
    moments = sorted({record.at for record in company.usage(night, night + HOUR, MINUTE)})
    assert len(moments) > HOUR / timedelta(seconds=8)


def test_parts_are_never_larger_than_what_they_are_parts_of(company):
    for record in company.usage(NOW - 3 * HOUR, NOW, MINUTE):
        assert 0 <= record.reasoning <= record.completion
        assert 0 <= record.cached <= record.prompt
        assert 0 <= record.byok_requests <= record.requests
        assert record.requests > 0


def test_weekends_are_quieter_and_office_hours_busier(company):
    monday = datetime(2026, 11, 9, tzinfo=UTC)
    week = [counted(company.usage(monday + n * DAY, monday + (n + 1) * DAY)) for n in range(7)]
    assert max(day["credits_nano"] for day in week[5:]) < min(d["credits_nano"] for d in week[:5])
    mine = [
        r
        for r in company.usage(monday, monday + 5 * DAY, HOUR)
        if r.key == company.key("ada claude code").hash
    ]
    at_work = sum(record.requests for record in mine if 7 <= record.at.hour < 19)
    assert at_work > 0.9 * sum(record.requests for record in mine)


def test_the_year_grows_and_moves_from_one_model_to_the_next(company):
    by_model = lambda record: record.model  # noqa: E731
    early = spent(company, NOW - 360 * DAY, NOW - 330 * DAY, by_model)
    late = spent(company, NOW - 30 * DAY, NOW, by_model)
    assert late.total() > 2 * early.total()
    old, new = "anthropic/claude-sonnet-4.5", "anthropic/claude-sonnet-4.6"
    assert early[old] > 0.9 * (early[old] + early[new])
    assert late[new] > 0.9 * (late[old] + late[new])


def test_an_agent_ran_away_last_night(company):
    key = company.key("nightly-refactor-agent").hash
    last = spent(company, NOW - DAY, NOW, lambda record: record.key)[key]
    before = spent(company, NOW - 2 * DAY, NOW - DAY, lambda record: record.key)[key]
    assert last > 200 * 10**9
    assert last > 20 * before


@pytest.mark.parametrize("hour", [0, 3, 5, 23])
def test_the_night_has_passed_whenever_the_demo_is_started(hour):
    now = NOW.replace(hour=hour)
    records = sample(now).records
    assert now - 28.5 * HOUR < records[0].at < records[-1].at < now


def test_a_month_has_several_groups_worth_drawing_of_skewed_sizes(company):
    by_key = spent(company, NOW - 31 * DAY, NOW, lambda record: record.key)
    sizes = sorted((value / by_key.total() for value in by_key.values()), reverse=True)
    assert sum(size > 0.02 for size in sizes) >= 6
    assert sizes[0] > 4 * sizes[9]


def test_the_company_has_all_kinds_of_keys_and_people(company):
    names = Counter(key.name for key in company.keys)
    people = Counter(member.display_name for member in company.members)
    assert len(company.members) == 14
    assert len(company.keys) == 25
    assert len(company.workspaces) == 3
    assert len({record.model for record in company.usage(NOW - 365 * DAY, NOW)}) >= 14
    assert max(names.values()) == 2
    assert people["Alex Kim"] == 2
    assert people[None] == 1
    assert any(key.disabled for key in company.keys)
    assert {key.limit_reset for key in company.keys} == {None, "daily", "weekly", "monthly"}


def test_there_is_usage_of_the_deleted_key_of_no_key_of_nobody_and_with_own_provider_keys(
    company, year
):
    deleted = next(key for key in company.keys if key.deleted)
    assert any(record.key == deleted.hash for record in year)
    assert any(not record.key and record.member for record in year)
    assert any(record.key and not record.member for record in year)
    assert any(record.byok_requests and record.byok_nano for record in year)
    assert any(record.model.endswith(":free") and not record.credits_nano for record in year)


def test_what_is_billed_is_the_list_price_with_cached_tokens_cheaper(company, year):
    listed = {model.slug: model for model in company.models}
    for record in year:
        price = listed[record.model]
        cached = price.cached_nano or 0
        cost = (
            (record.prompt - record.cached) * price.prompt_nano
            + record.cached * cached
            + record.completion * price.completion_nano
        )
        # of what own provider keys pay, OpenRouter's fee comes on top
        assert cost == (record.byok_nano if record.byok_requests else record.credits_nano)


def test_the_support_bots_cache_stopped_working_nine_days_ago(company):
    bot = company.key("support-bot").hash

    def share(start, end):
        used = [one for one in company.usage(start, end) if one.key == bot]
        return sum(one.cached for one in used) / sum(one.prompt for one in used)

    today = NOW.replace(hour=0, minute=0, second=0)
    assert share(today - 30 * DAY, today - 9 * DAY) > 0.5
    assert share(today - 8 * DAY, today) < 0.2


def test_usage_belongs_to_the_keys_creator(company, year):
    creators = {key.hash: key.creator or "" for key in company.keys}
    assert all(record.member == creators[record.key] for record in year if record.key)


def test_two_samples_share_nothing_that_can_be_changed():
    first, second = sample(NOW), sample(NOW)
    first.workspaces[0].name = first.keys[0].name = first.members[0].email = "changed"
    assert "changed" not in {
        second.workspaces[0].name,
        second.keys[0].name,
        second.members[0].email,
    }


def test_a_hand_written_organization_serves_its_records_and_their_changes():
    key = Key("prod")
    record = Record(NOW - HOUR, key.hash, "user_1", "vendor/model", requests=3, credits_nano=1)
    organization = Organization([Member("user_1", None, None, None)], [key], records=[record])
    assert list(organization.usage(NOW - DAY, NOW)) == [record]
    record.credits_nano = 5
    assert counted(organization.usage(NOW - DAY, NOW))["credits_nano"] == 5
    organization.records.remove(record)
    assert list(organization.usage(NOW - DAY, NOW)) == []


def test_a_records_time_is_in_the_window_from_its_start_to_before_its_end():
    record = Record(NOW, "", "", "vendor/model")
    organization = Organization(records=[record])
    assert list(organization.usage(NOW, NOW + MINUTE)) == [record]
    assert list(organization.usage(NOW - MINUTE, NOW)) == []


def test_keys_belong_to_the_default_workspace_and_have_a_shortened_label():
    organization = Organization(keys=[Key("prod", key_hash("x"))])
    assert organization.keys[0].workspace == organization.default_workspace
    assert organization.keys[0].label == f"sk-or-v1-{key_hash('x')[:3]}...{key_hash('x')[-4:]}"


def test_a_synthetic_organization_uses_every_pair_of_key_and_model_every_day():
    made = synthetic(keys=20, models=6, members=4, days=3, seed=1, now=NOW)
    assert len(made.records) == 20 * 6 * 3
    assert len({(record.key, record.model) for record in made.records}) == 20 * 6
    assert all(NOW - 3 * DAY <= record.at < NOW for record in made.records)
    assert {record.member for record in made.records} == {*(m.id for m in made.members), ""}
    assert synthetic(keys=20, models=6, members=4, days=3, seed=1, now=NOW).records == made.records


def test_a_synthetic_organization_can_be_sparse():
    made = synthetic(keys=20, models=20, members=4, days=5, seed=1, now=NOW, share=0.1)
    assert 100 < len(made.records) < 320
