"""Logs: for people or for machines, and never a secret, whatever is logged."""

import json
import logging
import threading
from urllib.error import URLError

import pytest
from slack_sdk import WebClient

from bot.runtime import logs
from tests import world as worlds

SECRET = 'xoxb-"canary"\\1'


@pytest.fixture(autouse=True)
def _logging(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    with worlds.quiet_logging():
        yield


either = pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])


@either
def test_secrets_are_struck_out_of_messages_arguments_and_tracebacks(as_json, capsys):
    logs.set_up("DEBUG", ["", SECRET], as_json=as_json)
    log = logging.getLogger("bot.test")
    log.debug("plain %s", SECRET)
    log.warning(f"formatted {SECRET}")  # noqa: G004 - as libraries do it
    try:
        raise ValueError(SECRET)
    except ValueError:
        log.exception("raised")
    said = capsys.readouterr().err
    assert "canary" not in said
    assert said.count(logs.HIDDEN) >= 3
    assert "ValueError" in said


@either
def test_a_thread_that_dies_is_logged_the_same_way(as_json, capsys):
    logs.set_up("DEBUG", ["", SECRET], as_json=as_json)

    def die() -> None:
        raise RuntimeError(SECRET)

    thread = threading.Thread(target=die)
    thread.start()
    thread.join()
    said = capsys.readouterr().err
    assert "A thread ended with an exception" in said
    assert "canary" not in said


def test_for_machines_every_record_is_one_line_of_json(capsys):
    logs.set_up("INFO", [SECRET], as_json=True)
    log = logging.getLogger("bot.test")
    log.info("two\nlines of %s", "häkchen ✓")
    try:
        raise ValueError("wrong")
    except ValueError:
        log.exception("raised")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first["message"] == "two\nlines of häkchen ✓"
    assert (first["level"], first["logger"]) == ("INFO", "bot.test")
    assert first["time"].endswith("+00:00")
    assert "ValueError: wrong" in second["traceback"]


def test_the_level_is_kept(capsys):
    logs.set_up("WARNING", [], as_json=False)
    logging.getLogger("bot.test").info("quiet")
    logging.getLogger("bot.test").warning("loud")
    said = capsys.readouterr().err
    assert "quiet" not in said
    assert "WARNING bot.test: loud" in said


@pytest.mark.parametrize("name", ["httpx", "httpcore.http11", "slack_sdk.socket_mode"])
def test_libraries_speak_up_only_when_something_is_wrong(name, capsys):
    logs.set_up("DEBUG", [], as_json=False)
    logging.getLogger(name).info("a whole address or body")
    logging.getLogger(name).warning("something is wrong")
    said = capsys.readouterr().err
    assert "body" not in said
    assert "something is wrong" in said


def test_a_tick_that_finds_one_running_is_no_news(capsys):
    logs.set_up("DEBUG", [], as_json=False)
    logging.getLogger("apscheduler.scheduler").warning("maximum number of running instances")
    assert capsys.readouterr().err == ""


def test_a_call_that_failed_is_left_to_whoever_made_it(capsys):
    logs.set_up("INFO", [], as_json=False)
    client = WebClient(base_url="http://127.0.0.1:1/api/", retry_handlers=[])
    with pytest.raises(URLError):
        client.auth_test()
    assert capsys.readouterr().err == ""
