"""Files fill what the cache does not hold, once, and give way to OpenRouter."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import __main__ as commands
from bot.answers.answer import answer
from bot.answers.write_file import Format, Job, write_file
from bot.demo.openrouter.server import LocalOpenRouter
from bot.imports.import_csv import FileRefusedError, Imported, import_files
from bot.imports.summary_text import summary
from bot.store import Database, Store
from bot.store.encoding import StoredView, to_seconds
from reports.questions.grammar import QuestionCommand, parse
from reports.questions.summary import Summary
from reports.time.time_range import DAY, Granularity
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import Usage, dollars
from reports.usage.windows_to_fetch import Window
from tests import databases, world

NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)
DOLLAR = 10**9
HEADER = "Date,Slug,Usage,BYOK Usage,Requests,Prompt Tokens,Completion Tokens,Reasoning Tokens{}\n"
KEYS = [("h-prod", "prod", "sk-1"), ("h-evals", "evals", "sk-2"), ("h-free", "free", "sk-3")]
PEOPLE = [("u-ada", "Ada", "ada@x.org"), ("u-bob", "Bob", "bob@x.org")]
OWNERS = [("h-prod", "u-ada"), ("h-evals", "u-bob"), ("h-free", "")]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    Database(databases.at(path)).close()
    return path


@pytest.fixture
def fresh(template: Path, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Makes empty caches."""
    numbers = count()
    made: list[Store] = []

    def make() -> Store:
        path = tmp_path / f"{next(numbers)}.db"
        databases.copy(template, path)
        made.append(Store(Database(databases.at(path))))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(fresh: Callable[[], Store]) -> Store:
    return fresh()


def line(date: str, member: str | None, usage: Usage, slug: str = "openai/gpt-5") -> str:
    figures = [dollars(usage.credits), dollars(usage.byok), usage.requests, usage.prompt]
    figures += [usage.completion, usage.reasoning]
    values = [date, slug, *map(str, figures), *([] if member is None else [member])]
    return ",".join(f'"{value}"' for value in values) + "\n"


def spent(amount: int) -> Usage:
    return Usage(1, 0, 10 * amount, amount, 0, amount * DOLLAR, 0)


def write(path: Path, by: str, *lines: str) -> str:
    path.write_text(HEADER.format(f",{by}" if by else "") + "".join(lines), newline="")
    return str(path)


def bring(store: Store, *files: str, granularity: Granularity | None = None) -> list[Imported]:
    return import_files(store, files, NOW, granularity)


def ask(store: Store, words: str) -> Summary:
    parsed = parse(words)
    assert isinstance(parsed, QuestionCommand)
    found = answer(store, parsed.query, NOW, "UTC", whole=True)
    assert isinstance(found, Summary), found
    return found


def groups(store: Store, words: str) -> dict[str, int]:
    """Whole dollars by group."""
    found = ask(store, words).metrics[Metric.SPEND].groups
    assert all(group.sum % DOLLAR == 0 for group in found)
    return {group.label: group.sum // DOLLAR for group in found}


def spend(store: Store, words: str) -> int:
    nano = ask(store, f"spend {words}").metrics[Metric.SPEND].sum
    assert nano % DOLLAR == 0
    return nano // DOLLAR


def export(store: Store, words: str) -> bytes:
    out = io.BytesIO()
    write_file(store, Job(words, NOW, "UTC", Format.CSV), out)
    return out.getvalue()


def sync(
    store: Store,
    granularity: Granularity,
    start: datetime,
    end: datetime,
    rows: Iterable[tuple[datetime, str, str, str, Usage]],
) -> None:
    """What a pull does: the rows (bucket, key, creator, model, usage) replace a window."""
    rows = list(rows)
    models = {row[3] for row in rows}
    ids = store.add_members(Dimension.MODEL, [(slug, slug, "") for slug in sorted(models)]).ids
    kept = []
    for bucket, key, creator, model, usage in rows:
        slug = ids[Dimension.MODEL, model]
        for view, member in (
            (StoredView.KEY, ids[Dimension.KEY, key]),
            (StoredView.CREATOR, ids[Dimension.CREATOR, creator]),
        ):
            kept.append(((view, to_seconds(bucket), member, slug), usage))
    store.replace(Window(granularity, start, end), kept, None)


def dump(store: Store) -> list[str]:
    """All that an import may change in the database, but for its counters."""
    tables = ("usage", "total", "member", "held", "sync", "note", "imported", "log_request")
    with store._db.read() as connection:
        return [
            f"{table} {row}"
            for table in tables
            for row in sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=str)
        ]


# -- our own exports


MEMBERS = [("h-prod", "u-ada"), ("h-evals", "u-bob"), ("h-free", ""), ("", "u-ada"), ("", "")]
FIGURE = st.integers(0, 10**13)
_NONE = st.just(0)
"""What the CSV files have no column for."""
MADE = st.builds(
    Usage, st.integers(1, 10**6), _NONE, FIGURE, FIGURE, FIGURE, FIGURE, FIGURE, _NONE, _NONE
)
SPANS = {
    "1h": (Granularity.MINUTE, timedelta(minutes=1), 60),
    "1d": (Granularity.HOUR, timedelta(hours=1), 24),
    "1m": (Granularity.DAY, DAY, 31),
    "1y": (Granularity.DAY, DAY, 380),
}


@pytest.mark.parametrize("words", SPANS)
def test_our_own_exports_come_in_to_the_same_totals(
    fresh: Callable[[], Store], tmp_path: Path, words: str
) -> None:
    stored, step, most = SPANS[words]
    chosen = Granularity.MONTH if words == "1y" else stored
    newest = {
        Granularity.MINUTE: NOW.replace(second=0),
        Granularity.HOUR: NOW.replace(minute=0, second=0),
    }.get(stored, NOW.replace(hour=0, minute=0, second=0))
    place = st.tuples(st.integers(0, most), st.sampled_from(MEMBERS), st.sampled_from("abc"))

    @given(
        st.dictionaries(place, MADE, min_size=1, max_size=12),
        st.sampled_from(["", "by model", "by key", "by creator"]),
    )
    @settings(max_examples=8, deadline=None)
    def check(used: dict[tuple[int, tuple[str, str], str], Usage], by: str) -> None:
        ours, theirs = fresh(), fresh()
        ours.list_members(KEYS, PEOPLE, OWNERS)
        sync(
            ours,
            stored,
            newest - most * step,
            NOW,
            ((newest - n * step, key, who, slug, u) for (n, (key, who), slug), u in used.items()),
        )
        file = tmp_path / "export.csv"
        file.write_bytes(export(ours, f"{words} {by}"))
        bring(theirs, str(file), granularity=chosen)
        for grouped in ("", "by model", "by key", "by creator"):
            mine, others = ask(ours, f"{words} {grouped}"), ask(theirs, f"{words} {grouped}")
            assert [m.buckets for m in mine.metrics.values()] == [
                m.buckets for m in others.metrics.values()
            ]
            assert mine.totals == others.totals
            if grouped == by:
                assert [
                    [(g.label, g.buckets) for g in m.groups] for m in mine.metrics.values()
                ] == [[(g.label, g.buckets) for g in m.groups] for m in others.metrics.values()]

    check()


@pytest.mark.parametrize(
    ("words", "name"), [("1h", "minute"), ("1d", "hour"), ("1m", "day"), ("1y", "month")]
)
def test_what_the_dates_of_an_export_are_is_found(
    fresh: Callable[[], Store], tmp_path: Path, words: str, name: str
) -> None:
    ours, theirs = fresh(), fresh()
    stored, step, most = SPANS[words]
    start = (NOW - most * step).replace(second=0, microsecond=0)
    start = start.replace(minute=0) if words == "1d" else start
    start = start.replace(hour=0, minute=0) if stored is Granularity.DAY else start
    buckets = [start + n * step for n in range(0, most, 3)]
    sync(ours, stored, start, NOW, ((b, "", "", "m", spent(2)) for b in buckets))
    file = tmp_path / "export.csv"
    file.write_bytes(export(ours, words))
    [done] = bring(theirs, str(file))
    assert done.dates_found is not None
    assert done.dates_found.granularity == name
    assert ask(theirs, words).totals == ask(ours, words).totals


# -- once, and only what is missing


def march(tmp_path: Path, *amounts: int, by: str = "API Key", name: str = "march.csv") -> str:
    """A file by day from 1 March 2024 on; a day of 0 has no row."""
    days = [(f"2024-03-{day:02} 00:00:00", amount) for day, amount in enumerate(amounts, 1)]
    rows = [line(date, "prod" if by else None, spent(n)) for date, n in days if n]
    return write(tmp_path / name, by, *rows)


def test_the_same_file_twice_doubles_nothing(store: Store, tmp_path: Path) -> None:
    file = march(tmp_path, 1, 2, 3)
    bring(store, file)
    before = dump(store)
    [done, again] = bring(store, file, file)
    assert dump(store) == before
    assert (
        summary(done)
        == summary(again)
        == (f"{file}: nothing imported; 3 days were already stored and weren't changed.")
    )
    assert spend(store, "2024-03") == 6


def test_only_usage_that_is_not_stored_is_imported_and_reported(
    store: Store, tmp_path: Path
) -> None:
    store.list_members(KEYS, PEOPLE, OWNERS)
    sync(store, Granularity.DAY, at("2024-03-02"), at("2024-03-04"),
         [(at("2024-03-03"), "h-prod", "u-ada", "x", spent(100))])  # fmt: skip
    file = march(tmp_path, 1, 2, 4, 8, 0, 16)
    [done] = bring(store, file)
    assert summary(done).splitlines() == [
        (
            f"{file}: 3 rows of 4 days imported (2024-03-01 to 2024-03-06, by API key);"
            " 2 days were already stored and weren't changed."
        ),
        "  1 day in this range has no rows and was imported as zero usage.",
        (
            "  The newest day, 2024-03-06, may have been unfinished when the file was made:"
            " a sync, or a later file, will replace it."
        ),
        "  Exports don't contain the number of BYOK requests, so imported usage has none.",
    ]
    assert spend(store, "2024-03") == 1 + 100 + 8 + 16


def test_a_sync_replaces_what_a_file_brought(store: Store, tmp_path: Path) -> None:
    store.list_members(KEYS, PEOPLE, OWNERS)
    bring(store, march(tmp_path, 1, 2, 4, 8))
    assert store.state().pulled[Granularity.DAY] == ()
    sync(store, Granularity.DAY, at("2024-03-02"), at("2024-03-04"),
         [(at("2024-03-03"), "h-prod", "u-ada", "x", spent(100))])  # fmt: skip
    assert spend(store, "2024-03") == 1 + 100 + 8
    state = store.state()
    assert state.coverage[Granularity.DAY] == ((at("2024-03-01"), at("2024-03-05")),)
    assert state.pulled[Granularity.DAY] == ((at("2024-03-02"), at("2024-03-04")),)
    bring(store, march(tmp_path, 7, 7, 7, 7))
    assert spend(store, "2024-03") == 1 + 100 + 8


def test_the_sync_pulls_what_openrouter_has_although_a_file_brought_it(
    filled: tuple[LocalOpenRouter, Path], openrouter: LocalOpenRouter, tmp_path: Path, store: Store
) -> None:
    # at any time of the day, OpenRouter has usage of these days: of a time without any, it may have
    # forgotten what the file brought
    days = [world.now() - n * DAY for n in range(2)]
    rows = [line(f"{day:%Y-%m-%d}", "prod", spent(1_000)) for day in days]
    import_files(store, [write(tmp_path / "a.csv", "API Key", *rows)], world.now())
    world.fill(openrouter, store._db.address)
    with closing(Store(Database(databases.at(filled[1])))) as expected:
        now = world.now()
        parsed = parse("spend 7d by key")
        assert isinstance(parsed, QuestionCommand)
        ours, theirs = (answer(s, parsed.query, now, "UTC", whole=True) for s in (store, expected))
        assert isinstance(ours, Summary)
        assert isinstance(theirs, Summary)
        assert ours.metrics[Metric.SPEND].groups == theirs.metrics[Metric.SPEND].groups


def test_the_newest_day_of_a_file_gives_way_to_a_file_that_goes_on(
    store: Store, tmp_path: Path
) -> None:
    bring(store, march(tmp_path, 1, 2, 3))
    bring(store, march(tmp_path, 50, 50, 30, 4))
    assert spend(store, "2024-03") == 1 + 2 + 30 + 4
    bring(store, march(tmp_path, 60, 60, 60))
    bring(store, march(tmp_path, 60, 60, 60, 60))
    assert spend(store, "2024-03") == 1 + 2 + 30 + 4


def test_a_day_without_rows_in_the_file_that_goes_on_is_no_reason_to_drop_one(
    store: Store, tmp_path: Path
) -> None:
    bring(store, march(tmp_path, 1, 2, 3))
    bring(store, march(tmp_path, 0, 1, 0, 4))
    assert spend(store, "2024-03") == 1 + 2 + 3 + 4


def test_old_hours_that_a_file_brought_outlive_the_nightly_cleaning(
    store: Store, tmp_path: Path
) -> None:
    dates = ("2024-03-05 01:00:00", "2024-03-05 22:00:00", "2024-03-05 23:00:00")
    bring(store, write(tmp_path / "a.csv", "", *(line(d, None, spent(3)) for d in dates)))
    recent = NOW.replace(minute=0, second=0) - 200 * DAY
    sync(store, Granularity.HOUR, recent, recent + DAY, [(recent, "", "", "m", spent(5))])
    store.forget(Granularity.HOUR, NOW - 100 * DAY)
    assert spend(store, "2024-03-05") == 9
    assert store.state().coverage[Granularity.HOUR] == (
        (at("2024-03-05T01:00"), at("2024-03-06T00:00")),
    )


# -- whose it is


def key_file(tmp_path: Path, *names: str) -> str:
    rows = [line("2024-03-01", name, spent(2**n)) for n, name in enumerate(names)]
    return write(tmp_path / "keys.csv", "API Key", *rows, line("2024-03-02", "", spent(1_000)))


def test_names_mean_who_alone_is_called_so_and_keys_find_their_owners(
    store: Store, tmp_path: Path
) -> None:
    twins = [("h-p2", "twin", "sk-8"), ("h-p3", "twin", "sk-9")]
    store.list_members([*KEYS, *twins], PEOPLE, [*OWNERS, ("h-p2", "u-bob"), ("h-p3", "")])
    bring(store, key_file(tmp_path, "prod", "evals", "free", "twin", "twin (sk-9)", "gone"))
    assert groups(store, "spend 2024-03 by key") == {
        "(chatroom)": 1000,
        "prod": 1,
        "evals": 2,
        "free": 4,
        "twin (imported)": 8,
        "twin (sk-9)": 16,
        "gone": 32,
    }
    assert groups(store, "spend 2024-03 by creator") == {
        "Ada": 1,
        "Bob": 2,
        "(no creator)": 4 + 16,
        "(imported, creator unknown)": 1000 + 8 + 32,
    }


def test_a_file_by_creator_knows_people_by_name_label_or_address_but_no_keys(
    store: Store, tmp_path: Path
) -> None:
    people = [*PEOPLE, ("u-c1", "Cy", "c1@x.org"), ("u-c2", "Cy", "c2@x.org")]
    store.list_members(KEYS, people, OWNERS)
    names = ["Ada", "bob@x.org", "Cy", "Cy (c2@x.org)", "", "(no creator)", "Zed"]
    rows = [line("2024-03-01", name, spent(2**n)) for n, name in enumerate(names)]
    bring(store, write(tmp_path / "a.csv", "Creator", *rows))
    assert groups(store, "spend 2024-03 by creator") == {
        "Ada": 1,
        "Bob": 2,
        "Cy (imported)": 4,
        "Cy (c2@x.org)": 8,
        "(no creator)": 16 + 32,
        "Zed": 64,
    }
    assert groups(store, "spend 2024-03 by key") == {"(imported, key unknown)": 127}


def test_a_file_by_model_knows_neither(store: Store, tmp_path: Path) -> None:
    store.list_members(KEYS, PEOPLE, OWNERS)
    bring(store, march(tmp_path, 1, 2, by=""))
    assert groups(store, "spend 2024-03 by key") == {"(imported, key unknown)": 3}
    assert groups(store, "spend 2024-03 by creator") == {"(imported, creator unknown)": 3}
    assert groups(store, "spend 2024-03 by model") == {"openai/gpt-5": 3}


def test_two_names_of_one_member_are_added_up(store: Store, tmp_path: Path) -> None:
    store.list_members(KEYS, PEOPLE, OWNERS)
    rows = [line("2024-03-01", name, spent(1)) for name in ("Ada", "ada@x.org", "Ada")]
    bring(store, write(tmp_path / "a.csv", "Creator", *rows))
    assert groups(store, "spend 2024-03 by creator") == {"Ada": 3}


@pytest.mark.parametrize("by", ["", "API Key", "Creator"])
def test_keys_and_creators_together_add_up_as_well(store: Store, tmp_path: Path, by: str) -> None:
    store.list_members(KEYS, PEOPLE, OWNERS)
    names: dict[str, list[str | None]] = {
        "": [None],
        "API Key": ["prod", "evals", "free", "gone", ""],
        "Creator": ["Ada", "Bob", ""],
    }
    rows = [line("2024-03-01", name, spent(2**n)) for n, name in enumerate(names[by])]
    bring(store, write(tmp_path / "a.csv", by, *rows))
    whole = spend(store, "2024-03")
    by_creator = groups(store, "spend 2024-03 by creator")
    assert sum(by_creator.values()) == whole
    assert groups(store, "spend 2024-03 by creator key:*") == by_creator
    crossed = groups(store, "spend 2024-03 by key creator:*")
    assert sum(crossed.values()) == whole
    assert all(amount >= 0 for amount in crossed.values())
    if "Ada" in by_creator:
        assert spend(store, "2024-03 creator:Ada key:*") == by_creator["Ada"]
    notes = ask(store, "spend 2024-03 by key creator:*").partial
    assert "usage from imported files without API keys may appear under (chatroom)" in notes
    assert not any("files" in note for note in ask(store, "1m by key creator:*").partial)


def named_usage(store: Store) -> list[tuple[object, ...]]:
    """All usage and all sums, by what the members are called instead of their ids."""
    labels = store.directory().labels
    with store._db.read() as connection:
        usage = [
            (row[0], row[1], row[2], labels[row[3]], labels[row[4]], *row[5:])
            for row in connection.execute("SELECT * FROM usage")
        ]
        sums = [
            (row[0], row[1], labels.get(row[3], "all"), *row[4:])
            for row in connection.execute("SELECT * FROM total")
        ]
    return [*sorted(usage, key=str), *sorted(sums, key=str)]


@pytest.mark.parametrize("granularity", [Granularity.DAY, Granularity.MONTH])
def test_it_does_not_matter_whether_the_directory_or_the_file_comes_first(
    fresh: Callable[[], Store], tmp_path: Path, granularity: Granularity
) -> None:
    dates = ("2024-03-01", "2024-04-01") if granularity is Granularity.MONTH else ("2024-03-05",)
    names = ("prod", "evals", "free", "twin", "gone", "")
    keys = [
        line(date, name, spent(3**n), slug)
        for date in dates
        for slug in ("a", "b")
        for n, name in enumerate(names)
    ]
    file = write(tmp_path / "keys.csv", "API Key", *keys)
    listed = [*KEYS, ("h-t1", "twin", "sk-8"), ("h-t2", "twin", "sk-9")]
    first, last = fresh(), fresh()
    first.list_members(listed, PEOPLE, OWNERS)
    bring(first, file, granularity=granularity)
    bring(last, file, granularity=granularity)
    last.list_members(listed, PEOPLE, OWNERS)
    assert named_usage(last) == named_usage(first)
    assert last.directory().ids[Dimension.KEY, "h-prod"]


def test_a_deleted_key_that_openrouter_names_later_is_the_one_of_the_file(
    store: Store, tmp_path: Path
) -> None:
    bring(store, key_file(tmp_path, "old"))
    store.add_members(Dimension.KEY, [("deleted:old", "old", "")])
    assert groups(store, "spend 2024-03 by key") == {"(chatroom)": 1000, "old": 1}


def test_a_name_that_would_run_as_a_formula_is_kept_without_its_guard(
    fresh: Callable[[], Store], tmp_path: Path
) -> None:
    store = fresh()
    store.list_members([("h", "=cmd()", "sk")], [], [])
    bring(store, key_file(tmp_path, "'=cmd()"))
    assert groups(store, "spend 2024-03 by key")["=cmd()"] == 1
    file = tmp_path / "again.csv"
    file.write_bytes(export(store, "2024-03 by key"))
    again = fresh()
    bring(again, str(file))
    assert groups(again, "spend 2024-03 by key") == groups(store, "spend 2024-03 by key")


# -- months


def months_file(tmp_path: Path, amounts: dict[str, int], by: str = "API Key") -> str:
    rows = [
        line(f"{month}-01 00:00:00", name if by else None, spent(amount), slug)
        for month, amount in amounts.items()
        for name, slug in (("prod", "a"), ("evals", "b"))
    ]
    return write(tmp_path / "months.csv", by, *rows)


YEAR = "2024-01-01..2024-12-31"


def test_months_count_in_questions_by_month_with_all_filters_and_dimensions(
    store: Store, tmp_path: Path
) -> None:
    store.list_members(KEYS, PEOPLE, OWNERS)
    bring(store, months_file(tmp_path, {"2024-01": 1, "2024-02": 10, "2024-12": 100}))
    assert [n // DOLLAR for n in ask(store, f"spend {YEAR}").metrics[Metric.SPEND].buckets] == [
        2, 20, *[0] * 9, 200
    ]  # fmt: skip
    assert ask(store, YEAR).partial == ()
    both = {"prod": 111, "evals": 111}
    assert groups(store, f"spend {YEAR} by key") == both
    assert groups(store, f"spend {YEAR} by model") == {"a": 111, "b": 111}
    assert groups(store, f"spend {YEAR} by creator") == {"Ada": 111, "Bob": 111}
    assert groups(store, f"spend {YEAR} by key model:*") == both
    assert groups(store, f"spend {YEAR} by model key:prod") == {"a": 111}
    assert groups(store, f"spend {YEAR} by model creator:ada") == {"a": 111}
    assert groups(store, f"spend {YEAR} by key creator:*") == both
    assert spend(store, f"{YEAR} model:b") == 111
    assert spend(store, f"{YEAR} key:evals model:a") == 0
    for words in ("", "by key", "by creator", "by model", "by key model:*", "by key creator:*"):
        csv_sum = sum(float(row.split('","')[2]) for row in
                      export(store, f"{YEAR} {words}").decode().splitlines()[1:])  # fmt: skip
        assert csv_sum == 222


def test_a_month_cut_by_the_question_is_not_guessed_at(store: Store, tmp_path: Path) -> None:
    bring(store, months_file(tmp_path, {"2024-01": 1, "2024-02": 10, "2024-12": 100}))
    found = ask(store, "spend 2024-01-15..2024-12-31 by key")
    assert found.metrics[Metric.SPEND].sum == 220 * DOLLAR
    assert found.partial == ("no data before 1 Feb 2024",)
    cut = ask(store, "spend 2024-01-15..2024-12-30")
    assert cut.metrics[Metric.SPEND].sum == 20 * DOLLAR
    assert cut.partial == (
        "no data before 1 Feb 2024",
        "no data from 1 Dec 2024 on",
    )


def test_a_month_asked_for_by_day_is_answered_by_month(store: Store, tmp_path: Path) -> None:
    bring(store, months_file(tmp_path, {"2024-01": 1, "2024-02": 10}))
    found = ask(store, "spend 2024-02")
    assert found.metrics[Metric.SPEND].sum == 20 * DOLLAR
    assert found.metrics[Metric.SPEND].previous == 2 * DOLLAR
    assert found.range.granularity is Granularity.MONTH
    assert found.partial == ("shown by month, because not all days of this period are stored",)
    nothing = ask(store, "spend 2024-03")
    assert nothing.partial == ("no data for this period",)


def test_the_year_before_can_be_compared_with_once_it_was_imported(
    store: Store, tmp_path: Path
) -> None:
    first = at("2025-11-01")
    sync(store, Granularity.DAY, first, NOW,
         ((first + n * 30 * DAY, "", "", "m", spent(1)) for n in range(12)))  # fmt: skip
    assert ask(store, "spend 1y").metrics[Metric.SPEND].previous is None
    months = {f"{y}-{m:02}": 3 for y in (2024, 2025) for m in range(1, 13)}
    bring(store, months_file(tmp_path, {k: v for k, v in months.items() if k > "2024-09"}))
    found = ask(store, "spend 1y").metrics[Metric.SPEND]
    assert (found.sum, found.previous) == (12 * DOLLAR, 13 * 6 * DOLLAR)
    assert ask(store, "spend 1y").partial == ()


def test_a_month_with_stored_days_is_not_changed(store: Store, tmp_path: Path) -> None:
    sync(store, Granularity.DAY, at("2024-02-10"), at("2024-03-01"),
         [(at("2024-02-20"), "", "", "m", spent(7))])  # fmt: skip
    file = months_file(tmp_path, {"2024-01": 1, "2024-02": 10, "2024-03": 100})
    [done] = bring(store, file)
    assert summary(done).splitlines()[:2] == [
        (
            f"{file}: 4 rows of 2 months imported (2024-01 to 2024-03, by API key);"
            " 1 month was already stored, at least in part, and wasn't changed."
        ),
        (
            "  The newest month, 2024-03, may have been unfinished when the file was made:"
            " a sync, or a later file, will replace it."
        ),
    ]
    assert spend(store, YEAR) == 2 + 7 + 200


def test_the_running_month_counts_as_imported_until_its_days_are_stored(
    store: Store, tmp_path: Path
) -> None:
    bring(store, months_file(tmp_path, {"2026-10": 1, "2026-11": 10}))
    assert spend(store, "1y") == 22
    sync(store, Granularity.DAY, at("2026-11-21"), NOW, [(at("2026-11-21"), "", "", "m", spent(5))])
    assert spend(store, "1y") == 22
    store.replace(Window(Granularity.DAY, at("2026-11-21"), NOW), [], NOW)
    assert spend(store, "1y") == 22
    sync(store, Granularity.DAY, at("2026-11-01"), at("2026-11-21"),
         [(at("2026-11-03"), "", "", "m", spent(5))])  # fmt: skip
    assert spend(store, "1y") == 2 + 5
    assert store.state().imported[Granularity.MONTH] == ((at("2026-10-01"), at("2026-11-01")),)


JANUARY_TO_MARCH = [at("2024-01-01") + n * DAY for n in range(91)]
STRETCH = st.sampled_from([(0, 31), (31, 60), (0, 60), (0, 91), (10, 31), (0, 10)]) | st.tuples(
    st.integers(0, 90), st.integers(1, 91)
).filter(lambda ends: ends[0] < ends[1])
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("sync"), STRETCH),
        st.tuples(st.just("days"), STRETCH),
        st.tuples(st.just("months"), st.sampled_from([(0, 2), (0, 3), (1, 3)])),
        st.tuples(st.just("fill months"), STRETCH),
    ),
    min_size=2,
    max_size=6,
)


class Expected:
    """The rules in their plainest form, to hold the cache against."""

    def __init__(self) -> None:
        self.days: dict[datetime, int] = {}
        self.months: dict[datetime, int] = {}
        self.open: set[tuple[str, datetime]] = set()

    def sync(self, days: list[datetime], amount: int) -> None:
        self.days |= dict.fromkeys(days, amount)
        self.open -= {("days", day) for day in days}
        self._settle()

    def file(self, kind: str, buckets: list[datetime], amount: int) -> None:
        held: dict[datetime, int] = self.days if kind == "days" else self.months
        for bucket in buckets:
            gives_way = (kind, bucket) in self.open and bucket != buckets[-1]
            blocked = kind == "months" and any(self._of(bucket))
            if (bucket not in held or gives_way) and not blocked:
                held[bucket] = amount
                self.open.discard((kind, bucket))
                if bucket == buckets[-1]:
                    self.open.add((kind, bucket))
        self._settle()

    def month(self, first: datetime) -> int:
        return self.months.get(first, sum(self.days[day] for day in self._of(first)))

    def _of(self, month: datetime) -> list[datetime]:
        return [day for day in self.days if day.replace(day=1) == month]

    def _settle(self) -> None:
        whole = reduce(
            lambda n, day: n | {day.replace(day=1): n.get(day.replace(day=1), 0) + 1},
            JANUARY_TO_MARCH,
            dict[datetime, int](),
        )
        for month in [m for m in self.months if len(self._of(m)) == whole[m]]:
            del self.months[month]
            self.open.discard(("months", month))


def test_months_are_right_whatever_comes_in_whatever_order(
    fresh: Callable[[], Store], tmp_path: Path
) -> None:
    @given(DEEDS)
    @settings(max_examples=15, deadline=None)
    def check(deeds: list[tuple[str, tuple[int, int]]]) -> None:
        store, expected = fresh(), Expected()
        store.list_members(KEYS, PEOPLE, OWNERS)
        firsts = sorted({day.replace(day=1) for day in JANUARY_TO_MARCH})
        for number, (deed, (start, end)) in enumerate(deeds):
            amount = 10**number
            if deed == "sync":
                days = JANUARY_TO_MARCH[start:end]
                sync(store, Granularity.DAY, days[0], days[-1] + DAY,
                     ((day, "h-prod", "u-ada", "a", spent(amount)) for day in days))  # fmt: skip
                expected.sync(days, amount)
            elif deed == "fill months":
                store.fill_months(JANUARY_TO_MARCH[start], most=2)
                continue
            else:
                buckets = (firsts if deed == "months" else JANUARY_TO_MARCH)[start:end]
                rows = [line(f"{day:%Y-%m-%d}", "evals", spent(amount), "b") for day in buckets]
                chosen = Granularity.MONTH if deed == "months" else Granularity.DAY
                file = write(tmp_path / "deed.csv", "API Key", *rows)
                bring(store, file, granularity=chosen)
                expected.file(deed, buckets, amount)
            wanted = [expected.month(first) for first in firsts]
            for words in ("", "by key", "by model", "by creator", "by key model:*", "model:*",
                          "by key creator:*", "by model key:* creator:*"):  # fmt: skip
                found = ask(store, f"spend {YEAR} {words}").metrics[Metric.SPEND]
                assert [nano // DOLLAR for nano in found.buckets[:3]] == wanted, words
                assert sum(group.sum for group in found.groups) == found.sum
            cut = ask(store, "spend 2023-12-15..2024-12-30").metrics[Metric.SPEND]
            assert cut.sum == sum(wanted) * DOLLAR

    check()


# -- refused


BAD = [
    ('"2024-03-09","m","1","0","-1","0","0","0","k"\n', "line 4: Requests is “-1”"),
    ('"2024-03-09","m","NaN","0","1","0","0","0","k"\n', "line 4: Usage is “NaN”"),
    ('"2024-03-09 00:00:01","m","1","0","1","0","0","0","k"\n', "line 4: no minute starts at"),
    ('"2031-01-01","m","1","0","1","0","0","0","k"\n', "line 4: Date is “2031-01-01”: in the"),
    ('"2024-03-09"\n', "line 4: 1 values, but the header has 9"),
    ("x" * 1_000_000, "line 4: longer than 64 KiB"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_a_bad_line_refuses_all_files_and_writes_nothing(
    store: Store, tmp_path: Path, bad: str, reason: str
) -> None:
    before = dump(store)
    good = march(tmp_path, 1, 2, 3)
    rows = [line("2024-03-07", "k", spent(1)), line("2024-03-08", "k", spent(1))]
    file = write(tmp_path / "bad.csv", "API Key", *rows, bad)
    with pytest.raises(FileRefusedError) as caught:
        bring(store, good, file)
    assert str(caught.value).startswith(f"{file}: {reason}")
    assert str(caught.value).endswith(". Nothing was imported.")
    assert dump(store) == before


def test_a_bomb_is_refused_before_it_is_read(store: Store, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.csv"
    with bomb.open("wb") as out:
        out.truncate(200 * 2**20)
    with pytest.raises(FileRefusedError, match="larger than 64 MiB; export shorter periods"):
        bring(store, str(bomb))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_file_without_a_size_is_not_read_for_ever(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.imports.import_csv.LARGEST", 10 * 2**20)
    with pytest.raises(FileRefusedError, match="line 1: longer than 64 KiB"):
        bring(store, "/dev/zero")
    reading, writing = os.pipe()
    os.close(writing)
    with pytest.raises(FileRefusedError, match="the file is empty"):
        bring(store, f"/dev/fd/{reading}")
    os.close(reading)


def test_a_file_that_grows_while_it_is_read_stops_at_the_largest_size(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = march(tmp_path, *[1] * 31)
    monkeypatch.setattr("bot.imports.import_csv.LARGEST", 300)
    monkeypatch.setattr("os.fstat", lambda fd: os.stat_result([0] * 10))
    with pytest.raises(FileRefusedError, match="larger than"):
        bring(store, file)


def test_what_cannot_be_opened_is_said_plainly(store: Store, tmp_path: Path) -> None:
    with pytest.raises(FileRefusedError, match=r"none\.csv: No such file or directory\. Nothing"):
        bring(store, str(tmp_path / "none.csv"))
    with pytest.raises(FileRefusedError, match="Is a directory"):
        bring(store, str(tmp_path))


# -- the command


@contextmanager
def environment(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DATABASE_URL", databases.url(folder / "activity.db"))
    with world.quiet_logging():
        yield


def run(*arguments: str) -> int:
    try:
        commands.main(["import", *arguments])
    except SystemExit as exit_:
        return int(exit_.code or 0)
    return 0


def test_the_command_says_what_it_did_on_stdout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with environment(monkeypatch, tmp_path):
        march(tmp_path, 1, 0, 4, by="")
        assert run("march.csv", "march.csv") == 0
        said = capsys.readouterr()
        assert said.err == ""
        assert said.out.splitlines()[0] == (
            "march.csv: 2 rows of 3 days imported (2024-03-01 to 2024-03-03, by model)."
        )
        assert said.out.splitlines()[-1] == (
            "march.csv: nothing imported; 3 days were already stored and weren't changed."
        )


def test_the_command_fails_with_one_plain_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with environment(monkeypatch, tmp_path):
        write(tmp_path / "a.csv", "", line("2024-03-01", None, spent(1)).replace('"1"', '"1,0"'))
        assert run("a.csv") == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err == (
            "a.csv: line 2: Usage is “1,0”: a plain dollar amount is required."
            " Nothing was imported.\n"
        )


def test_a_single_date_is_a_day_unless_something_else_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with environment(monkeypatch, tmp_path):
        write(tmp_path / "a.csv", "", line("2024-03-01", None, spent(1)))
        assert run("a.csv") == 0
        assert capsys.readouterr().out.splitlines()[:2] == [
            "a.csv: 1 row of 1 day imported (2024-03-01, by model).",
            "  There is only one date, interpreted as a day; choose --granularity if that's wrong.",
        ]
        write(tmp_path / "b.csv", "", line("2024-05-01", None, spent(1)))
        assert run("b.csv", "--granularity", "month") == 0
        assert capsys.readouterr().out.startswith(
            "b.csv: 1 row of 1 month imported (2024-05, by model"
        )
        assert run("--granularity", "week", "b.csv") == 2
        assert run() == 2
