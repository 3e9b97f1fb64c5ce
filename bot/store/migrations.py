"""The migrations that create and change the tables. A migration that has landed is never changed.

Each is complete SQL for SQLite, which doesn't use constants that a later version may change.
bot/store/postgres_schema.py translates it for PostgreSQL, so write plain statements: CREATE TABLE
with `STRICT` at its end, `id INTEGER PRIMARY KEY` for auto-assigned ids, and qualified columns in
`DO UPDATE SET`. Name the columns in every INSERT, because columns added later come last in older
files. A new stored figure needs a migration with `ALTER TABLE usage ADD COLUMN ... INTEGER NOT NULL
DEFAULT 0` and the same for `total`, a line in reports/usage/figure_table.py, a field in
reports.usage.usage.Usage, and a dump in tests/bot/store/earlier/.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Protocol


class Schema(Protocol):
    """The connection on which a migration runs its statements."""

    def execute(self, statement: str, /) -> object:
        """Run one statement."""
        ...


Step = Callable[[Schema], None]

STEPS: list[Step] = []
SET = "activity"


def migration(step: Step) -> Step:
    """Register a migration; they run in the order of this file."""
    STEPS.append(step)
    return step


@migration
def m001_usage(db: Schema) -> None:
    """Usage in two views, sums of it, and the directory.

    Codes: view 0 key, 1 creator. Granularity 0 minute, 1 hour, 2 day, 3 month. Dimension 0 all
    (of the key view), 1 model, 2 key, 3 creator, 4 all (of the creator view). Buckets are seconds
    since 1970, money is nano-dollars.
    """
    for statement in (
        """CREATE TABLE usage (
            view INTEGER NOT NULL, granularity INTEGER NOT NULL, bucket INTEGER NOT NULL,
            member INTEGER NOT NULL, model INTEGER NOT NULL, requests INTEGER NOT NULL,
            byok_requests INTEGER NOT NULL, prompt INTEGER NOT NULL, completion INTEGER NOT NULL,
            reasoning INTEGER NOT NULL, credits INTEGER NOT NULL, byok INTEGER NOT NULL,
            PRIMARY KEY (view, granularity, bucket, member, model)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE total (
            dimension INTEGER NOT NULL, granularity INTEGER NOT NULL, member INTEGER NOT NULL,
            bucket INTEGER NOT NULL, requests INTEGER NOT NULL,
            byok_requests INTEGER NOT NULL, prompt INTEGER NOT NULL, completion INTEGER NOT NULL,
            reasoning INTEGER NOT NULL, credits INTEGER NOT NULL, byok INTEGER NOT NULL,
            PRIMARY KEY (dimension, granularity, member, bucket)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE member (
            id INTEGER PRIMARY KEY, dimension INTEGER NOT NULL, ref TEXT NOT NULL,
            name TEXT NOT NULL, detail TEXT NOT NULL DEFAULT '', owner INTEGER,
            gone INTEGER NOT NULL DEFAULT 0, UNIQUE (dimension, ref)
        ) STRICT""",
        "CREATE INDEX member_by_dimension ON member (dimension, id)",
        """CREATE TABLE held (
            granularity INTEGER NOT NULL, start INTEGER NOT NULL, until INTEGER NOT NULL,
            PRIMARY KEY (granularity, start)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE sync (
            granularity INTEGER PRIMARY KEY, synced_at INTEGER NOT NULL
        ) STRICT""",
        """CREATE TABLE note (
            id INTEGER PRIMARY KEY, granularity INTEGER NOT NULL, start INTEGER NOT NULL,
            until INTEGER NOT NULL, words TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE lease (
            name TEXT PRIMARY KEY, owner TEXT NOT NULL, until INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""",
        "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    ):
        db.execute(statement)
    db.execute(
        "INSERT INTO member (dimension, ref, name) VALUES (2, '', '(chatroom)'),"
        " (3, '', '(no creator)')"
    )


@migration
def m002_imported(db: Schema) -> None:
    """The buckets imported from a file, until a sync from OpenRouter replaces them.

    `until` is the bucket's end, or the time of the import if that was earlier. `open`: the newest
    bucket of its file, which may have been unfinished when the file was made.
    """
    db.execute(
        """CREATE TABLE imported (
            granularity INTEGER NOT NULL, bucket INTEGER NOT NULL, until INTEGER NOT NULL,
            open INTEGER NOT NULL, PRIMARY KEY (granularity, bucket)
        ) STRICT, WITHOUT ROWID"""
    )


@migration
def m003_schedules(db: Schema) -> None:
    """Schedules, their runs, and the notices to their owners.

    Times are milliseconds since 1970 (leases are short). A run's `period` is a local date, not an
    instant, and unique with its schedule and recipient. `next_at` is when a run may be claimed
    (again): after a lease, a pause, or an uncertain outcome. `fence` counts claims.
    """
    for statement in (
        """CREATE TABLE schedule (
            id TEXT PRIMARY KEY, maker TEXT NOT NULL, email TEXT NOT NULL, question TEXT NOT NULL,
            rule TEXT NOT NULL, at TEXT NOT NULL, zone TEXT NOT NULL, target TEXT NOT NULL,
            channel TEXT NOT NULL, name TEXT NOT NULL, members TEXT NOT NULL, made_at INTEGER
            NOT NULL, paused TEXT, errors INTEGER NOT NULL DEFAULT 0, next_day TEXT NOT NULL,
            next_at INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX schedule_due ON schedule (next_at) WHERE paused IS NULL AND gone = 0",
        "CREATE INDEX schedule_by_maker ON schedule (maker, made_at) WHERE gone = 0",
        """CREATE TABLE run (
            id INTEGER PRIMARY KEY, schedule TEXT NOT NULL, recipient TEXT NOT NULL,
            period TEXT NOT NULL, asked_by TEXT NOT NULL DEFAULT '', place TEXT NOT NULL,
            due_at INTEGER NOT NULL, noticed_at INTEGER NOT NULL, next_at INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN
                ('due', 'sending', 'posted', 'sent', 'uncertain', 'failed', 'skipped')),
            payload TEXT, spend INTEGER, fence INTEGER NOT NULL DEFAULT 0,
            owner TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
            sending_at INTEGER, channel TEXT NOT NULL DEFAULT '', ts TEXT NOT NULL DEFAULT '',
            how TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '', ended_at INTEGER,
            UNIQUE (schedule, recipient, period)
        ) STRICT""",
        "CREATE INDEX run_open ON run (next_at, place) WHERE state IN ('due', 'sending', 'posted')",
        "CREATE INDEX run_by_schedule ON run (schedule, due_at)",
        """CREATE TABLE withdrawn (
            run INTEGER NOT NULL, ts TEXT NOT NULL, PRIMARY KEY (run, ts)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE place (
            id TEXT PRIMARY KEY, free_at INTEGER NOT NULL DEFAULT 0,
            checked_at INTEGER NOT NULL DEFAULT 0, name TEXT NOT NULL DEFAULT ''
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE notice (
            id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, person TEXT NOT NULL,
            message TEXT NOT NULL, next_at INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
            told_at INTEGER
        ) STRICT""",
        "CREATE INDEX notice_open ON notice (next_at) WHERE told_at IS NULL",
    ):
        db.execute(statement)


@migration
def m004_since(db: Schema) -> None:
    """When each key was created: earlier usage under its name belongs to a namesake."""
    db.execute("ALTER TABLE member ADD COLUMN since INTEGER")


@migration
def m005_alerts(db: Schema) -> None:
    """Alert rules, their states, events and messages.

    Times are milliseconds since 1970. A state belongs to a rule, a subject (a member, or all) and a
    period; a subject without a state hasn't triggered. An event is written together with the state
    that it changes; a telling is a message about one or more events; its key identifies it in
    Slack.
    """
    for statement in (
        """CREATE TABLE alert_rule (
            id TEXT PRIMARY KEY, maker TEXT NOT NULL, email TEXT NOT NULL, words TEXT NOT NULL,
            members TEXT NOT NULL DEFAULT '[]', version INTEGER NOT NULL DEFAULT 1,
            made_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, paused TEXT,
            gone INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX alert_rule_by_maker ON alert_rule (maker, made_at) WHERE gone = 0",
        """CREATE TABLE alert_state (
            rule TEXT NOT NULL, subject TEXT NOT NULL, period TEXT NOT NULL, state TEXT NOT NULL,
            data TEXT NOT NULL, crossings INTEGER NOT NULL, changed_at INTEGER NOT NULL,
            telling INTEGER, acknowledged TEXT, PRIMARY KEY (rule, subject, period)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE alert_event (
            id INTEGER PRIMARY KEY, rule TEXT NOT NULL, version INTEGER NOT NULL,
            subject TEXT NOT NULL, period TEXT NOT NULL, crossing INTEGER NOT NULL,
            kind TEXT NOT NULL, facts TEXT NOT NULL, urgent INTEGER NOT NULL,
            at INTEGER NOT NULL, next_at INTEGER NOT NULL, fence INTEGER NOT NULL DEFAULT 0,
            state TEXT NOT NULL DEFAULT 'pending'
                CHECK (state IN ('pending', 'telling', 'told', 'dropped')),
            telling INTEGER, why TEXT NOT NULL DEFAULT '',
            UNIQUE (rule, version, subject, period, crossing, kind)
        ) STRICT""",
        "CREATE INDEX alert_event_open ON alert_event (next_at) WHERE state = 'pending'",
        "CREATE INDEX alert_event_by_telling ON alert_event (telling) WHERE telling IS NOT NULL",
        """CREATE TABLE alert_telling (
            id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, place TEXT NOT NULL,
            note TEXT NOT NULL DEFAULT '', root INTEGER, made_at INTEGER NOT NULL,
            next_at INTEGER NOT NULL, fence INTEGER NOT NULL DEFAULT 0,
            tries INTEGER NOT NULL DEFAULT 0, sending_at INTEGER,
            state TEXT NOT NULL DEFAULT 'due'
                CHECK (state IN ('due', 'sending', 'sent', 'failed')),
            channel TEXT NOT NULL DEFAULT '', ts TEXT NOT NULL DEFAULT '',
            stale INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT ''
        ) STRICT""",
        """CREATE INDEX alert_telling_open ON alert_telling (next_at)
            WHERE state IN ('due', 'sending') OR stale = 1""",
        """CREATE TABLE alert_hold (
            rule TEXT NOT NULL, subject TEXT NOT NULL, until INTEGER, period TEXT NOT NULL,
            person TEXT NOT NULL, PRIMARY KEY (rule, subject)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE alert_quiet (
            person TEXT PRIMARY KEY, since TEXT NOT NULL, until TEXT NOT NULL
        ) STRICT, WITHOUT ROWID""",
    ):
        db.execute(statement)


@migration
def m006_audit(db: Schema) -> None:
    """The audit log; `at` is milliseconds since 1970."""
    for statement in (
        """CREATE TABLE audit (
            id INTEGER PRIMARY KEY, at INTEGER NOT NULL, person TEXT NOT NULL, email TEXT NOT NULL,
            act TEXT NOT NULL, what TEXT NOT NULL, place TEXT NOT NULL, outcome TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX audit_by_time ON audit (at)",
        "CREATE INDEX audit_by_person ON audit (person, at)",
    ):
        db.execute(statement)


@migration
def m007_memory(db: Schema) -> None:
    """Keys that may be claimed only once, and answer states too long for a message.

    `until` is seconds since 1970; expired rows are ignored and deleted.
    """
    for statement in (
        """CREATE TABLE memory (
            key TEXT PRIMARY KEY, value TEXT NOT NULL, until INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX memory_by_end ON memory (until)",
    ):
        db.execute(statement)


@migration
def m008_parts(db: Schema) -> None:
    """Sums ordered by part of time first, so that those of a window share pages."""
    db.execute(
        """CREATE TABLE sums (
            dimension INTEGER NOT NULL, granularity INTEGER NOT NULL, part INTEGER NOT NULL,
            member INTEGER NOT NULL, bucket INTEGER NOT NULL, requests INTEGER NOT NULL,
            byok_requests INTEGER NOT NULL, prompt INTEGER NOT NULL, completion INTEGER NOT NULL,
            reasoning INTEGER NOT NULL, credits INTEGER NOT NULL, byok INTEGER NOT NULL,
            PRIMARY KEY (dimension, granularity, part, member, bucket)
        ) STRICT, WITHOUT ROWID"""
    )
    for code, length in ((0, 3_600), (1, 86_400), (2, 691_200), (3, 100_000_000_000)):
        db.execute(
            "INSERT INTO sums (dimension, granularity, part, member, bucket, requests,"
            " byok_requests, prompt, completion, reasoning, credits, byok)"
            f" SELECT dimension, granularity, bucket / {length}, member, bucket, requests,"
            " byok_requests, prompt, completion, reasoning, credits, byok"
            f" FROM total WHERE granularity = {code} ORDER BY 1, 2, 3, 4, 5"
        )
    db.execute("DROP TABLE total")
    db.execute("ALTER TABLE sums RENAME TO total")


@migration
def m009_report_opt_out(db: Schema) -> None:
    """Reports to every creator that a person no longer wants; `at` is milliseconds since 1970."""
    db.execute(
        """CREATE TABLE report_opt_out (
            person TEXT NOT NULL, schedule TEXT NOT NULL, question TEXT NOT NULL,
            at INTEGER NOT NULL, PRIMARY KEY (person, schedule)
        ) STRICT, WITHOUT ROWID"""
    )


@migration
def m010_log_requests(db: Schema) -> None:
    """Requests imported from Logs exports, so that duplicates count once.

    `request` is a number derived from the request's id; `bucket` is the one it was counted in.
    """
    db.execute(
        """CREATE TABLE log_request (
            granularity INTEGER NOT NULL, bucket INTEGER NOT NULL, request INTEGER NOT NULL,
            PRIMARY KEY (granularity, bucket, request)
        ) STRICT, WITHOUT ROWID"""
    )


@migration
def m011_day_parts(db: Schema) -> None:
    """Days in parts of eight days, even if an early m008 created parts of sixteen.

    A file written by both versions has two rows for some buckets, which add up to the correct sum.
    """
    figures = ("requests", "byok_requests", "prompt", "completion", "reasoning", "credits", "byok")
    names = ", ".join(figures)
    sums = ", ".join(f"SUM({name})" for name in figures)
    added = ", ".join(f"{name} = total.{name} + excluded.{name}" for name in figures)
    misplaced = "granularity = 2 AND part <> bucket / 691200"
    db.execute(
        f"CREATE TEMP TABLE moved AS SELECT dimension, member, bucket, {names} FROM total"
        f" WHERE {misplaced}"
    )
    db.execute(f"DELETE FROM total WHERE {misplaced}")
    db.execute(
        f"INSERT INTO total (dimension, granularity, part, member, bucket, {names})"
        f" SELECT dimension, 2, bucket / 691200, member, bucket, {sums} FROM moved"
        " WHERE TRUE GROUP BY dimension, member, bucket"
        f" ON CONFLICT (dimension, granularity, part, member, bucket) DO UPDATE SET {added}"
    )
    db.execute("DROP TABLE moved")


@migration
def m012_cache(db: Schema) -> None:
    """Cached tokens, what caching saved (nano-dollars), and the times for which these are known.

    Elsewhere stored usage has 0, because they were never requested or not returned.
    """
    for statement in (
        "ALTER TABLE usage ADD COLUMN cached INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE usage ADD COLUMN saved INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE total ADD COLUMN cached INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE total ADD COLUMN saved INTEGER NOT NULL DEFAULT 0",
        """CREATE TABLE figure_known (
            figure TEXT NOT NULL, granularity INTEGER NOT NULL, start INTEGER NOT NULL,
            until INTEGER NOT NULL, PRIMARY KEY (figure, granularity, start)
        ) STRICT, WITHOUT ROWID""",
    ):
        db.execute(statement)


@migration
def m013_months(db: Schema) -> None:
    """Rows by month in both views: the sums of the rows by day.

    Months imported from files already have monthly rows. Each month is a separate statement,
    because the two engines name months differently.
    """
    figures = ("requests", "byok_requests", "prompt", "completion", "reasoning", "credits", "byok",
               "cached", "saved")  # fmt: skip
    names = ", ".join(figures)
    sums = ", ".join(f"SUM({name})" for name in figures)
    firsts = [
        int(datetime(year, month, 1, tzinfo=UTC).timestamp())
        for year in range(2020, 2040)
        for month in range(1, 13)
    ]
    for first, following in pairwise(firsts):
        db.execute(
            f"INSERT INTO usage (view, granularity, bucket, member, model, {names})"
            f" SELECT view, 3, {first}, member, model, {sums} FROM usage"
            f" WHERE view IN (0, 1) AND granularity = 2 AND bucket >= {first}"
            f" AND bucket < {following} AND NOT EXISTS"
            f" (SELECT 1 FROM imported WHERE granularity = 3 AND imported.bucket = {first})"
            " GROUP BY view, member, model"
        )


@migration
def m014_month_filled(db: Schema) -> None:
    """How many of the rows by day are included in the rows by month; all, if a view has no row
    here.

    Included are the days before `bucket`, and on that day the members with ids up to `member`.
    """
    db.execute(
        """CREATE TABLE month_filled (
            view INTEGER PRIMARY KEY, bucket INTEGER NOT NULL, member INTEGER NOT NULL
        ) STRICT"""
    )


@migration
def m015_month_parts(db: Schema) -> None:
    """Sums by month in parts of 122 days, so that those of one month share pages.

    In a single part, each member's months were stored side by side, so writing one month of all
    members touched the pages of all months.
    """
    figures = ("requests", "byok_requests", "prompt", "completion", "reasoning", "credits", "byok",
               "cached", "saved")  # fmt: skip
    names = ", ".join(figures)
    db.execute(
        f"CREATE TEMP TABLE moved AS SELECT dimension, member, bucket, {names} FROM total"
        " WHERE granularity = 3"
    )
    db.execute("DELETE FROM total WHERE granularity = 3")
    db.execute(
        f"INSERT INTO total (dimension, granularity, part, member, bucket, {names})"
        f" SELECT dimension, 3, bucket / 10540800, member, bucket, {names} FROM moved"
        " ORDER BY 1, 3, 4, 5"
    )
    db.execute("DROP TABLE moved")


@migration
def m016_fewer_sums(db: Schema) -> None:
    """No sums of keys and creators by minute, and of creators by hour: rows are read instead."""
    db.execute("DELETE FROM total WHERE dimension IN (2, 3) AND granularity = 0")
    db.execute("DELETE FROM total WHERE dimension = 3 AND granularity = 1")
