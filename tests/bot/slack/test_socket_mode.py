"""Socket Mode over a real WebSocket: envelopes in, acknowledgements and answers out."""

from threading import Timer

import httpx
import pytest

from bot.access.policy import FOREIGN
from bot.demo.slack import LocalSlack
from bot.slack import socket_mode
from bot.slack.types import DeliveryError
from tests import databases
from tests import world as worlds
from tests.socket_mode import SocketMode


@pytest.fixture(scope="module", autouse=True)
def _soon():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket_mode, "PING_SECONDS", 0.2)
        patch.setattr(socket_mode, "RETRY_SECONDS", 0.1)
        yield


@pytest.fixture(scope="module")
def slack():
    with LocalSlack(rate_limits=False) as local:
        yield local


@pytest.fixture(scope="module")
def line(slack):
    with SocketMode(slack) as open_line:
        yield open_line


@pytest.fixture(scope="module")
def world(filled, slack, line, tmp_path_factory):
    """One bot for all: leaving Socket Mode takes slack-sdk seconds."""
    openrouter, path = filled
    database = tmp_path_factory.mktemp("socket") / "activity.db"
    databases.copy(path, database)
    token = {"SLACK_APP_TOKEN": line.app_token, "SLACK_SIGNING_SECRET": ""}
    with openrouter, worlds.running(openrouter, slack, database, **token) as everything:
        line.wait_until_connected()
        yield everything
        # slack-sdk looks up from its socket every three seconds only, or when it is hung up
        Timer(0.1, line.hang_up).start()


def answer(slack, before: int) -> dict:
    """The first answer after so many."""
    return slack.wait_for(lambda: slack.responses[before:])[0]


def health(world) -> tuple[int, dict]:
    said = httpx.get(world.url("/healthz"), timeout=60)
    return said.status_code, said.json()


def test_a_command_is_acknowledged_and_answered(world, slack, line):
    before = len(slack.responses)
    envelope = line.command("ada", "general", "tokens 7d by key")
    assert line.ack(envelope) == {"envelope_id": envelope}
    said = answer(slack, before)
    assert said["error"] is None
    assert "38.5K" in said["payload"]["text"]


def test_a_command_of_another_team_is_refused(world, slack, line):
    before = len(slack.responses)
    envelope = line.command("ada", "general", "tokens 7d", team_id="T0OTHER0001")
    assert line.ack(envelope)["payload"]["text"] == FOREIGN
    assert slack.responses[before:] == []


def test_what_nobody_listens_to_is_acknowledged(world, line):
    event = {"type": "event_callback", "event": {"type": "app_home_opened", "user": "U1"}}
    envelope = line.send("events_api", event | {"team_id": world.slack.team_id})
    assert line.ack(envelope) == {"envelope_id": envelope}


def test_the_http_endpoint_takes_no_requests_in_socket_mode(world):
    assert httpx.post(world.url("/slack/events"), content=b"x", timeout=60).status_code == 404


def test_it_is_healthy_only_while_connected_and_connects_again(world, slack, line):
    assert health(world) == (200, {"ok": True})
    line.stop()
    worlds.wait_until(lambda: health(world)[0] == 503)
    assert health(world) == (503, {"ok": False, "reason": "Socket Mode is not connected"})
    line.start()
    worlds.wait_until(lambda: health(world)[0] == 200)
    line.wait_until_connected()
    before = len(slack.responses)
    line.ack(line.command("ada", "general", "tokens 7d"))
    assert "38.5K" in answer(slack, before)["payload"]["text"]


def test_it_goes_over_to_a_new_connection_when_slack_asks_for_it(world, slack, line):
    taken, before = line.taken, len(slack.responses)
    line.say({"type": "disconnect", "reason": "refresh_requested"})
    worlds.wait_until(lambda: line.taken > taken)
    line.ack(line.command("ada", "general", "tokens 7d"))
    assert answer(slack, before)


def test_it_starts_without_slack_and_connects_as_soon_as_it_can(openrouter, database, caplog):
    with LocalSlack() as slack, SocketMode(slack) as line:
        slack.fail("*", "drop", 500, times=2)
        token = {"SLACK_APP_TOKEN": line.app_token}
        with worlds.running(openrouter, slack, database, **token) as world:
            line.wait_until_connected()
            worlds.wait_until(lambda: health(world)[0] == 200)
            line.ack(line.command("ada", "general", "tokens 7d"))
            assert answer(slack, 0)
            Timer(0.1, line.hang_up).start()
    assert "not connected yet" in caplog.text


def test_it_does_not_start_with_an_app_token_that_slack_refuses(openrouter, slack, line, database):
    wrong = pytest.raises(DeliveryError, match="invalid_auth to SLACK_APP_TOKEN")
    with wrong, worlds.running(openrouter, slack, database, SLACK_APP_TOKEN="xapp-wrong"):
        pass
