"""The container image: it is built and run as its operator would, with a real engine.

ACTIVITY_TEST_ENGINE is the engine's command, with flags if it needs any; `make image` sets it.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest

from bot import __version__
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import LocalSlack

from . import world as worlds

ENGINE = shlex.split(os.environ.get("ACTIVITY_TEST_ENGINE", ""))
ROOT = Path(__file__).parent.parent
RIGHTS = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]

pytestmark = pytest.mark.skipif(
    not ENGINE, reason="needs ACTIVITY_TEST_ENGINE=docker (or podman); `make image` sets it"
)


def ask_engine(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*ENGINE, *words], capture_output=True, text=True, check=False)


def engine(*words: str) -> str:
    """What the engine prints; a failure names what was missing."""
    done = ask_engine(*words)
    assert done.returncode == 0, f"{shlex.join([*ENGINE, *words])}: {done.stderr[-2000:]}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    name = f"activity-test:{token_hex(4)}"
    if not shutil.which(ENGINE[0]):
        pytest.fail(f"ACTIVITY_TEST_ENGINE names {ENGINE[0]}, which is not installed")
    # without the first, Podman leaves out the health check, without the second it keeps all steps
    podman = ["--format=docker", "--layers=false"] if Path(ENGINE[0]).name == "podman" else []
    engine("build", "--quiet", *podman, "--tag", name, str(ROOT))
    try:
        yield name
    finally:
        ask_engine("rmi", "--force", name)


@pytest.fixture
def container() -> Iterator[str]:
    """A name for a container and its volume, which are removed afterwards."""
    name = f"activity-test-{token_hex(4)}"
    try:
        yield name
    finally:
        ask_engine("rm", "--force", "--volumes", name)
        ask_engine("volume", "rm", name)


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack() as local:
        yield local


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def is_healthy(container: str, *flags: str) -> bool:
    """Whether the image's own check says so; not every engine runs it without systemd."""
    check = json.loads(engine("inspect", "--format={{json .Config.Healthcheck.Test}}", container))
    assert check[0] == "CMD"
    return ask_engine("exec", *flags, container, *check[1:]).returncode == 0


def test_it_says_its_version_and_what_is_not_set(image: str) -> None:
    assert engine("run", "--rm", *RIGHTS, image, "--version") == f"activity, version {__version__}"
    found = ask_engine("run", "--rm", *RIGHTS, image)
    assert found.returncode == 2
    assert "SLACK_BOT_TOKEN is not set" in found.stderr


def test_it_answers_without_rights_and_stops_when_it_is_told_to(
    image: str, container: str, openrouter: LocalOpenRouter, slack: LocalSlack
) -> None:
    port = free_port()
    values = worlds.environment(openrouter, slack, Path("/data/activity.db"), PORT=port)
    values["DATABASE_URL"] = "sqlite:////data/activity.db"
    settings = [f"--env={name}={value}" for name, value in values.items()]
    where = ["--network=host", f"--volume={container}:/data", f"--name={container}"]
    engine("run", "--detach", *RIGHTS, *where, *settings, image)

    worlds.wait_until(lambda: is_healthy(container))
    assert not is_healthy(container, "--env=PORT=1")

    # with fonts, a process of its own and a temporary folder
    bot_client = slack.bot_client(f"http://127.0.0.1:{port}/slack/events")
    bot_client.command("ada", "general", "pdf spend 7d by model")
    [file] = slack.wait_for(slack.uploads.completed)
    assert file.data.startswith(b"%PDF-")

    files = "stat -c %u:%a /data /data/activity.db"
    look = f"id -u; {files}; touch /opt/activity/x || grep Cap /proc/1/status"
    user, folder, database, *capabilities = engine("exec", container, "sh", "-c", look).splitlines()
    assert (user, folder, database) == ("10001", "10001:700", "10001:600")
    assert {line.split()[1] for line in capabilities} == {"0" * 16}

    engine("stop", container)
    assert engine("inspect", "--format={{.State.ExitCode}}", container) == "0"
