"""A cache between a local OpenRouter and its truth: what an organization really used."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.demo.openrouter.organization import Key, Member, Organization, Record, Workspace, key_hash
from bot.demo.openrouter.server import LocalOpenRouter
from bot.openrouter import OpenRouter
from bot.store import Database, Store
from bot.store.encoding import FIGURES, GRANULARITY, StoredView
from bot.store.usage import filled_months
from bot.sync.sync import Sync
from reports.time.time_range import Granularity, floor
from reports.usage.usage import ZERO, Usage
from tests import databases
from tests.clock import Clock

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 22, 14, 23, 7, tzinfo=UTC)
REACH = {Granularity.MINUTE: 3 * HOUR, Granularity.HOUR: 31 * DAY, Granularity.DAY: 365 * DAY}
ONE, TWO, LAB, GONE, OLD = (key_hash(name) for name in ("one", "two", "lab", "gone", "old"))


class Cache:
    """A store, the client and the street between them; everything that waits does not."""

    def __init__(self, server: LocalOpenRouter, path: Path, clock: Clock) -> None:
        self.path, self.clock = path, clock
        self.waits: list[float] = []
        self.progress: list[float] = []
        self.api = OpenRouter(
            server.base_url, server.key, wait=self.waits.append, requests_a_minute=10**9
        )
        self.store = Store(Database(databases.at(path)))
        self.sync = self.street()

    def street(self) -> Sync:
        """A street as a new process would make it."""
        return Sync(self.api, self.store, self.clock, lambda one: self.progress.append(one.done))

    def turn(self):
        return self.sync.turn()

    def fill(self) -> None:
        """Turns until nothing is missing."""
        for _ in range(1000):
            turn = self.sync.turn()
            assert turn.error is None, turn.error
            if not turn.more:
                return
        raise AssertionError("there is no end to it")

    def close(self) -> None:
        self.api.close()
        self.store.close()


def record(ago, key, member, model="a/x", requests=1, **more) -> Record:
    """Usage so long before NOW."""
    figures = {"prompt": 100, "completion": 10, "credits_nano": 1_000_000_007, **more}
    return Record(NOW - ago, key, member, model, requests, **figures)


def company() -> Organization:
    """Every way in which a row's owner is hard to tell, each used at all granularities."""
    lab = Workspace("Lab")
    keys = [
        Key("prod", ONE, "user_ada"),
        Key("prod", TWO, "user_bob"),
        Key("lab", LAB, "user_nil", lab.id, disabled=True),
        Key("prod", GONE, "user_ada", deleted=True),
        Key("retired", OLD, None, deleted=True),
        Key("nobody's", key_hash("nobody")),
    ]
    members = [
        Member("user_ada", "Ada", "Okafor", "ada@example.com", "org:admin"),
        Member("user_bob", "Sam", "Lee", "bob@example.com"),
        Member("user_sam", "Sam", "Lee", "sam@example.com"),
        Member("user_kim", "Kim", None, None),
        Member("user_kim2", "Kim", None, None),
        Member("user_mail", None, None, "mail@example.com"),
        Member("user_nil", None, None, None),
    ]
    organization = Organization(members, keys, [Workspace("Default"), lab], credits=10**12)
    used = [
        (ONE, "user_ada", "a/x"),
        (TWO, "user_bob", "a/x"),
        (TWO, "user_bob", "b/y"),
        (LAB, "user_nil", "a/x"),
        (GONE, "user_ada", "a/x"),
        (OLD, "", "b/y"),
        (key_hash("nobody"), "", "a/x"),
        ("", "user_sam", "a/x"),
        ("", "user_kim", "a/x"),
        ("", "user_kim2", "a/x"),
        ("", "user_mail", "a/x"),
        ("", "user_nil", "a/x"),
    ]
    ages = [
        2 * MINUTE,
        50 * MINUTE,
        170 * MINUTE,
        9 * HOUR,
        3 * DAY,
        5 * DAY,
        30 * DAY,
        200 * DAY,
        364 * DAY,
    ]
    for n, (key, member, model) in enumerate(used):
        for m, age in enumerate(ages):
            more = {"byok_requests": m % 2, "byok_nano": (m % 2) * 3_000_000_011, "reasoning": m}
            # more than the prompt at times, and at times writing cost more than reading saved
            more |= {"cached": m * 30, "saved_nano": (m - 2) * 5_000_003}
            organization.records.append(
                record(age + n * timedelta(seconds=1), key, member, model, n + 1, **more)
            )
    return organization


def truth(
    organization: Organization,
    granularity: Granularity,
    start: datetime = datetime(1, 1, 1, tzinfo=UTC),
    end: datetime = datetime(9999, 1, 1, tzinfo=UTC),
    made_up: bool = True,
) -> dict[tuple[str, datetime, str, str], Usage]:
    """What was used, by view, bucket, the member's ref and the model.

    Of deleted keys nothing but the name is known, and namesakes among them are one.
    """
    refs = {
        key.hash: f"deleted:{key.name}" if key.deleted and made_up else key.hash
        for key in organization.keys
    }
    found: dict[tuple[str, datetime, str, str], Usage] = defaultdict(lambda: ZERO)
    for one in organization.usage(start, end):
        usage = Usage(
            one.requests, one.byok_requests, one.prompt, one.completion, one.reasoning,
            one.credits_nano, one.byok_nano, one.cached, one.saved_nano,
        )  # fmt: skip
        at = floor(one.at, granularity)
        for view, ref in ("KEY", refs.get(one.key, one.key)), ("CREATOR", one.member):
            place = view, at, ref, one.model
            found[place] = Usage(*map(sum, zip(found[place], usage, strict=True)))
    return dict(found)


def kept(path: Path, granularity: Granularity) -> dict[tuple[str, datetime, str, str], Usage]:
    """What the cache holds, in the same shape, read from its file."""
    with databases.looking(path) as connection:
        found = connection.execute(
            f"SELECT u.view, u.bucket, m.ref, n.name, {FIGURES} FROM usage u"
            " JOIN member m ON m.id = u.member JOIN member n ON n.id = u.model"
            " WHERE u.granularity = ?",
            (GRANULARITY[granularity],),
        ).fetchall()
    return {
        (StoredView(row[0]).name, datetime.fromtimestamp(row[1], UTC), row[2], row[3]): Usage(
            *row[4:]
        )
        for row in found
    }


def month(bucket: int) -> int:
    first = datetime.fromtimestamp(bucket, UTC).replace(day=1)
    return int(first.timestamp())


def add(sums, place, figures) -> None:
    before = sums.get(place, (0,) * len(figures))
    sums[place] = tuple(a + b for a, b in zip(before, figures, strict=True))


def check(path: Path) -> None:
    """The file is sound, and everything kept twice in it is the same twice."""
    assert databases.is_sound(path)
    with databases.looking(path) as connection:
        usage = connection.execute("SELECT * FROM usage").fetchall()
        totals = connection.execute("SELECT * FROM total").fetchall()
        from_files = connection.execute("SELECT bucket FROM imported WHERE granularity = 3")
        months_of_files = {row[0] for row in from_files}
        marks = filled_months.marks(connection)
    usage += [
        (view, 3, month(bucket), *more)
        for view, grain, bucket, *more in usage
        if grain == 2
        and month(bucket) not in months_of_files
        and not filled_months.contain(marks, view, bucket, more[0])
    ]
    expected: dict[tuple[int, int, int, int], tuple[int, ...]] = {}
    for view, grain, bucket, member, model, *figures in usage:
        places = [({0: 0, 1: 4}[view], 0), ({0: 2, 1: 3}[view], member)]
        places += [({0: 1, 1: 5}[view], model)]
        for dimension, one in places:
            if (dimension, grain) in ((2, 0), (3, 0), (3, 1), (5, 0)):
                continue  # these are read from the rows
            add(expected, (dimension, grain, one, bucket), figures)
    found = {(*row[:2], *row[3:5]): tuple(row[5:]) for row in totals}
    assert {k: v for k, v in found.items() if any(v)} == {
        k: v for k, v in expected.items() if any(v)
    }
    by_month: dict[tuple[int, int, int, int], tuple[int, ...]] = {}
    for view, grain, bucket, member, model, *figures in usage:
        if grain == 2 and month(bucket) not in months_of_files:
            add(by_month, (view, month(bucket), member, model), figures)
    months: dict[tuple[int, int, int, int], tuple[int, ...]] = {}
    for view, grain, bucket, member, model, *figures in usage:
        if grain == 3 and bucket not in months_of_files:
            add(months, (view, bucket, member, model), figures)
    assert {k: v for k, v in months.items() if any(v)} == {
        k: v for k, v in by_month.items() if any(v)
    }
    by_view: dict[int, dict[tuple[int, int], tuple[int, ...]]] = {0: {}, 1: {}}
    for view, grain, bucket, _, _, *figures in usage:
        add(by_view[view], (grain, bucket), figures)
    assert by_view[0] == by_view[1]


def assert_true(cache: Cache, organization: Organization) -> None:
    """The cache holds what the organization used as far as OpenRouter reaches, and nothing else."""
    check(cache.path)
    for granularity in REACH:
        expected = truth(organization, granularity)
        earliest = cache.store.state().coverage[granularity][0][0]
        reached = {k: v for k, v in expected.items() if k[1] >= earliest}
        assert kept(cache.path, granularity) == reached
