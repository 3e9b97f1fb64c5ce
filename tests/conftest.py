"""What tests of the whole bot share."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn
from weakref import WeakSet

import pytest
from hypothesis import HealthCheck, settings

from bot.answers import export
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import LocalSlack, signing
from bot.listeners import forms
from bot.slack.client import Slack
from bot.slack.scopes import SCOPES
from bot.store import Database
from bot.store import sqlite as sqlite_module

from . import databases
from . import world as worlds

# Tests start several hundred processes of the bot; without stored bytecode each of them compiles
# the bot again, which takes longer than what it does.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# How long examples take, and how long it takes to think of them, is the machine's business and not
# a test's; and what passed once passes again: examples are drawn anew by --hypothesis-profile=new.
_UNHURRIED = {
    "deadline": None,
    "suppress_health_check": [
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
}
settings.register_profile("new", **_UNHURRIED)
settings.register_profile("unhurried", **_UNHURRIED, derandomize=True)
settings.load_profile("unhurried")


TESTS = Path(__file__).parent
LONGEST = (
    "bot/demo/test_page_demo.py",
    "bot/access/test_who_may.py",
    "bot/sync/test_sync.py",
    "bot/commands/test_conversation.py",
    "bot/test_canaries.py",
    "bot/demo/test_page_alerts.py",
    "bot/answers/test_half_hours.py",
    "bot/alerts/test_year.py",
    "bot/demo/test_page_blocks.py",
    "bot/demo/test_page_forms.py",
    "bot/test_process.py",
    "bot/sync/test_partial.py",
    "bot/questions/test_follow_up.py",
    "bot/sync/test_directory.py",
    "bot/alerts/test_forecast.py",
    "bot/alerts/test_storm.py",
    "trust/test_clock.py",
    "trust/test_faults.py",
    "trust/test_alerts.py",
    "bot/alerts/test_backup.py",
    "bot/store/test_runs.py",
)
"""What takes longest, in falling order: a long file that begins last keeps one core waiting."""
SAME_ON_POSTGRES = {
    "reports": "has no database",
    "bot/clickhouse/test_broadcast_table.py": "has no database",
    "bot/clickhouse/test_client.py": "has no database",
    "bot/clickhouse/test_responses.py": "has no database",
    "bot/clickhouse/test_tables.py": "has no database",
    "bot/demo": "`activity demo` makes a file of its own, wherever it runs",
    "bot/openrouter": "has no database",
    "bot/runtime": "has no database",
    "bot/test_config.py": "has no database",
    "bot/test_manifest.py": "has no database",
    "bot/test_read_only_disk.py": "is about the file",
    "bot/test_readme.py": "has no database",
    "test_documents.py": "has no database",
    "test_wall.py": "has no database",
}
"""What `--database postgres` leaves out unless the very file is named, and why it would be the same
there."""
JOURNALS = ("rollback", "wal")


HAS_SAFE_WAL = sqlite_module.has_safe_wal


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--journal wal` runs everything in that journal mode, whatever this SQLite is safe for."""
    parser.addoption("--journal", choices=JOURNALS, help="the journal mode of all databases")
    parser.addoption(
        "--database",
        choices=("sqlite", "postgres"),
        help="the databases of tests; ACTIVITY_TEST_DATABASE may name a server",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start the server that all workers share, unless one is named."""
    config.addinivalue_line("markers", "sqlite_only(reason): tests what only a file has")
    config.addinivalue_line(
        "markers",
        "own_journal: starts processes or looks at the mode that this SQLite gets by itself",
    )
    config.addinivalue_line(
        "markers", "real_files: migrates new files and waits for the disk, as the program does"
    )
    # xdist would begin with the files of many tests, and end with those of one long test
    config.option.loadscopereorder = False
    if config.getoption("--database") == "postgres" and not databases.on_postgres():
        stack = ExitStack()
        databases.use(stack.enter_context(databases.server()))
        config.add_cleanup(stack.close)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """One worker more than there are cores, since many tests wait; None lets xdist decide."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return (os.cpu_count() or 1) + 1


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what is the same on a server; None leaves it to others."""
    return True if databases.on_postgres() and _same_on_postgres(collection_path) else None


def _same_on_postgres(path: Path) -> bool:
    return any(path.is_relative_to(TESTS / name) for name in SAME_ON_POSTGRES)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, and leave out what only a file has, on a server."""
    places = {TESTS / name: place for place, name in enumerate(LONGEST)}
    assert all(path.exists() for path in places), "LONGEST names files that are not there"
    same = [TESTS / name for name in SAME_ON_POSTGRES]
    assert all(path.exists() for path in same), "SAME_ON_POSTGRES names what is not there"
    items.sort(key=lambda item: places.get(item.path, len(places)))
    if databases.on_postgres():
        for item in items:
            if mark := item.get_closest_marker("sqlite_only"):
                item.add_marker(pytest.mark.skip(reason=str(mark.args[0])))


@pytest.fixture(autouse=True)
def _drop_databases() -> Iterator[None]:
    """Drop the databases that a test made on a server."""
    before = databases.known()
    yield
    databases.drop(list(databases.known() - before))


@pytest.fixture(autouse=True)
def _same_everywhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail what is left out on a server, but has a database that would be on it."""
    if _same_on_postgres(request.path) and not request.node.get_closest_marker("sqlite_only"):
        assert "filled" not in request.fixturenames, "see SAME_ON_POSTGRES"
        for name in ("at", "copy", "looking"):
            monkeypatch.setattr(databases, name, _refuse)


def _refuse(*_: object) -> NoReturn:
    pytest.fail("see SAME_ON_POSTGRES", pytrace=False)


@pytest.fixture(scope="session", autouse=True)
def _journal(request: pytest.FixtureRequest) -> Iterator[None]:
    """The journal mode of the option `--journal`; without it, the one that this SQLite gets."""
    asked = request.config.getoption("--journal")
    with pytest.MonkeyPatch.context() as patch:
        if asked is not None:
            patch.setattr(sqlite_module, "has_safe_wal", lambda _: asked == "wal")
        yield


@pytest.fixture(autouse=True)
def _own_journal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo `--journal` for tests that start processes, which choose the mode by themselves."""
    if request.node.get_closest_marker("own_journal"):
        monkeypatch.setattr(sqlite_module, "has_safe_wal", HAS_SAFE_WAL)


@pytest.fixture(scope="session", autouse=True)
def _quick_files() -> Iterator[None]:
    """New files are copies of a migrated one, and commits don't wait for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        databases.quick_files(patch)
        yield


@pytest.fixture(autouse=True)
def _real_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo that for tests of the migrations and of the file itself."""
    if request.node.get_closest_marker("real_files"):
        databases.real_files(monkeypatch)


@pytest.fixture(params=JOURNALS)
def journal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both journal modes, one after the other, for databases that are opened from here on."""
    mode = str(request.param)
    monkeypatch.setattr(sqlite_module, "has_safe_wal", lambda _: mode == "wal")
    return mode


@pytest.fixture(scope="session", autouse=True)
def _no_hurry() -> Iterator[None]:
    """Nobody loses patience: how soon the bot acknowledges is measured elsewhere, and not here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signing, "ACK_MILLISECONDS", 100_000)
        patch.setattr(signing, "LONGEST_SECONDS", 100)
        patch.setattr(forms, "WAIT_SECONDS", 90)
        patch.setattr(export, "SLOW_SECONDS", 600)
        yield


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalOpenRouter, Path]:
    """A local OpenRouter of a small organization (not started), and a cache synced from it."""
    path = tmp_path_factory.mktemp("filled") / "activity.db"
    return worlds.filled(worlds.small(), path), path


@pytest.fixture
def database(filled: tuple[LocalOpenRouter, Path], tmp_path: Path) -> Path:
    """A cache of one's own that holds everything."""
    path = tmp_path / "activity.db"
    databases.copy(filled[1], path)
    return path


@pytest.fixture
def openrouter(filled: tuple[LocalOpenRouter, Path]) -> Iterator[LocalOpenRouter]:
    """A running OpenRouter of one's own, of the same organization as the cache."""
    local = LocalOpenRouter(filled[0].organization)
    local.requests_per_minute = None
    with local:
        yield local


@pytest.fixture(scope="module")
def shared(
    filled: tuple[LocalOpenRouter, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[worlds.World]:
    """The same for all tests of a module, which leave it as it was: making one takes a while."""
    path = tmp_path_factory.mktemp("shared") / "activity.db"
    databases.copy(filled[1], path)
    local = LocalOpenRouter(filled[0].organization)
    with (
        local,
        LocalSlack(scopes=SCOPES, rate_limits=False) as slack,
        worlds.running(local, slack, path) as everything,
    ):
        yield everything


@pytest.fixture
def world(openrouter: LocalOpenRouter, database: Path) -> Iterator[worlds.World]:
    """The bot's web half with a filled cache, between a local Slack and a local OpenRouter."""
    with (
        LocalSlack(scopes=SCOPES, file_delay=timedelta(0)) as slack,
        worlds.running(openrouter, slack, database) as everything,
    ):
        yield everything


@pytest.fixture(scope="session")
def _calls_in_a_read() -> Iterator[list[str]]:
    """The Web API's methods that were called by a thread that held a reader."""
    databases: WeakSet[Database] = WeakSet()
    found: list[str] = []
    make, call = Database.__init__, Slack._call

    def made(self: Database, *arguments: Any, **more: Any) -> None:
        databases.add(self)
        make(self, *arguments, **more)

    def called(self: Slack, method: str, **arguments: object) -> Any:
        if any(database.reading for database in list(databases)):
            found.append(method)
        return call(self, method, **arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "__init__", made)
        patch.setattr(Slack, "_call", called)
        yield found


@pytest.fixture(autouse=True)
def _slack_is_never_waited_for_in_a_read(_calls_in_a_read: list[str]) -> Iterator[None]:
    """With a rollback journal everybody would wait with it, as soon as something is written."""
    _calls_in_a_read.clear()
    yield
    assert _calls_in_a_read == []
