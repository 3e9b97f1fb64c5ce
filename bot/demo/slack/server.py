"""The local Slack as one HTTP server on 127.0.0.1."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from datetime import timedelta
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from bot.demo.slack.api import SCOPES, Api, Call
from bot.demo.slack.bot_client import BotClient
from bot.demo.slack.chat import Chat
from bot.demo.slack.conversations import Conversations
from bot.demo.slack.faults import Faults
from bot.demo.slack.files import File, Files
from bot.demo.slack.responses import ResponseUrls
from bot.demo.slack.views import Views, visible
from bot.demo.slack.wire import Server
from bot.demo.slack.workspace import (
    PEOPLE,
    Channel,
    Clock,
    Json,
    Listener,
    T,
    User,
    Workspace,
    utc_now,
)


class LocalSlack:
    """A workspace with people and channels, behind Slack's own HTTP API.

    ``people`` are (e-mail, name) of our team, the first an admin; a guest, someone who left and
    someone of another company are added. ``file_delay`` is how long a file stays unprocessed.
    """

    def __init__(
        self,
        *,
        clock: Clock = utc_now,
        port: int = 0,
        people: Sequence[tuple[str, str]] = PEOPLE,
        scopes: Iterable[str] = SCOPES,
        rate_limits: bool = True,
        refuse_charts: bool = False,
        file_delay: timedelta = timedelta(seconds=1),
        longest_history_page: int = 999,
    ) -> None:
        self.bot_token = f"xoxb-local-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.workspace = Workspace(clock, people)
        self.faults = Faults()
        self.stopping = Event()
        self._server = Server(("127.0.0.1", port), self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.api_url = f"{self.url}/api/"
        self.chat = Chat(self.workspace)
        self.chat.content.refuse_charts = refuse_charts
        self.chat.public_posting = "chat:write.public" in frozenset(scopes)
        self.hooks = ResponseUrls(self.chat)
        self.uploads = Files(self.chat, self.url, file_delay)
        self.modals = Views(self.workspace)
        people_and_places = Conversations(self.chat, frozenset(scopes), longest_history_page)
        self.api = Api(
            self.chat,
            people_and_places,
            self.uploads,
            self.modals,
            token=self.bot_token,
            rate_limits=rate_limits,
        )
        self._calls: list[Call] = []
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> Self:
        """Start serving."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close every connection and free the port."""
        self.stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.break_connections()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def team_id(self) -> str:
        """The id of our team."""
        return self.workspace.team_id

    @property
    def app_id(self) -> str:
        """The id of the app."""
        return self.workspace.app_id

    @property
    def bot_id(self) -> str:
        """The bot's id in messages."""
        return self.workspace.bot_id

    @property
    def bot_user_id(self) -> str:
        """The bot's id as a user."""
        return self.workspace.bot_user_id

    @property
    def calls(self) -> list[Call]:
        """Every call of the Web API so far, in order of arrival, without tokens."""
        with self.workspace.lock:
            return list(self._calls)

    @property
    def responses(self) -> list[Json]:
        """Every answer given to a command or click, in order, with its error if refused."""
        with self.workspace.lock:
            return deepcopy(self.hooks.used)

    @property
    def files(self) -> list[File]:
        """Every completed upload, oldest first."""
        return self.uploads.completed()

    def user(self, name: str) -> User:
        """The person of this name or id; ``KeyError`` if there is none."""
        return self.workspace.user(name)

    def channel(self, name: str) -> Channel:
        """The channel of this name or id; ``KeyError`` if there is none."""
        return self.workspace.channel(name)

    def im(self, user: str) -> Channel:
        """The bot's direct messages with this person."""
        return self.workspace.open_im(self.user(user).id)

    def messages(self, channel: str) -> list[Json]:
        """Every message of a channel, by its name or id, oldest first."""
        return self.chat.in_channel(self.channel(channel).id)

    def ephemerals(self, user: str, channel: str) -> list[Json]:
        """The messages in the channel that only this person sees, oldest first."""
        return self.chat.only_for(self.user(user).id, self.channel(channel).id)

    def views(self, user: str) -> list[Json]:
        """The modals that are open for this person, the visible one last."""
        return self.modals.stack(self.user(user).id)

    def home(self, user: str) -> Json | None:
        """The home that the bot last published for this person."""
        with self.workspace.lock:
            view = self.modals.homes.get(self.user(user).id)
            return visible(view) if view else None

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call this with (kind, data) at every change; it must be quick. Returns how to stop it.

        Kinds: message, message_changed, message_deleted, ephemeral, response, view,
        view_closed, home, file, call, refused. A message for one person has ``_user``.
        """
        return self.workspace.listen(listener)

    def wait_for(self, found: Callable[[], T], timeout: float = 60) -> T:
        """Wait until ``found()`` is truthy and return it; TimeoutError after ``timeout``
        seconds."""
        return self.workspace.wait_for(found, timeout)

    def fail(self, method: str, *faults: int | str, times: int = 1, retry_after: int = 1) -> None:
        """Make the next calls of a method fail; for the kinds, see ``Fault``.

        Besides the Web API's methods: "upload", "download", "response_url", and "*" for all.
        """
        self.faults.add(method, faults, times, retry_after)

    def record(
        self, method: str, args: Json, error: str | None, details: Json | None = None
    ) -> None:
        """Record a call for ``calls``, and notify listeners if it was refused."""
        call = Call(method, {k: v for k, v in args.items() if k != "token"}, error)
        with self.workspace.lock:
            self._calls.append(call)
            refused: dict[str, Any] = {"method": method, "error": error, "args": call.args}
            refused["details"] = details or {}
            self.workspace.changed("refused" if error else "call", refused)

    def bot_client(self, url: str) -> BotClient:
        """A client for the bot whose ``/slack/events`` is at this URL."""
        return BotClient(url, self.signing_secret, self)
