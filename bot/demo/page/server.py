"""The page's HTTP server: its files, the workspace as JSON, actions, and live events."""

import json
import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from bot.demo.page import static
from bot.demo.page.actions import PersonActions, Refused
from bot.demo.page.attachments import attachment
from bot.demo.page.feed import Feed
from bot.demo.page.guard import SECURITY, refusal
from bot.demo.page.workspace_view import Role, WorkspaceView
from bot.demo.slack import LocalSlack
from bot.demo.slack.workspace import Json

LARGEST_BODY = 256 * 1024
PORTS_TRIED = 50
Headers = Mapping[str, str]


class Page:
    """Serves the page on 127.0.0.1, on ``port`` or, if that is taken, the next free one."""

    def __init__(
        self,
        slack: LocalSlack,
        *,
        port: int = 0,
        command: str = "/activity",
        roles: Mapping[str, Role] | None = None,
        about: Json | None = None,
    ) -> None:
        self.slack = slack
        self.about = {
            "team": "Demo",
            "greeting": "",
            "examples": [],
            "words": [],
            "shortcuts": [],
            **(about or {}),
        }
        self.feed = Feed()
        self.view = WorkspaceView(slack, self.feed, roles or {})
        self.actions = PersonActions(slack, command)
        self.run = secrets.token_hex(4)
        self.status: Json = {"state": "starting"}
        self._server = _first_free(port, self)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/"

    def start(self) -> Self:
        """Start serving."""
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="page").start()
        return self

    def stop(self) -> None:
        """End every stream and free the port."""
        self.view.stop()
        self.feed.end()
        self._server.shutdown()
        self._server.server_close()

    def show_status(self, status: Json) -> None:
        """Send every page the bot's ``state``, and its ``progress`` (0 to 1) while it syncs."""
        if status != self.status:
            self.status = status
            self.feed.send({"kind": "status", "status": status})

    def everything(self, person: str) -> Json:
        """Everything that the page needs when it loads."""
        people = self.view.people()
        known = [str(one["id"]) for one in people]
        who = person if person in known else known[0]
        return {
            "run": self.run,
            "command": self.actions.command,
            "person": who,
            "people": people,
            "users": self.view.names(),
            "bot": self.slack.bot_user_id,
            "channels": self.view.channels(who),
            "views": self.view.views(who),
            "home": self.slack.home(who),
            "refusals": list(self.view.refusals),
            "status": self.status,
            **self.about,
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], page: Page) -> None:
        super().__init__(address, _Handler)
        self.page = page

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as given
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _first_free(port: int, page: Page) -> _Server:
    last = min(port + PORTS_TRIED, 65_535) if port else 0
    for candidate in range(port, last):
        with suppress(OSError):
            return _Server(("127.0.0.1", candidate), page)
    return _Server(("127.0.0.1", last), page)


class _Handler(BaseHTTPRequestHandler):
    """One connection of a browser."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log nothing."""

    def do_GET(self) -> None:
        """Answer a GET."""
        if not self._refuse():
            parts = urlsplit(self.path)
            asked = dict(parse_qsl(parts.query, keep_blank_values=True))
            self._get(parts.path, asked)

    def do_POST(self) -> None:
        """Answer a POST."""
        length = self.headers.get("Content-Length") or "0"
        if not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._say(413, "The body is too long.")
            return
        body = self.rfile.read(int(length))
        if not self._refuse():
            self._post(urlsplit(self.path).path.removeprefix("/do/"), body)

    def _refuse(self) -> bool:
        wrong = refusal(self.command, dict(self.headers), self.server.page.port)
        if wrong:
            self.close_connection = True
            self._say(403, wrong)
        return wrong is not None

    def _get(self, path: str, asked: Headers) -> None:
        page = self.server.page
        looks: dict[str, Callable[[], Any]] = {
            "/everything": lambda: page.everything(asked.get("person", "")),
            "/messages": lambda: page.view.messages(asked["person"], asked["channel"]),
        }
        if path == "/events":
            self._events(asked.get("person", ""))
        elif path.startswith("/files/"):
            self._file(path.split("/")[2], download="download" in asked)
        elif path in looks:
            try:
                self._json(looks[path]())
            except KeyError:
                self._say(404, "Not found.")
        else:
            found = static.read(unquote(path[1:]) or "index.html")
            if found is None:
                self._say(404, "Not found.")
            else:
                self._send(200, *found)

    def _post(self, name: str, body: bytes) -> None:
        try:
            given = json.loads(body)
            if not isinstance(given, dict):
                raise Refused("The body must be a JSON object.")
            self._json(self.server.page.actions.run(name, given))
        except (ValueError, Refused) as wrong:
            self._send(400, "application/json", json.dumps({"error": str(wrong)}).encode())

    def _events(self, person: str) -> None:
        stream = self.server.page.feed.open(person)
        self.close_connection = True
        try:
            self._head(200, "text/event-stream", {"Connection": "close"})
            for piece in stream:
                self.wfile.write(piece)
                self.wfile.flush()
        except OSError:
            pass
        finally:
            self.server.page.feed.close(stream)

    def _file(self, file_id: str, *, download: bool) -> None:
        file = self.server.page.slack.uploads.by_id.get(file_id)
        if file is None or file.data is None:
            self._say(404, "No such file.")
        else:
            kind, headers = attachment(file.name, file.mimetype, download=download)
            self._send(200, kind, file.data, headers)

    def _json(self, value: object) -> None:
        self._send(200, "application/json", json.dumps(value).encode())

    def _say(self, status: int, words: str) -> None:
        self._send(status, "text/plain; charset=utf-8", words.encode())

    def _send(self, status: int, kind: str, body: bytes, headers: Headers | None = None) -> None:
        self._head(status, kind, {"Content-Length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def _head(self, status: int, kind: str, headers: Headers) -> None:
        self.send_response_only(status)
        fields = {"Content-Type": kind, "Cache-Control": "no-store", **SECURITY, **headers}
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
