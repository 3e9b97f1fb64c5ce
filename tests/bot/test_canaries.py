"""Each secret is a canary while things go wrong: none is ever seen outside of the bot's memory.

Looked at: stdout and stderr with logs at DEBUG, the database, all files, what Slack and people get,
answers over HTTP, arguments of all processes, and the environment of the process that makes files.
On PostgreSQL the password in DATABASE_URL is a canary wherever the bot runs.
"""

from __future__ import annotations

import os
import socketserver
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from bot.demo.openrouter import faults as openrouter_faults
from bot.demo.openrouter.faults import Fault
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import Forge, LocalSlack
from tests import databases
from tests.socket_mode import SocketMode

from .. import world as worlds
from .test_process import ROOT, Running, started

MARK = "canary5e1f"
KEY = f"sk-or-v1-{MARK}key"
BOT_TOKEN, APP_TOKEN = f"xoxb-{MARK}bot", f"xapp-1-{MARK}app"
SIGNING, PASSWORD = f"{MARK}signing", f"{MARK}password"
SERVER = f"postgresql://activity:{PASSWORD}@127.0.0.1:1/activity"
TRACES = f"http://activity:{MARK}traces@127.0.0.1:1/default"
ALL = {
    "OPENROUTER_MANAGEMENT_KEY": KEY,
    "SLACK_BOT_TOKEN": BOT_TOKEN,
    "SLACK_APP_TOKEN": APP_TOKEN,
    "SLACK_SIGNING_SECRET": SIGNING,
    "DATABASE_URL": SERVER,
    "CLICKHOUSE_URL": TRACES,
}
NOWHERE = {
    "OPENROUTER_BASE_URL": "http://127.0.0.1:1/api/v1",
    "SLACK_API_URL": "http://127.0.0.1:1/api/",
}
COMMAND_FAILURES: dict[str, tuple[str, Mapping[str, str]]] = {
    "a key with a foreign letter": ("sync", {"OPENROUTER_MANAGEMENT_KEY": f"{KEY}\u00e9"}),
    "a key of two words": ("sync", {"OPENROUTER_MANAGEMENT_KEY": f"{KEY} {KEY}"}),
    "a key with a control character": ("doctor", {"OPENROUTER_MANAGEMENT_KEY": f"{KEY}\x07{KEY}"}),
    "a bot token without its prefix": ("run", {"SLACK_BOT_TOKEN": MARK}),
    "an app token without its prefix": ("run", {"SLACK_APP_TOKEN": MARK}),
    "a signing secret with a foreign letter": ("run", {"SLACK_SIGNING_SECRET": f"{SIGNING}\u00e9"}),
    "a file of a secret that is not there": ("run", {"SLACK_BOT_TOKEN_FILE": f"/{MARK}"}),
    "a database's port that is no number": ("ask", {"DATABASE_URL": SERVER.replace(":1/", ":x/")}),
    "a database without a name": ("ask", {"DATABASE_URL": SERVER.removesuffix("/activity")}),
    "a database of another kind": ("ask", {"DATABASE_URL": SERVER.replace("postgresql", "mysql")}),
    "a database that is not reached, asked": ("ask", {}),
    "a database that is not reached, synced": ("sync", {}),
    "a database that is not reached, run": ("run", {}),
    "nothing that is reached": ("doctor", {}),
    "a ClickHouse whose port is no number": (
        "doctor", {"CLICKHOUSE_URL": TRACES.replace(":1/", ":x/")},
    ),
    "a ClickHouse without encryption": (
        "run", {"CLICKHOUSE_URL": TRACES.replace("127.0.0.1", "clickhouse.example.com")},
    ),
    "a password in OpenRouter's address": (
        "run", {"OPENROUTER_BASE_URL": f"https://u:{MARK}@openrouter.ai/api/v1"},
    ),
    "a password in Slack's address": ("run", {"SLACK_API_URL": f"https://u:{MARK}@slack.com/api/"}),
    "a secret in the place of a number": ("run", {"PORT": MARK}),
    "a secret in the place of a name": ("run", {"ACTIVITY_ADMINS": MARK}),
}  # fmt: skip
ECHO = openrouter_faults.error_body(400, f"The key {KEY} is not good enough")
CUT = openrouter_faults.error_body(400, f"{'x' * 180} {KEY}")
"""Words of an error are cut at 200 characters, which is within the key."""
REDIRECT = {"Location": f"http://127.0.0.1:1/{KEY}", "X-Key": KEY}
OPENROUTER_FAILURES: dict[str, tuple[Fault | str | int, ...]] = {
    "/workspaces": (openrouter_faults.answer(500, ECHO), openrouter_faults.answer(400, ECHO)),
    "/keys": (openrouter_faults.answer(429, ECHO), openrouter_faults.answer(401, ECHO)),
    "/organization": (openrouter_faults.answer(502, ECHO), openrouter_faults.answer(403, ECHO)),
    "/credits": ("half", openrouter_faults.answer(302, ECHO, REDIRECT)),
    "/guardrails": ("drop", openrouter_faults.answer(404, ECHO)),
    "/models": ("reset", openrouter_faults.answer(418, ECHO)),
    "/analytics/query": ("html", "null_data"),
}
"""A well-meant server tells which key it refuses; nobody else may read it."""
SYNC_FAILURES: dict[str, Fault | str] = {
    **{str(status): openrouter_faults.answer(status, ECHO) for status in (400, 401, 402, 403, 422)},
    "cut within": openrouter_faults.answer(400, CUT),
    "redirect": openrouter_faults.answer(307, ECHO, REDIRECT),
}
"""What ends the sync of usage at once."""
SLACK_FAILURES: tuple[tuple[str, str | int], ...] = (
    ("users.info", "drop"),
    ("users.info", 500),
    ("users.info", "half"),
    ("users.info", "invalid_auth"),
    ("files.getUploadURLExternal", "missing_scope"),
    ("files.completeUploadExternal", 500),
    ("files.completeUploadExternal", "storage_limit_reached"),
    ("conversations.open", "user_disabled"),
)
FORGED = (Forge(signature="wrong"), Forge(timestamp="x"), Forge(seconds_off=900))
COUNT = (
    len(COMMAND_FAILURES)
    + sum(len(faults) for faults in OPENROUTER_FAILURES.values())
    + len(SYNC_FAILURES)
    + len(SLACK_FAILURES)
    + len(FORGED)
)


def test_there_are_at_least_40_failures() -> None:
    assert COUNT >= 40


class Watch:
    """Looks at the arguments of all processes and at temporary files, again and again."""

    def __init__(self, temporary: Path) -> None:
        self.seen: set[str] = set()
        self.looks = self.rendered = 0
        self._temporary = temporary
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.02):
            self.looks += 1
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    words = (process / "cmdline").read_bytes()
                    self._look(f"arguments {words!r}", words)
                    if b"render_process" in words:
                        self.rendered += 1
                        self._look("environment", (process / "environ").read_bytes())
            for path in self._temporary.rglob("*"):
                with suppress(OSError):
                    self._look(str(path), path.read_bytes())

    def _look(self, where: str, content: bytes) -> None:
        if MARK.encode() in content:
            self.seen.add(where)


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    with Watch(folder) as found:
        yield found
    assert found.looks
    assert found.seen == set()


def clean(folder: Path, database: Path | None = None) -> None:
    """No file has a canary, also not packed into another file, nor has a server's database."""
    if database is not None and databases.on_postgres():
        assert MARK not in dumped(database)
    for path in folder.rglob("*"):
        if path.is_file():
            assert MARK.encode() not in path.read_bytes(), path
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as packed:
                    for name in packed.namelist():
                        assert MARK.encode() not in packed.read(name), (path, name)


def dumped(database: Path) -> str:
    """All rows of all tables of a database on a server."""
    with databases.looking(database) as connection:
        named = "SELECT quote_ident(table_name) FROM information_schema.tables"
        tables = connection.execute(f"{named} WHERE table_schema = current_schema()").fetchall()
        rows = [connection.execute(f"SELECT * FROM {name}").fetchall() for (name,) in tables]
    assert any(rows)
    return repr(rows)


def ended(command: str, folder: Path, values: Mapping[str, str]) -> subprocess.CompletedProcess:
    """A command that has failed and was silent about its secrets."""
    environ = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    environ |= {"PYTHONPATH": str(ROOT), "LOG_LEVEL": "DEBUG", "HOST": "127.0.0.1", "PORT": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "bot", command], cwd=folder, env=environ | values,
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode in {1, 2}, done.stderr
    assert MARK.encode() not in done.stdout + done.stderr
    clean(folder)
    return done


@pytest.mark.parametrize("failure", COMMAND_FAILURES)
def test_no_secret_is_seen_when_a_command_fails(failure: str, tmp_path: Path, watch: Watch) -> None:
    command, values = COMMAND_FAILURES[failure]
    ended(command, tmp_path, ALL | NOWHERE | values)


@pytest.mark.parametrize("failure", SYNC_FAILURES)
def test_no_secret_is_seen_when_openrouter_echoes_it(
    failure: str, tmp_path: Path, watch: Watch
) -> None:
    with LocalOpenRouter(worlds.small(), key=KEY) as openrouter:
        openrouter.fail("/analytics/query", SYNC_FAILURES[failure], times=None)
        there = {"OPENROUTER_MANAGEMENT_KEY": KEY, "OPENROUTER_BASE_URL": openrouter.base_url}
        ended("sync", tmp_path, there)


class _Echo(socketserver.BaseRequestHandler):
    """A server of PostgreSQL's protocol that says which password it refuses, and where."""

    def handle(self) -> None:
        while int.from_bytes(self._received(8)[4:]) in {80877103, 80877104}:
            self.request.sendall(b"N")  # it encrypts nothing
        self.request.recv(2**16)  # the rest of who wants to have which database
        self.request.sendall(b"R\0\0\0\x08\0\0\0\x03")  # the password, as it is
        given = self.request.recv(2**16)[5:].rstrip(b"\0").decode()
        words = f"{'x' * self.server.before} the password {given} of activity is wrong"
        fields = f"SFATAL\0VFATAL\0C28P01\0M{words}\0\0".encode()
        self.request.sendall(b"E" + (len(fields) + 4).to_bytes(4) + fields)

    def _received(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            found += self.request.recv(count - len(found)) or bytes(count)
        return found


@pytest.mark.parametrize("before", [0, 90], ids=["whole", "cut within"])
@pytest.mark.parametrize("command", ["ask", "sync", "run", "doctor"])
def test_no_secret_is_seen_when_postgres_echoes_it(
    command: str, before: int, tmp_path: Path, watch: Watch
) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.before = before
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = SERVER.replace(":1/", f":{server.server_address[1]}/")
        done = ended(command, tmp_path, ALL | NOWHERE | {"DATABASE_URL": url})
        server.shutdown()
    assert b"can't be reached" in done.stdout + done.stderr


needs_server = pytest.mark.skipif(not databases.on_postgres(), reason="needs a server")


@needs_server
@pytest.mark.parametrize("command", ["ask", "sync", "run", "doctor"])
@pytest.mark.parametrize("lacks", ["database", "user"])
def test_no_secret_is_seen_when_a_server_lacks_what_is_named(
    command: str, lacks: str, tmp_path: Path, watch: Watch
) -> None:
    url = databases.with_password(databases.url(tmp_path / "a.db"), PASSWORD)
    wrong = f"{url}x" if lacks == "database" else url.replace("://", "://no-")
    done = ended(command, tmp_path, ALL | NOWHERE | {"DATABASE_URL": wrong})
    assert b"does not exist" in done.stdout + done.stderr


@contextmanager
def settled(folder: Path, more: Mapping[str, str]) -> Iterator[tuple]:
    """A running bot with canaries, its OpenRouter and its Slack."""
    with LocalOpenRouter(worlds.small(), key=KEY) as openrouter, LocalSlack() as slack:
        openrouter.requests_per_minute = None
        slack.signing_secret = SIGNING
        slack.bot_token = slack.api.token = BOT_TOKEN
        values = worlds.environment(openrouter, slack, folder / "a.db", LOG_LEVEL="DEBUG")
        values |= {"TMPDIR": os.environ["TMPDIR"], "ACTIVITY_ADMINS": slack.user("ada").id}
        values["CLICKHOUSE_URL"] = TRACES
        values["DATABASE_URL"] = databases.with_password(values["DATABASE_URL"], PASSWORD)
        for path, faults in OPENROUTER_FAILURES.items():
            openrouter.fail(path, *faults)
        yield openrouter, slack, values | more


def told(slack: LocalSlack) -> str:
    """Everything that Slack and people got."""
    channels = [slack.im("ada"), slack.channel("general")]
    said = [slack.messages(channel.id) for channel in channels]
    return repr((slack.calls, slack.responses, said, slack.home(slack.user("ada").id), slack.files))


def answered(slack: LocalSlack, bot_client, words: str, who: str = "ada") -> None:
    before = len(slack.responses)
    bot_client.command(who, "general", words)
    slack.wait_for(lambda: len(slack.responses) > before)


def test_no_secret_is_seen_while_openrouter_and_slack_fail(tmp_path: Path, watch: Watch) -> None:
    with settled(tmp_path, {}) as (openrouter, slack, values):
        with started(tmp_path, values, "run") as bot:
            bot.wait_until_listening()
            page = f"http://127.0.0.1:{bot.port}"
            bot_client = slack.bot_client(f"{page}/slack/events")
            worlds.wait_until(lambda: exhausted(openrouter))
            for words in (
                "status", "1d by key", "tokns", f"key:{MARK[:6]}", "audit", "alerts",
                "spend 1d by provider",
            ):  # fmt: skip
                answered(slack, bot_client, words)
            for number, (method, fault) in enumerate(SLACK_FAILURES):
                slack.fail(method, fault)
                slack.workspace.add_user(f"new{number}", "New")
                answered(slack, bot_client, "1d by key pdf csv", f"new{number}")
            for forge in FORGED:
                assert MARK not in bot_client.command("ada", "general", "1d", forge=forge).body
            for path in ("/healthz", "/readyz", "/metrics", "/nothing", f"/{MARK[:6]}"):
                assert MARK not in httpx.get(page + path, timeout=60).text
            worlds.wait_until(lambda: watch.rendered)
            assert bot.end() == 0
            checked(bot)
        assert MARK not in told(slack)
    clean(tmp_path, tmp_path / "a.db")


def exhausted(openrouter: LocalOpenRouter) -> bool:
    """Whether each path was asked for as often as it had to fail."""
    asked = [request.path for request in openrouter.requests]
    return all(
        sum(path.startswith(prefix) for path in asked) >= len(faults)
        for prefix, faults in OPENROUTER_FAILURES.items()
    )


def checked(bot: Running) -> None:
    assert "Stopping" in bot.said
    assert MARK not in bot.said


def test_no_secret_is_seen_while_socket_mode_fails(tmp_path: Path, watch: Watch) -> None:
    with settled(tmp_path, {"SLACK_APP_TOKEN": APP_TOKEN}) as (_, slack, values):
        with SocketMode(slack) as line:
            line.app_token = APP_TOKEN
            slack.fail("apps.connections.open", 500)
            with started(tmp_path, values, "run") as bot:
                line.wait_until_connected()
                assert bot.end() == 0
                checked(bot)
        assert MARK not in told(slack)
    clean(tmp_path, tmp_path / "a.db")


@needs_server
def test_no_secret_is_seen_while_the_server_is_out_of_reach(tmp_path: Path, watch: Watch) -> None:
    with settled(tmp_path, {}) as (openrouter, slack, values):
        with started(tmp_path, values, "run") as bot:
            bot.wait_until_listening()
            page = f"http://127.0.0.1:{bot.port}"
            bot_client = slack.bot_client(f"{page}/slack/events")
            worlds.wait_until(lambda: exhausted(openrouter))
            with databases.out_of_reach(tmp_path / "a.db"):
                for words in ("1d by key", "1d pdf", "status", "audit", "alert spend > $1 per day"):
                    answered(slack, bot_client, words)
                for path in ("/healthz", "/readyz", "/metrics"):
                    assert MARK not in httpx.get(page + path, timeout=60).text
                worlds.wait_until(lambda: "can't be reached" in bot.said)
            answered(slack, bot_client, "1d by key")
            assert bot.end() == 0
            checked(bot)
        assert MARK not in told(slack)
    clean(tmp_path, tmp_path / "a.db")
