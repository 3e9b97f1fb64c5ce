"""Databases of every earlier version: migrated, and read back as they were written.

The dumps in earlier/ were written by the first commit of each schema, with its own code; the newest
also has alerts that wait.
"""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlite_utils

from bot.store import Database, Store, StoreError
from bot.store.admin.audit_log import AuditLog
from bot.store.alerts.events import AlertEvents
from bot.store.alerts.messages import AlertMessages
from bot.store.alerts.quiet_hours import StoredQuietHours
from bot.store.alerts.rules import AlertRules
from bot.store.alerts.silences import AlertSilences
from bot.store.alerts.states import AlertStates
from bot.store.encoding import FIGURES, GRANULARITY, StoredView, part
from bot.store.expiring_keys import ExpiringKeys
from bot.store.migrations import SET, STEPS, m008_parts
from bot.store.schedules.schedules import Schedules
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import Dimension
from reports.usage.usage import Usage
from reports.usage.windows_to_fetch import Window

pytestmark = pytest.mark.real_files

EARLIER = Path(__file__).parent / "earlier"
DUMPS = sorted(EARLIER.glob("*.sql"))
NOW = datetime(2026, 11, 22, 14, 23, 7, tzinfo=UTC)
DAY = timedelta(days=1)
MIDNIGHT = NOW.replace(hour=0, minute=0, second=0)
USED = {
    "prod": Usage(3, 1, 100, 10, 4, 5_000_000_000, 1_000_000_000),
    "evals": Usage(4, 2, 101, 11, 5, 5_000_000_001, 1_000_000_001),
}
"""What each key used in each bucket that is held, in every dump."""


def load(dump: Path, path: Path) -> Path:
    """Make the database file of a dump."""
    connection = sqlite3.connect(path)
    connection.executescript(dump.read_text())
    connection.close()
    return path


@pytest.fixture(params=DUMPS, ids=lambda dump: dump.stem)
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of an earlier version, opened by this one."""
    database = Database(load(request.param, tmp_path / "activity.db"))
    yield database
    database.close()


def applied(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT name FROM _sqlite_migrations ORDER BY id").fetchall()
    connection.close()
    return [row[0] for row in found]


def usage(database: Database, table: str, where: str) -> list[Usage]:
    with database.read() as connection:
        found = connection.execute(f"SELECT {FIGURES} FROM {table} WHERE {where}").fetchall()
    return [Usage(*row) for row in found]


def test_there_is_a_dump_of_each_schema_that_users_have() -> None:
    """m006 landed together with m007, and m009 to m011 changed no table that the dumps fill.

    That of the newest is needed once there is another.
    """
    dumped = {dump.stem for dump in DUMPS}
    assert {step.__name__ for step in STEPS[:8]} - dumped == {"m006_audit"}
    assert {step.__name__ for step in STEPS[10:-1]} <= dumped


@pytest.mark.sqlite_only("about files of earlier versions")
def test_figures_of_an_earlier_version_read_back_as_they_were_written(earlier: Database) -> None:
    assert applied(earlier.address) == [step.__name__ for step in STEPS]
    store = Store(earlier)
    directory = store.directory()
    for key, used in USED.items():
        id_ = directory.ids[Dimension.KEY, f"hash-{key}"]
        for granularity, buckets in ((0, 1), (1, 1), (2, 3)):
            one = f"member = {id_} AND granularity = {granularity}"
            assert usage(earlier, "usage", f"view = 0 AND {one}") == [used] * buckets
            sums = [used] * buckets if granularity else []  # by minute, m016 deletes them
            assert usage(earlier, "total", f"dimension = 2 AND {one}") == sums
        november = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
        months = usage(
            earlier,
            "total",
            f"dimension = 2 AND member = {id_} AND granularity = 3 AND bucket = {november}",
        )
        assert months == [Usage(*(2 * figure for figure in used))]
        rows = f"view = 0 AND member = {id_} AND granularity = 3 AND bucket = {november}"
        assert usage(earlier, "usage", rows) == months
    assert store.state().synced[Granularity.DAY] == NOW
    assert store.fact("organisation") == "Example"


def test_sums_lie_in_the_parts_of_time_in_which_they_are_read(earlier: Database) -> None:
    with earlier.read() as connection:
        found = connection.execute("SELECT granularity, bucket, part FROM total").fetchall()
    assert {row[0] for row in found} == {0, 1, 2, 3}
    assert all(where == part(granularity, bucket) for granularity, bucket, where in found)


def test_the_cache_figures_of_earlier_usage_are_unknown_and_of_later_usage_known(
    earlier: Database,
) -> None:
    store = Store(earlier)
    (spans,) = {store.state().coverage[Granularity.DAY]}
    assert spans
    assert all(not spans for spans in store.known().values())
    week = TimeRange(
        tuple(MIDNIGHT - n * DAY for n in (2, 1, 0)), MIDNIGHT + DAY, Granularity.DAY, NOW
    )
    assert store.unknown_buckets(week, Granularity.DAY) == {0, 1, 2}
    window = Window(Granularity.DAY, MIDNIGHT, NOW)
    store.replace(window, [], NOW, known=("cached", "saved"))
    assert store.unknown_buckets(week, Granularity.DAY) == {0, 1}
    assert store.known()[Granularity.DAY] == ((MIDNIGHT, NOW),)
    store.replace(window, [], NOW, known=("cached",))
    assert store.unknown_buckets(week, Granularity.DAY) == {0, 1, 2}
    assert store.unknown_buckets(week, Granularity.DAY, ("cached",)) == {0, 1}


def test_usage_is_written_into_an_upgraded_database_as_into_a_new_one(earlier: Database) -> None:
    store = Store(earlier)
    id_ = store.directory().ids[Dimension.KEY, "hash-prod"]
    model = store.directory().of[Dimension.MODEL][0].id
    used = Usage(7, 6, 5, 4, 3, 2, 1)
    at = int(MIDNIGHT.timestamp())
    rows = [((StoredView.KEY, at, id_, model), used), ((StoredView.CREATOR, at, 2, model), used)]
    store.replace(Window(Granularity.DAY, MIDNIGHT, NOW), rows, NOW)
    assert usage(earlier, "usage", f"view = 0 AND granularity = 2 AND bucket = {at}") == [used]
    day = f"granularity = 2 AND bucket = {at}"
    assert usage(earlier, "total", f"dimension = 0 AND {day}") == [used]


def test_what_people_set_up_in_an_earlier_version_is_still_there(
    tmp_path: Path,
) -> None:
    database = Database(load(EARLIER / "m008_parts.sql", tmp_path / "activity.db"))
    [schedule] = Schedules(database, lambda: NOW).of(None)
    [rule] = AlertRules(database, lambda: NOW).active()
    [entry] = AuditLog(database, lambda: NOW).last(9)
    assert (schedule.draft.question, str(schedule.draft.schedule.at)) == (
        "spend by key",
        "09:00:00",
    )
    assert rule.draft.words == "spend > $50 per day"
    assert (entry.person, entry.what) == ("U1", "spend 7d")
    assert ExpiringKeys(database, lambda: NOW).get("kept") == "words"
    database.close()


def test_alerts_that_waited_in_an_earlier_version_still_wait(tmp_path: Path) -> None:
    later = NOW + timedelta(minutes=5)
    database = Database(load(EARLIER / "m016_fewer_sums.sql", tmp_path / "activity.db"))
    [message] = AlertMessages(database, lambda: later).claim(9)
    events = AlertEvents(database, lambda: later)
    [told], [waiting] = events.of_message(message.id), events.claim(9)
    assert (message.recipient, told.subject, waiting.subject) == ("U1", "", "3")
    assert told.event.measurement.value == 60_000_000_000
    assert AlertStates(database, lambda: later).get(told.key) is not None
    [silence] = AlertSilences(database, lambda: later).all().values()
    assert (silence.subject, silence.until) == ("3", NOW.replace(hour=15))
    quiet = StoredQuietHours(database, lambda: later).get("U1")
    assert quiet is not None
    assert (quiet.start.hour, quiet.end.hour) == (22, 7)
    database.close()


def schema(path: Path) -> list[tuple[str, str]]:
    """The tables' columns and the indexes of a database, whatever the layout of its SQL."""
    connection = sqlite3.connect(path)
    found = [
        (str(name), " ".join(str(sql).split()))
        for name, sql in connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
        )
    ]
    connection.close()
    return found


def test_migrations_that_have_landed_are_frozen(tmp_path: Path) -> None:
    """They still make what they made when they landed."""
    landed = schema(load(EARLIER / "m008_parts.sql", tmp_path / "landed.db"))
    made = sqlite_utils.Database(tmp_path / "made.db")
    steps = sqlite_utils.Migrations(SET)
    for step in STEPS[: STEPS.index(m008_parts) + 1]:
        steps()(step)
    steps.apply(made)
    made.close()
    assert schema(tmp_path / "made.db") == landed


def test_one_more_stored_figure_is_right_in_new_and_in_upgraded_databases(tmp_path: Path) -> None:
    """As a later version would add it: in the middle of Usage, and last in older files."""
    paths = [load(dump, tmp_path / f"{dump.stem}.db") for dump in DUMPS]
    current = tmp_path / "current.db"
    Database(current).close()
    paths += [current, tmp_path / "new.db"]
    script = Path(__file__).with_name("one_more_figure.py")
    done = subprocess.run(
        [sys.executable, str(script), *map(str, paths)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["wanted"]["audio"] == 70
    for path in paths:
        found = said["found"][str(path)]
        assert len(found) == 2 + 6, path.name  # both views; sums of all, model, member in each
        assert all(one == said["wanted"] for one in found), path.name


def test_a_database_of_a_newer_version_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "activity.db"
    Database(path).close()
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
        " VALUES ('activity', 'm999_later', '2027-01-01')"
    )
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer version of Activity") as caught:
        Database(path)
    assert "m999_later" in str(caught.value)
    assert path.read_bytes() == before


def test_it_leaves_a_database_that_is_up_to_date_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "activity.db"
    Database(path).close()
    before = path.read_bytes()

    Database(path).close()

    assert path.read_bytes() == before


def test_sums_are_ordered_by_part_of_time(tmp_path: Path) -> None:
    database = Database(load(EARLIER / "m007_memory.sql", tmp_path / "activity.db"))
    with database.read() as connection:
        found = connection.execute("SELECT granularity, bucket, part FROM total").fetchall()
    database.close()
    assert {row[0] for row in found} == set(GRANULARITY.values())
    assert all(part(granularity, bucket) == kept for granularity, bucket, kept in found)
