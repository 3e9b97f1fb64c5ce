"""Whose a row is, in organizations where names say little, however OpenRouter puts it."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.openrouter.organization import Key, Member, Organization, Record, Workspace, key_hash
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.openrouter.usage_cube import Dialect
from bot.store.encoding import StoredView, from_seconds
from bot.sync.pull_window import Callbacks, pull
from reports.time.time_range import Granularity
from reports.usage.usage import ZERO, Usage
from reports.usage.windows_to_fetch import Window
from tests.cache_help import DAY, NOW, Cache, truth
from tests.clock import Clock

TODAY = NOW.replace(hour=0, minute=0, second=0)
WINDOW = Window(Granularity.DAY, TODAY - 3 * DAY, TODAY)
NAMES = st.sampled_from(["prod", "Prod", "dev", "(chatroom)", "deleted:prod", " x ", "é", "<b>&"])
PEOPLE = st.sampled_from([("Kim", "Lee"), ("Kim", None), (None, "Lee"), (None, None)])
USE = st.tuples(
    st.integers(0, 5), st.integers(0, 5), st.sampled_from(["a/x", "b/y"]), st.integers(0, 71)
)


@st.composite
def organizations(draw):
    workspaces = [Workspace("Default"), Workspace("Lab")]
    members = [
        Member(f"user_{n}", *draw(PEOPLE), draw(st.sampled_from([None, f"u{n}@example.com"])))
        for n in range(draw(st.integers(0, 4)))
    ]
    keys = [
        Key(
            draw(NAMES),
            key_hash(f"{n}"),
            draw(st.sampled_from([None, *(member.id for member in members)])),
            draw(st.sampled_from(workspaces)).id,
            disabled=draw(st.booleans()),
            deleted=draw(st.booleans()),
        )
        for n in range(draw(st.integers(0, 5)))
    ]
    made = Organization(members, keys, workspaces)
    for key, member, model, hours in draw(st.lists(USE, max_size=25)):
        made.records.append(
            Record(
                TODAY - timedelta(hours=hours, seconds=1),
                keys[key].hash if key < len(keys) else "",
                members[member].id if member < len(members) else "",
                model,
                1 + hours % 3,
                prompt=hours,
                credits_nano=hours * 1_000_003,
            )
        )
    return made


DIALECTS = st.builds(
    Dialect,
    prefix=st.sampled_from([{}, {"day": "created_at"}]),
    timestamp=st.sampled_from(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S.000Z", "%Y-%m-%d %H:%M:%S"]),
    unset=st.sampled_from(["", None]),
    extra=st.sampled_from([{}, {"workspace": "Lab", "latency": None}]),
)


@pytest.fixture(scope="module")
def server():
    with LocalOpenRouter(Organization(), clock=Clock(NOW)) as started:
        started.requests_per_minute = None
        yield started


@settings(max_examples=60)
@given(organizations(), DIALECTS, st.sampled_from([10_000, 12, 7]))
def test_every_row_finds_its_owner(server, tmp_path_factory, organization, dialect, row_limit):
    server.organization, server.dialect, server.row_limit = organization, dialect, row_limit
    cache = Cache(server, tmp_path_factory.mktemp("pull") / "activity.db", Clock(NOW))
    try:
        cache.sync.list_directory()
        pulled = pull(cache.api, cache.store, WINDOW, Callbacks(cache.sync.list_directory), NOW)
        if not any("very many rows" in note for note in pulled.notes):
            assert owned(cache, pulled) == tellable(organization)
            assert pulled.notes == ()
    finally:
        cache.close()


def tellable(organization):
    """The truth as far as anybody can tell it.

    A deleted key is not told apart from the only live one of its name, unless both were used in the
    same bucket with the same model.
    """
    live = {}
    for key in organization.keys:
        if not key.deleted:
            live.setdefault(key.name, []).append(key.hash)
    names = {key.hash: key.name for key in organization.keys}
    users = {}
    for one in organization.records:
        place = one.at.date(), one.model, names.get(one.key)
        users.setdefault(place, set()).add(one.key)
    doubled = {name for (_, _, name), keys in users.items() if len(keys) > 1}
    found = {}
    for (view, at, ref, model), usage in truth(organization, WINDOW.granularity).items():
        name = ref.removeprefix("deleted:")
        alike = live.get(name, [])
        hidden = ref.startswith("deleted:") and name not in doubled and len(alike) == 1
        place = view, at, alike[0] if view == "KEY" and hidden else ref, model
        found[place] = add(found.get(place, ZERO), usage)
    return found


def add(one, other):
    return Usage(*map(sum, zip(one, other, strict=True)))


def owned(cache, pulled):
    members = cache.store.directory().members
    found = {}
    for (view, bucket, member, model), usage in pulled.rows:
        place = (
            StoredView(view).name,
            from_seconds(bucket),
            members[member].ref,
            members[model].name,
        )
        found[place] = add(found.get(place, ZERO), usage)
    return found


@dataclass
class Listed:
    """How often the directory was asked for anew."""

    times: int = 0
    seen: list[str] = field(default_factory=list)

    def __call__(self) -> None:
        self.times += 1


def test_the_directory_is_asked_for_anew_only_where_a_name_is_unknown(server, tmp_path):
    server.organization, server.dialect = Organization(keys=[Key("prod")]), Dialect()
    server.organization.records.append(Record(TODAY - DAY, Key("prod").hash, "", "a/x"))
    cache = Cache(server, tmp_path / "activity.db", Clock(NOW))
    listed = Listed()
    pull(cache.api, cache.store, WINDOW, Callbacks(listed))
    assert listed.times == 1
    pull(cache.api, cache.store, WINDOW, Callbacks(listed))
    assert listed.times == 1
    assert "deleted:prod" in {member.ref for member in cache.store.directory().members.values()}
    cache.close()


def test_a_window_without_namesakes_takes_three_queries(server, tmp_path):
    server.organization, server.dialect = Organization(keys=[Key("prod"), Key("dev")]), Dialect()
    server.organization.records += [
        Record(TODAY - DAY, Key(name).hash, "", "a/x") for name in ("prod", "dev")
    ]
    cache = Cache(server, tmp_path / "activity.db", Clock(NOW))
    cache.sync.list_directory()
    server.requests.clear()
    pull(cache.api, cache.store, WINDOW, Callbacks(cache.sync.list_directory))
    assert len(server.requests) == 3
    cache.close()


@pytest.mark.parametrize("made", [TODAY - 2 * DAY, TODAY - 2 * DAY + timedelta(hours=5)])
def test_what_a_name_used_before_its_key_was_made_was_another_keys(server, tmp_path, made):
    old, new = Key("prod", key_hash("old"), deleted=True), Key("prod", key_hash("new"))
    new.created_at = made
    server.organization, server.dialect = Organization(keys=[old, new]), Dialect()
    for hours in range(1, 72):
        at = TODAY - timedelta(hours=hours)
        key = old if at < made else new
        server.organization.records.append(Record(at, key.hash, "", f"model/{hours % 5}"))
    cache = Cache(server, tmp_path / "activity.db", Clock(NOW))
    cache.sync.list_directory()
    pulled = pull(cache.api, cache.store, WINDOW, Callbacks(cache.sync.list_directory))
    assert owned(cache, pulled) == truth(server.organization, WINDOW.granularity)
    cache.close()
