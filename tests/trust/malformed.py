"""Mutated requests at the HTTP endpoints: none makes the bot fail, and good ones are answered.

Most are nearly as Slack sends them and signed, so that they get past the signature; the rest has a
wrong signature, mutated headers, or bytes that are no HTTP at all.
"""

from __future__ import annotations

import json
import random
import re
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import time
from urllib.parse import urlencode

from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import LocalSlack
from bot.slack.scopes import SCOPES
from tests import world as worlds
from tests.bot.http.test_endpoints import sign
from tests.bot.http.test_malformed_requests import COMMAND, FORM, JSON, ODD, SEEDS, changed, paths
from tests.bot.test_process import started

PATHS = ("/slack/events", "/healthz", "/readyz", "/metrics", "/", "/slack/events/../x", "/%00", "*")
METHODS = ("POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW", "")
HEADERS = (
    "Content-Length: -1", "Content-Length: 9999999999999999999", "Content-Length: 0",
    "Content-Length: x", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip", "Host:",
    "Expect: 100-continue", "Connection: upgrade", "Content-Encoding: gzip", "X: " + "y" * 5_000,
    "no colon", ": no name", "X-Slack-Retry-Num: 9", "X-Slack-Request-Timestamp: 1e9",
    "X-Slack-Signature: v0=", "Content-Type: multipart/form-data", "Cookie: \x01", "Range: bytes=-",
)  # fmt: skip
SENT_SECONDS = 20
UNSUPPORTED = {501, 505}
"""The right answers to an encoding or a version of HTTP that a server doesn't have."""


@dataclass
class Outcome:
    """What came of it: how many requests got which status (0: the connection was closed)."""

    requests: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        said = ", ".join(f"{count:,} x {status}" for status, count in sorted(self.statuses.items()))
        return f"{self.requests:,} requests: {said}; {len(self.wrong)} wrong"


def mutated(chance: random.Random, secret: str, number: int) -> bytes:
    """A request, always the same for the same random choices (but for the time)."""
    body, kind = _body(chance)
    # another time each, since a request with the same signature is taken once
    stamp = str(int(time()) - number % 250)
    signature = sign(body, stamp, secret if chance.random() < 0.85 else "0" * 32)
    method, path = "POST", "/slack/events"
    if chance.random() < 0.05:
        method, path = chance.choice(METHODS), chance.choice(PATHS)
    lines = [
        f"{method} {path} HTTP/1.{chance.choice('1111110')}",
        "Host: 127.0.0.1",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        f"X-Slack-Request-Timestamp: {stamp}",
        f"X-Slack-Signature: {signature}",
        "Connection: close",
    ]
    if chance.random() < 0.1:
        at = chance.randrange(1, len(lines))
        lines[at:at] = chance.choices(HEADERS, k=chance.randrange(1, 3))
    if chance.random() < 0.03:
        del lines[chance.randrange(len(lines))]
    whole = "\r\n".join([*lines, "", ""]).encode("utf-8", "replace") + body
    return _torn(whole, chance) if chance.random() < 0.05 else whole


def _body(chance: random.Random) -> tuple[bytes, str]:
    """A body that is nearly as Slack sends it, and its content type."""
    if chance.random() < 0.2:
        fields = dict(COMMAND)
        for name in chance.sample(sorted(fields), chance.randrange(4)):
            fields.pop(name)
            if chance.random() < 0.5:
                fields[name] = "".join(chr(chance.randrange(1, 0xD7FF)) for _ in range(9))
        body, kind = urlencode(fields).encode(), FORM
    else:
        value, packed = chance.choice(SEEDS)
        for _ in range(chance.randrange(1, 4)):
            path = chance.choice(paths(value))
            gone = bool(path) and chance.random() < 0.5
            value = changed(value, path, chance.choice(ODD), gone=gone)
        body, kind = packed(value)
    if chance.random() < 0.2:
        body = _torn(body, chance)
    return body, chance.choice([kind, kind, kind, kind, JSON, FORM, "text/plain", ""])


def _torn(whole: bytes, chance: random.Random) -> bytes:
    """Bytes with some of them lost or replaced."""
    at = chance.randrange(len(whole) + 1)
    return whole[:at] + chance.randbytes(chance.randrange(5)) + whole[at + chance.randrange(5) :]


def send(port: int, request: bytes) -> int:
    """The status of the first answer; 0 if the connection was closed without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=SENT_SECONDS) as line:
        answer = b""
        with suppress(ConnectionError):
            line.sendall(request)
            line.shutdown(socket.SHUT_WR)  # no more will come, however much was promised
            while more := line.recv(65_536):
                answer += more
    found = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
    return int(found[1]) if found else 0


def run(folder: Path, database: Path, count: int, seed: int) -> Outcome:
    """Send so many requests to a bot in a process of its own, and then a good one."""
    outcome, chance = Outcome(), random.Random(seed)
    with (
        LocalOpenRouter(worlds.small()) as openrouter,
        LocalSlack(scopes=SCOPES, rate_limits=False, file_delay=timedelta(0)) as slack,
        started(folder, worlds.environment(openrouter, slack, database), "web") as bot,
    ):
        bot.wait_until_listening()
        for number in range(count):
            request = mutated(chance, slack.signing_secret, number)
            outcome.requests += 1
            try:
                status = send(bot.port, request)
            except OSError as error:
                outcome.wrong.append(f"{error!r}: {request[:2_000]!r}")
                continue
            outcome.statuses[status] = outcome.statuses.get(status, 0) + 1
            if status >= 500 and status not in UNSUPPORTED:
                outcome.wrong.append(f"{status}: {request[:2_000]!r}")
        before = len(slack.responses)
        client = slack.bot_client(f"http://127.0.0.1:{bot.port}/slack/events")
        client.command("ada", "general", "spend 1d")
        worlds.wait_until(
            lambda: any(
                "Spend" in json.dumps(one["payload"]) for one in list(slack.responses)[before:]
            )
        )
        outcome.wrong += [line for line in bot.said.splitlines() if line.startswith("Traceback")]
    return outcome
