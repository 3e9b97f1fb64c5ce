"""The whole bot: it starts whatever is down, says so when it is asked, and heals."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from bot import app
from bot.app import Bot
from bot.config import load
from bot.demo.slack import LocalSlack
from bot.slack.types import DeliveryError
from bot.store.errors import DatabaseLostError

from .. import world as worlds


@pytest.fixture
def slack():
    with LocalSlack() as local:
        yield local


@pytest.fixture(autouse=True)
def _eager(monkeypatch):
    """Sync at once and at full speed: nobody else uses the local OpenRouter."""
    monkeypatch.setattr(app, "make_openrouter", worlds.eager)
    monkeypatch.setattr(app, "SYNC_TICK", 1)
    monkeypatch.setattr("bot.sync.sync.AFTER_TROUBLE", timedelta(0))
    monkeypatch.setattr("bot.sync.sync.AFTER_REFUSAL", timedelta(0))


def status(world, path: str) -> int:
    return httpx.get(world.url(path), timeout=60).status_code


def test_it_syncs_by_itself_and_is_ready_then(openrouter, slack, tmp_path):
    with worlds.running(openrouter, slack, tmp_path / "a.db", worlds.WHOLE) as world:
        worlds.wait_until(lambda: status(world, "/readyz") == 200)
        worlds.wait_until(lambda: "Tokens: 38.5K" in world.words("tokens 7d"))
        assert status(world, "/healthz") == 200


def test_an_empty_cache_says_what_it_waits_for(openrouter, slack, tmp_path):
    with worlds.running(openrouter, slack, tmp_path / "a.db") as world:
        said = httpx.get(world.url("/readyz"), timeout=60)
        assert said.status_code == 503
        assert said.json() == {"ok": False, "reason": "the first sync isn't finished yet"}
        assert status(world, "/healthz") == 200
        assert "No data yet" in str(world.ask("tokens 7d")["blocks"])
        assert "No data yet" in world.words("tokens 7d")


def test_an_unexpected_sync_error_is_part_of_the_status(openrouter, slack, tmp_path, monkeypatch):
    def crash(*_: object) -> None:
        raise KeyError("sk-or-v1-not-for-people")

    with monkeypatch.context() as patch:
        patch.setattr("bot.sync.sync.pull", crash)
        with worlds.running(openrouter, slack, tmp_path / "a.db", worlds.WHOLE) as world:
            worlds.wait_until(lambda: "an unexpected error (KeyError)" in world.words("status"))
            assert "sk-or" not in world.words("status")
            patch.undo()
            worlds.wait_until(lambda: "The last sync succeeded." in world.words("status"))


def test_openrouter_may_be_down_from_the_start(openrouter, slack, tmp_path):
    openrouter.stop()
    with worlds.running(openrouter, slack, tmp_path / "a.db", worlds.WHOLE) as world:
        assert status(world, "/healthz") == 200
        worlds.wait_until(lambda: "The last sync failed at" in world.words("tokens 7d"))
        said = world.words("tokens 7d")
        assert "The request to " in said
        assert "no connection" in said
        openrouter.start()
        worlds.wait_until(lambda: "Tokens: 38.5K" in world.words("tokens 7d"))
        # what is wrong is said until the sync that mends it is through
        worlds.wait_until(lambda: "failed" not in world.words("tokens 7d"))
        assert status(world, "/readyz") == 200


def test_a_refused_key_is_said_in_words_and_keeps_the_old_figures(slack, openrouter, database):
    openrouter.clock = lambda: worlds.now() + timedelta(minutes=4)
    openrouter.fail("/", 401, times=None)
    with worlds.running(openrouter, slack, database, worlds.WHOLE, clock=openrouter.clock) as world:
        worlds.wait_until(lambda: "The last sync failed" in world.words("tokens 7d"))
        said = world.words("tokens 7d")
        assert "Tokens: 38.5K" in said
        assert "does not know the key in OPENROUTER_MANAGEMENT_KEY (401)" in said
        assert openrouter.key not in said
        openrouter.heal()
        worlds.wait_until(lambda: "failed" not in world.words("tokens 7d"))


def test_slack_may_be_down_from_the_start(openrouter, slack, database, caplog):
    slack.fail("auth.test", "drop")
    with worlds.running(openrouter, slack, database) as world:
        assert "Tokens: 38.5K" in world.words("tokens 7d")
    assert "Slack is not reachable yet (no answer from Slack (" in caplog.text


def test_it_does_not_start_with_a_token_that_slack_refuses(openrouter, slack, database):
    wrong = pytest.raises(DeliveryError, match=r"invalid_auth.*activity doctor")
    with wrong, worlds.running(openrouter, slack, database, SLACK_BOT_TOKEN="xoxb-wrong"):
        pass


def test_it_says_which_port_is_taken(world):
    values = dict(world.values) | {"PORT": str(world.bot.port)}
    second = Bot(load(values), worlds.WEB)
    try:
        with pytest.raises(OSError, match=f"Can't listen on port {world.bot.port} of 127.0.0.1"):
            second.start()
    finally:
        second.stop()


def test_web_and_worker_share_the_work(openrouter, slack, tmp_path):
    values = worlds.environment(openrouter, slack, tmp_path / "a.db")
    with worlds.running(openrouter, slack, tmp_path / "a.db", worlds.WEB) as web:
        worker = Bot(load(values), worlds.WORKER)
        worker.start()
        try:
            worlds.wait_until(lambda: "Tokens: 38.5K" in web.words("tokens 7d"))
        finally:
            worker.stop()
    assert worker.port == 0


def test_it_tells_prometheus_how_it_is(world):
    worlds.fill(world.openrouter, world.bot.settings.database)
    world.words("tokens 7d")
    world.words("tokns")

    def told() -> dict[tuple[str, ...], float]:
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in families(httpx.get(world.url("/metrics"), timeout=60).text)
            for sample in family.samples
        }

    # an answer counts when it is through, a moment after it is there
    worlds.wait_until(lambda: told()["activity_answer_seconds_count",] == 2)
    said = told()
    assert said["activity_asks_total", "answered"] == 1
    assert said["activity_asks_total", "misunderstood"] == 1
    assert 0 <= said["activity_sync_age_seconds", "day"] < 3_600  # the fixture may be old by now


def test_everything_ends_with_it(openrouter, slack, database):
    before = {thread.ident for thread in threading.enumerate()}
    with worlds.running(openrouter, slack, database, worlds.WHOLE) as world:
        world.words("tokens 7d")
        url = world.url("/healthz")
    left = [one for one in threading.enumerate() if one.ident not in before and not one.daemon]
    assert left == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_an_internal_error_is_reported_with_a_reference(world, caplog, monkeypatch):
    monkeypatch.setattr("bot.commands.dispatch.answer_any", lambda *_, **__: 1 / 0)
    said = world.words("tokens 7d")
    assert said.startswith("Something went wrong on my side.")
    reference = said.removesuffix(".").rpartition(" ")[2]
    assert f"reference {reference}" in caplog.text


def test_openrouter_is_only_read(openrouter, slack, tmp_path):
    with worlds.running(openrouter, slack, tmp_path / "a.db", worlds.WHOLE) as world:
        worlds.wait_until(lambda: status(world, "/readyz") == 200)
    assert openrouter.requests
    assert openrouter.writes == []


def test_half_open_connections_shut_out_neither_commands_nor_probes(world):
    with ExitStack() as stack:
        for _ in range(150):
            one = socket.create_connection(("127.0.0.1", world.bot.port), 60)
            stack.enter_context(one).sendall(b"POST /slack/events HTTP/1.1\r\nHost: x\r\n")
        assert httpx.get(world.url("/healthz"), timeout=20).status_code == 200
        assert world.send("help").status == 200


def test_probes_wait_for_no_database_and_say_when_it_is_stuck(world, monkeypatch):
    assert status(world, "/readyz") == 200
    go, state = threading.Event(), world.bot.store.state

    def stuck():
        assert go.wait(60)
        return state()

    with monkeypatch.context() as patch:
        patch.setattr(world.bot.store, "state", stuck)
        with ThreadPoolExecutor(8) as pool:
            probes = list(pool.map(lambda _: status(world, "/readyz"), range(8)))
        assert probes == [200] * 8
        assert status(world, "/healthz") == 200
        assert status(world, "/metrics") == 200
        patch.setattr(app, "STUCK_SECONDS", 0)
        said = httpx.get(world.url("/readyz"), timeout=60)
        assert said.status_code == 503
        assert said.json()["reason"].startswith("no response from the database for ")
    go.set()
    worlds.wait_until(lambda: status(world, "/readyz") == 200)


def test_probes_name_neither_the_database_nor_its_host(world, monkeypatch):
    def lost():
        raise DatabaseLostError("The database activity on db.example.com can't be reached.")

    with monkeypatch.context() as patch:
        patch.setattr(world.bot.store, "state", lost)
        worlds.wait_until(lambda: status(world, "/readyz") == 503)
        said = httpx.get(world.url("/readyz"), timeout=60).json()
        assert said["reason"].startswith("The bot can't reach its database right now.")


def test_what_fails_in_evaluating_rules_stops_neither_delivery_nor_sync(world, monkeypatch):
    def failing(*_):
        raise RuntimeError("a bad rule")

    delivered = []
    monkeypatch.setattr(world.bot.evaluator, "tick", failing)
    world.bot._run_alerts(SimpleNamespace(tick=lambda: delivered.append(1)))
    assert delivered == [1]
    world.bot._evaluate_alerts(timedelta(0))
