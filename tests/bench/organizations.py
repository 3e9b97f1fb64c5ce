"""Organizations to measure on, written straight into a database of ours and kept for next time.

Which key uses which models is drawn once; how much, and in which buckets, comes from a table of
noise, so that two machines measure the same rows. Most keys rest most of the time.
"""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.store import Database, Store
from bot.store.encoding import (
    ALL_OF,
    FIGURES,
    GRANULARITY,
    MEMBERS_OF,
    MODELS,
    MODELS_OF,
    PART_SECONDS,
    StoredView,
    has_sums,
    to_seconds,
)
from bot.store.usage.filled_months import ALL_MEMBERS, Mark, set_mark
from reports.time.time_range import DAY, STEP, Granularity
from reports.usage.dimensions import Dimension
from reports.usage.windows_to_fetch import HISTORY, Window, newest_window

NOW = datetime(2026, 11, 18, 10, 31, 7, tzinfo=UTC)
"""The moment at which every question is asked: a Wednesday."""
WEEK = Window(Granularity.DAY, datetime(2026, 11, 12, tzinfo=UTC), NOW)
"""The last seven days, which are pulled anew every night."""
FOLDER = Path(tempfile.gettempdir()) / "activity-bench"
_LAYOUT = 9
_NOISE = 2**16
_SUMS = ", ".join(f"SUM({name})" for name in FIGURES.split(", "))


@dataclass(frozen=True, slots=True)
class Organization:
    """How large an organization is, and how often a key uses one of its models.

    The chances are those of an average pair of key and model in one bucket.
    """

    name: str
    keys: int
    models: int
    creators: int
    models_each: int
    chances: tuple[tuple[Granularity, float], ...]

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return FOLDER / f"{self.name}-{_LAYOUT}.db"


def _chances(day: float, hour: float, minute: float) -> tuple[tuple[Granularity, float], ...]:
    return (Granularity.DAY, day), (Granularity.HOUR, hour), (Granularity.MINUTE, minute)


LARGE = Organization("large", 1_000, 60, 200, 5, _chances(0.41, 0.096, 0.013))
HUGE = Organization("huge", 10_000, 100, 2_000, 8, _chances(0.42, 0.096, 0.014))


def database(organization: Organization) -> Path:
    """The organization's database, made unless it is there already."""
    path = organization.path
    if not path.exists():
        FOLDER.mkdir(mode=0o700, exist_ok=True)
        unfinished = path.with_suffix(f".making-{os.getpid()}")
        unfinished.unlink(missing_ok=True)
        _make(organization, unfinished)
        unfinished.rename(path)
    return path


def reached(granularity: Granularity) -> Window:
    """All that is held at a granularity."""
    step = STEP[granularity]
    end = datetime.min.replace(tzinfo=UTC) + (NOW - datetime.min.replace(tzinfo=UTC)) // step * step
    return Window(granularity, end - HISTORY[granularity], end + step)


def _make(organization: Organization, path: Path) -> None:
    db = Database(path)
    _list(Store(db), organization)
    with db.write() as connection:
        _draw(connection, organization)
        for granularity, chance in organization.chances:
            for bucket in _buckets(reached(granularity)):
                _fill(connection, granularity, bucket, chance)
            _add_up(connection, granularity)
            _mark(connection, granularity)
        _add_up_months(connection)
    db.close()


def _list(store: Store, organization: Organization) -> None:
    people = [
        (f"user_{n:027}", f"Firstname{n} Lastname", f"firstname{n}.lastname@example.com")
        for n in range(organization.creators)
    ]
    keys = [
        (
            f"{n * 2654435761 % 2**32:064x}",
            f"team-{n % 40:02}-service-{n % (organization.keys - 5)}",
            f"sk-or-v1-{n % 4096:03x}...{n:04x}",
        )
        for n in range(organization.keys)
    ]
    owners = [(key[0], people[n % len(people)][0]) for n, key in enumerate(keys)]
    store.list_members(keys, people, owners)
    models = [f"maker-{n % 12}/model-{n}-instruct" for n in range(organization.models)]
    store.add_members(Dimension.MODEL, [(slug, slug, "") for slug in models])


def _draw(connection: sqlite3.Connection, organization: Organization) -> None:
    """Which keys use which models how often, and the noise by which buckets differ."""
    chance = random.Random(organization.name)
    ids = {
        dimension: [
            row[0]
            for row in connection.execute(
                "SELECT id FROM member WHERE dimension = ? AND ref != '' ORDER BY id", (code,)
            )
        ]
        for dimension, code in ((StoredView.KEY, MEMBERS_OF[StoredView.KEY]), (None, MODELS))
    }
    models = ids[None]
    owners = dict(connection.execute("SELECT id, owner FROM member WHERE owner IS NOT NULL"))
    weights = [1 / (n + 2) for n in range(len(models))]
    liked = {
        person: chance.choices(models, weights, k=2 * organization.models_each)
        for person in sorted(set(owners.values()))
    }
    connection.execute(
        "CREATE TEMP TABLE pair (member INTEGER, model INTEGER, weight REAL, size REAL,"
        " byok INTEGER, owner INTEGER, PRIMARY KEY (member, model)) WITHOUT ROWID"
    )
    for key in ids[StoredView.KEY]:
        busy = chance.paretovariate(2.0) / 2.0
        for model in sorted({*chance.choices(liked[owners[key]], k=organization.models_each)}):
            weight = busy * chance.uniform(0.3, 1.7)
            amount = busy * chance.lognormvariate(0, 1.5)
            connection.execute(
                "INSERT INTO pair VALUES (?, ?, ?, ?, ?, ?)",
                (key, model, weight, amount, chance.random() < 0.2, owners[key]),
            )
    connection.execute("CREATE TEMP TABLE noise (n INTEGER PRIMARY KEY, chance REAL, amount REAL)")
    connection.executemany(
        "INSERT INTO noise VALUES (?, ?, ?)",
        ((n, chance.random(), chance.lognormvariate(0, 0.8)) for n in range(_NOISE)),
    )


def _fill(
    connection: sqlite3.Connection, granularity: Granularity, bucket: datetime, chance: float
) -> None:
    """One bucket in both views."""
    code, at = GRANULARITY[granularity], to_seconds(bucket)
    quiet = 0.4 if bucket.weekday() >= 5 else 1.2
    share = {Granularity.DAY: 40.0, Granularity.HOUR: 6.0}.get(granularity, 1.5)
    connection.execute(
        f"""INSERT INTO usage (view, granularity, bucket, member, model, {FIGURES})
        SELECT 0, :code, :at, member, model, n, n * byok, n * prompt,
            n * (prompt / 5), n * (prompt / 31), n * prompt * (1 - byok) * (917 + 40 * model),
            n * prompt * byok * (883 + 40 * model), n * (prompt / 3), n * (prompt / 3) * 800
        FROM (
            SELECT p.member, p.model, p.byok, 200 + CAST(x.amount * 2500 AS INTEGER) AS prompt,
                1 + CAST(p.size * x.amount * :share AS INTEGER) AS n
            FROM pair p JOIN noise x
                ON x.n = (p.member * 7919 + p.model * 104729 + :at / 60 * 31) % {_NOISE}
            WHERE x.chance < p.weight * :chance
        )""",
        {"code": code, "at": at, "chance": chance * quiet, "share": share},
    )
    connection.execute(
        f"""INSERT INTO usage SELECT 1, u.granularity, u.bucket, p.owner, u.model, {_SUMS}
        FROM usage u JOIN pair p ON p.member = u.member AND p.model = u.model
        WHERE u.view = 0 AND u.granularity = ? AND u.bucket = ? GROUP BY 4, 5""".replace(
            "SUM(byok)", "SUM(u.byok)"
        ),
        (code, at),
    )


def _add_up(connection: sqlite3.Connection, granularity: Granularity) -> None:
    code = GRANULARITY[granularity]
    sums = [(view, MEMBERS_OF[view], "member") for view in StoredView]
    sums += [(view, ALL_OF[view], "0") for view in StoredView]
    sums += [(view, MODELS_OF[view], "model") for view in StoredView]
    for view, dimension, member in sums:
        if not has_sums(dimension, code):
            continue
        connection.execute(
            f"INSERT INTO total SELECT ?, granularity, bucket / ?, {member}, bucket, {_SUMS}"
            " FROM usage WHERE view = ? AND granularity = ? GROUP BY 4, 5",
            (dimension, PART_SECONDS[code], int(view), code),
        )


def _add_up_months(connection: sqlite3.Connection) -> None:
    month = "unixepoch(bucket, 'unixepoch', 'start of month')"
    newest = newest_window(Granularity.DAY, NOW).start  # rows by month end before it
    code = GRANULARITY[Granularity.MONTH]
    connection.execute(
        f"INSERT INTO usage SELECT view, ?, {month}, member, model, {_SUMS} FROM usage"
        " WHERE view IN (0, 1) AND granularity = ? AND bucket < ? GROUP BY 1, 3, 4, 5",
        (code, GRANULARITY[Granularity.DAY], to_seconds(newest)),
    )
    for view in StoredView:
        set_mark(connection, view, Mark(to_seconds(newest - DAY), ALL_MEMBERS))
    connection.execute(
        f"INSERT INTO total SELECT dimension, ?, {month} / ?, member, {month}, {_SUMS}"
        " FROM total WHERE granularity = ? GROUP BY 1, 3, 4, 5",
        (code, PART_SECONDS[code], GRANULARITY[Granularity.DAY]),
    )


def _mark(connection: sqlite3.Connection, granularity: Granularity) -> None:
    window = reached(granularity)
    code = GRANULARITY[granularity]
    connection.execute(
        "INSERT INTO held VALUES (?, ?, ?)",
        (code, to_seconds(window.start), to_seconds(window.end)),
    )
    connection.execute("INSERT INTO sync VALUES (?, ?)", (code, to_seconds(NOW)))


def _buckets(window: Window) -> Iterator[datetime]:
    at = window.start
    while at < window.end:
        yield at
        at += STEP[window.granularity]
