"""The web server stops when it is told to, whatever it is at just then."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from waitress.trigger import trigger

from bot.http_server import HttpServer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


def application(_environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def test_it_serves_until_it_is_stopped() -> None:
    server = HttpServer(application, "127.0.0.1", 0, 1000)
    assert httpx.get(f"http://127.0.0.1:{server.port}/", timeout=60).text == "ok"
    server.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{server.port}/")
    assert "door" not in {thread.name for thread in threading.enumerate()}


def test_it_stops_though_an_answer_just_sent_rings_the_same_bell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ring = trigger._physical_pull  # type: ignore[attr-defined]

    def ring_after_another(bell: trigger) -> None:
        ring(bell)
        time.sleep(0.05)  # for the server's own thread to hear it
        ring(bell)

    monkeypatch.setattr(trigger, "_physical_pull", ring_after_another)
    server = HttpServer(application, "127.0.0.1", 0, 1000)
    server.stop()
    assert not server._thread.is_alive()
