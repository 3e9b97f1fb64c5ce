"""`activity run` as a process of its own: how it ends, and that no secret ever leaves it."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL
from pathlib import Path

import httpx
import pytest

from bot.app import SHUTDOWN_SECONDS
from bot.demo.openrouter.faults import hang
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import Forge, LocalSlack

from .. import world as worlds
from ..socket_mode import SocketMode

ROOT = Path(__file__).parents[2]
CANARY = "canary0a1b2c3d4e5f"


class Running:
    """A bot's process; its stderr is read when it has ended."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process, self._log = process, log
        self.port = 0

    @property
    def said(self) -> str:
        """What it logged so far."""
        return self._log.read_text(encoding="utf-8")

    def wait_until_listening(self) -> None:
        """Wait for the line that says where it listens."""
        pattern = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")
        worlds.wait_until(lambda: pattern.search(self.said) or self.process.poll() is not None)
        found = pattern.search(self.said)
        assert found, self.said
        self.port = int(found[1])

    def end(self, number: int = signal.SIGTERM) -> int:
        """Tell it to end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def started(
    folder: Path, values: dict[str, str], *words: str, before: tuple[str, ...] = ()
) -> Iterator[Running]:
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [*before, sys.executable, "-m", "bot", *words],
            cwd=folder, env=environ | {"PYTHONPATH": str(ROOT)} | values,
            stdout=out, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            yield Running(process, log)
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack() as local:
        yield local


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_code_0_when_it_is_told_to(openrouter, slack, database, tmp_path, number):
    values = worlds.environment(openrouter, slack, database)
    with started(tmp_path, values, "run") as bot:
        bot.wait_until_listening()
        assert bot.end(number) == 0
        assert "Traceback" not in bot.said
        assert "Stopping" in bot.said


def test_it_ends_when_another_thread_gets_the_signal(openrouter, slack, tmp_path):
    empty = tmp_path / "a.db"  # syncs at once
    with started(tmp_path, worlds.environment(openrouter, slack, empty), "run") as bot:
        bot.wait_until_listening()
        worlds.wait_until(lambda: "/analytics/query" in {one.path for one in openrouter.requests})
        main = bot.process.pid
        threads = [int(task.name) for task in Path(f"/proc/{main}/task").iterdir()]
        tgkill = {"x86_64": 234, "aarch64": 131}[os.uname().machine]
        other = next(thread for thread in threads if thread != main)
        assert CDLL(None).syscall(tgkill, main, other, int(signal.SIGTERM)) == 0
        assert bot.process.wait(60) == 0


def test_it_ends_although_openrouter_and_slack_hang(slack, tmp_path):
    organization = worlds.small()
    with LocalOpenRouter(organization) as openrouter:
        openrouter.fail("/", hang(60), times=None)
        values = worlds.environment(openrouter, slack, tmp_path / "a.db")
        with started(tmp_path, values, "run") as bot:
            bot.wait_until_listening()
            worlds.wait_until(lambda: openrouter.requests)
            slack.fail("users.info", "hang")
            slack.bot_client(f"http://127.0.0.1:{bot.port}/slack/events").command(
                "ada", "general", "1d"
            )
            assert bot.end() == 0
            assert f"Shutdown timed out after {SHUTDOWN_SECONDS:.0f} s, exiting" in bot.said


def can_have_processes_of_its_own() -> bool:
    if shutil.which("unshare") is None or os.geteuid() != 0:
        return False
    tried = subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.mark.skipif(not can_have_processes_of_its_own(), reason="a container needs root")
def test_the_first_process_of_a_container_ends_when_it_is_told_to(slack, tmp_path):
    with LocalOpenRouter(worlds.small()) as openrouter:
        openrouter.fail("/", hang(60), times=None)
        values = worlds.environment(openrouter, slack, tmp_path / "a.db")
        apart = ("unshare", "--pid", "--fork", "--kill-child")
        with started(tmp_path, values, "sync", before=apart) as bot:
            worlds.wait_until(lambda: openrouter.requests)
            outer = bot.process.pid
            children = Path(f"/proc/{outer}/task/{outer}/children").read_text(encoding="utf-8")
            os.kill(int(children), signal.SIGTERM)
            assert bot.process.wait(60) == 128 + signal.SIGTERM


def test_it_ends_in_socket_mode(openrouter, slack, database, tmp_path):
    with SocketMode(slack) as line:
        values = worlds.environment(openrouter, slack, database, SLACK_APP_TOKEN=line.app_token)
        with started(tmp_path, values, "run") as bot:
            line.wait_until_connected()
            assert bot.end() == 0
            assert "Traceback" not in bot.said


@pytest.mark.parametrize("words", [["run"], ["web"]])
def test_a_refused_token_ends_it_with_one_line(openrouter, slack, database, tmp_path, words):
    values = worlds.environment(openrouter, slack, database, SLACK_BOT_TOKEN=f"xoxb-{CANARY}")
    with started(tmp_path, values, *words) as bot:
        assert bot.process.wait(60) == 1
        assert "Slack answered invalid_auth (`activity doctor` says what to do)" in bot.said
        assert "Traceback" not in bot.said
        assert CANARY not in bot.said


@pytest.mark.own_journal
def test_a_taken_port_ends_it_with_one_line(world, tmp_path):
    values = dict(world.values) | {"PORT": str(world.bot.port)}
    with started(tmp_path, values, "web") as bot:
        assert bot.process.wait(60) == 1
        assert f"Can't listen on port {world.bot.port} of 127.0.0.1" in bot.said
        assert "Traceback" not in bot.said


def test_no_secret_leaves_it_whatever_goes_wrong(tmp_path):
    key = f"sk-or-v1-{CANARY}1"
    with LocalOpenRouter(worlds.small(), key=key) as openrouter, LocalSlack() as slack:
        slack.signing_secret = f"{CANARY}2"
        slack.bot_token = slack.api.token = f"xoxb-{CANARY}3"
        database = tmp_path / "a.db"
        values = worlds.environment(openrouter, slack, database, LOG_LEVEL="DEBUG")
        # each is tried again within seconds, as the one before it went well; a refused key is not
        fine = hang(0)
        openrouter.fail("/", 500, fine, "drop", fine, "html", fine, "half", fine, "reset", fine)
        openrouter.fail("/analytics", 401)
        with started(tmp_path, values, "run") as bot:
            bot.wait_until_listening()
            bot_client = slack.bot_client(f"http://127.0.0.1:{bot.port}/slack/events")
            answers = 0
            for text in ("tokens 7d by key", "tokns", f"key:{'x' * 400}", "help", "spend 1y"):
                answers += 1
                bot_client.command("ada", "general", text)
                slack.wait_for(lambda count=answers: len(slack.responses) >= count)
            for fault in ("drop", 500, "half", "invalid_auth", 429):
                slack.fail("users.info", fault)
                slack.workspace.add_user(f"new-{fault}", "New")
                answers += 1
                bot_client.command(f"new-{fault}", "general", "1d")
                slack.wait_for(lambda count=answers: len(slack.responses) >= count)
            for forge in (Forge(signature="wrong"), Forge(timestamp="x"), Forge(seconds_off=900)):
                acked = bot_client.command("ada", "general", "1d", forge=forge)
                assert CANARY not in acked.body
            for path in ("/healthz", "/readyz", "/metrics", "/nothing"):
                said = httpx.get(f"http://127.0.0.1:{bot.port}{path}", timeout=60).text
                assert CANARY not in said
            worlds.wait_until(lambda: "Sync failed" in bot.said)
            assert bot.end() == 0
            assert CANARY not in bot.said
        heard = (slack.calls, slack.responses, slack.messages(slack.im("ada").id))
        assert CANARY not in repr(heard)
        for file in tmp_path.iterdir():
            assert CANARY.encode() not in file.read_bytes(), file
