"""Sends requests to the bot, signed like Slack's or deliberately forged."""

import hashlib
import hmac
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Literal
from urllib.parse import urlencode, urlsplit

ACK_MILLISECONDS = 3_000
LONGEST_SECONDS = 10
"""Seconds after which a bot that doesn't answer counts as unreachable."""
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Forge:
    """How a request differs from one that Slack would send.

    ``seconds_off`` moves the timestamp away from now, ``timestamp`` replaces it.
    """

    signature: Literal["good", "wrong", "missing", "non-ascii"] = "good"
    seconds_off: float = 0
    timestamp: str | None = None
    team_id: str | None = None
    enterprise_id: str | None = None


HONEST = Forge()


@dataclass(frozen=True, slots=True)
class Ack:
    """How the bot acknowledged: status 0 if it could not be reached.

    ``error`` is what the person would be shown instead; ``sent`` is what to replay.
    """

    status: int
    body: str
    milliseconds: float
    error: str | None = None
    sent: tuple[bytes, dict[str, str]] = field(default=(b"", {}), repr=False)

    @property
    def ok(self) -> bool:
        """Whether it was acknowledged in time, with nothing that Slack refuses."""
        return self.error is None


class Sender:
    """Signs bodies and posts them to one URL."""

    def __init__(self, url: str, signing_secret: str) -> None:
        self.url = url
        self.now = time.time
        self._secret = signing_secret.encode()

    def form(self, fields: dict[str, str], forge: Forge = HONEST) -> Ack:
        """Send a signed form, like commands and interactions."""
        return self.send(urlencode(fields).encode(), {"Content-Type": _FORM}, forge)

    def send(self, body: bytes, headers: dict[str, str], forge: Forge = HONEST) -> Ack:
        """Send any body, signed as ``forge`` says."""
        timestamp = forge.timestamp
        if timestamp is None:
            timestamp = str(int(self.now() + forge.seconds_off))
        signed = {**headers, "X-Slack-Request-Timestamp": timestamp}
        base = f"v0:{timestamp}:".encode() + body
        good = hmac.new(self._secret, base, hashlib.sha256).hexdigest()
        signatures = {"good": f"v0={good}", "wrong": f"v0={'0' * 64}", "non-ascii": "v0=déjà"}
        if forge.signature != "missing":
            signed["X-Slack-Signature"] = signatures[forge.signature]
        return self.post(body, signed)

    def post(self, body: bytes, headers: dict[str, str]) -> Ack:
        """Post exactly these bytes and headers."""
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=LONGEST_SECONDS)
        # As bytes, because forged values may not be valid Latin-1, as headers are.
        raw = {name: value.encode() for name, value in headers.items()}
        started = time.perf_counter()
        try:
            connection.request("POST", parts.path, body, raw)
            response = connection.getresponse()
            status, text = response.status, response.read().decode("utf-8", "replace")
        except (OSError, HTTPException) as failed:
            status, text = 0, type(failed).__name__
        finally:
            connection.close()
        milliseconds = (time.perf_counter() - started) * 1_000
        return Ack(status, text, milliseconds, _ack_error(status, milliseconds), (body, headers))


def _ack_error(status: int, milliseconds: float) -> str | None:
    if status != 200:
        return "dispatch_failed"
    return "operation_timeout" if milliseconds > ACK_MILLISECONDS else None
