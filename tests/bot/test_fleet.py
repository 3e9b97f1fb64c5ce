"""Several processes of the bot on one server, as real processes: what one did, the others know."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import LocalSlack
from bot.slack.scopes import SCOPES

from .. import databases
from .. import world as worlds
from ..fleet import Fleet
from ..trust import crowd

pytestmark = pytest.mark.skipif(not databases.on_postgres(), reason="needs a server")


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(scopes=SCOPES, rate_limits=False) as local:
        yield local


@pytest.fixture
def fleet(
    openrouter: LocalOpenRouter, slack: LocalSlack, database: Path, tmp_path: Path
) -> Iterator[Fleet]:
    with Fleet(tmp_path, worlds.environment(openrouter, slack, database)) as started:
        yield started


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}/slack/events"


def audit_count(database: Path) -> int:
    with databases.looking(database) as connection:
        return int(connection.execute("SELECT count(*) FROM audit").fetchone()[0])


def test_a_request_that_another_process_has_processed_is_ignored(slack, fleet, database):
    one, other = (process for process in fleet.start_web(2))
    first, second = slack.bot_client(url(one.port)), slack.bot_client(url(other.port))
    sent = first.command("ada", "general", "tokens 7d")
    slack.wait_for(lambda: slack.ephemerals("ada", "general"))
    assert first.replay(sent).status == 401
    assert second.replay(sent).status == 200
    second.command("grace", "general", "tokens 7d")
    slack.wait_for(lambda: slack.ephemerals("grace", "general"))
    worlds.wait_until(lambda: "already processed" in other.log)
    assert len(slack.ephemerals("ada", "general")) == 1
    worlds.wait_until(lambda: audit_count(database) == 2)


def test_a_double_click_on_two_processes_is_one_file(slack, fleet, database):
    one, other = fleet.start_web(2)
    first, second = slack.bot_client(url(one.port)), slack.bot_client(url(other.port))
    first.command("ada", "general", "tokens 7d by key")
    [answer] = slack.wait_for(lambda: slack.ephemerals("ada", "general"))
    for client in (first, second):
        assert client.click("ada", "general", answer["ts"], "export_csv").ok
    worlds.wait_until(lambda: audit_count(database) == 2)
    slack.wait_for(lambda: slack.files)
    second.command("grace", "general", "tokens 7d")  # the second click was before this
    slack.wait_for(lambda: slack.ephemerals("grace", "general"))
    assert len(slack.files) == 1


def test_no_click_is_lost_while_all_processes_are_replaced(
    openrouter: LocalOpenRouter, filled: tuple[LocalOpenRouter, Path], tmp_path: Path
) -> None:
    found = crowd.run(
        tmp_path, filled[1], openrouter, people=6, rounds=1, webs=2, seed=7, workers=0,
        meanwhile=crowd.replace_all,
    )  # fmt: skip
    assert found.wrong == []
    assert found.choices >= 12
