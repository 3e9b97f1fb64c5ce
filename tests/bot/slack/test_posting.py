"""Uploads: whatever the address of an upload answers, it is a delivery error and no crash."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.demo.slack import LocalSlack
from bot.slack.client import Slack
from bot.slack.posting import Posting
from bot.slack.types import DeliveryError


@pytest.fixture
def garbage(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that answers every connection with the bytes of the test's parameter."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(100_000)
                    connection.sendall(request.param)

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/upload"
        server.shutdown(socket.SHUT_RDWR)


def upload(tmp_path: Path, answered: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    """The code of the error that an upload ends with, where Slack names an address like this."""
    file = tmp_path / "a.csv"
    file.write_text("figures")
    with LocalSlack() as slack:
        posting = Posting(Slack(slack.bot_token, slack.api_url), lambda _: None)
        monkeypatch.setattr(posting.slack, "call", lambda *_, **__: {"ok": True, **answered})
        with pytest.raises(DeliveryError) as refused:
            posting.upload(file, "a.csv", "figures")
    return refused.value.code


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"220 mail.example.com ESMTP\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: gopher://nowhere\r\nContent-Length: 0\r\n\r\n",
    ],
    indirect=True,
)
def test_an_upload_address_that_answers_nonsense(
    garbage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = {"upload_url": garbage, "file_id": "F1"}
    assert upload(tmp_path, answered, monkeypatch) == "upload_failed"


@pytest.mark.parametrize(
    "answered",
    [
        {},
        {"upload_url": None, "file_id": "F1"},
        {"upload_url": "https://files.example.com"},
        {"upload_url": "file:///etc/passwd", "file_id": "F1"},
        {"upload_url": "http://[", "file_id": "F1"},
        {"upload_url": "https://exa mple.com/\r\n", "file_id": "F1"},
        {"upload_url": "http://127.0.0.1:99999/", "file_id": "F1"},
    ],
)
def test_an_upload_address_that_is_none(
    answered: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert upload(tmp_path, answered, monkeypatch) in {"no_upload_url", "upload_failed"}
