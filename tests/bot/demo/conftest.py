from collections.abc import Iterator
from contextlib import suppress
from threading import Thread

import pytest
from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient
from waitress.server import create_server

from bot.demo.slack import BotClient, LocalSlack
from tests.bot.demo.slack_help import client_of


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack() as local:
        yield local


@pytest.fixture
def client(slack: LocalSlack) -> WebClient:
    return client_of(slack)


@pytest.fixture
def app(slack: LocalSlack, client: WebClient) -> App:
    return App(client=client, signing_secret=slack.signing_secret)


@pytest.fixture
def bot_client(slack: LocalSlack, app: App) -> Iterator[BotClient]:
    served = SlackRequestHandler(app)
    server = create_server(served, host="127.0.0.1", port=0)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    yield slack.bot_client(f"http://127.0.0.1:{server.effective_port}/slack/events")
    # Closed by its own thread: another one would pull the sockets away under its select.
    server.task_dispatcher.shutdown()
    # A response just sent may have woken it already; then it has closed the pipe by now.
    with suppress(OSError):
        server.trigger.pull_trigger(server.close)
    thread.join(60)
    assert not thread.is_alive()
