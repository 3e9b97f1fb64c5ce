"""Whether a request was signed by Slack, and was not processed before."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import deque
from collections.abc import Callable

TOLERANCE_SECONDS = 300
"""Seconds by which a request's timestamp may be off, as Slack recommends."""
REMEMBERED_SECONDS = 600.0
"""Seconds for which a signature is remembered: its timestamp may be 300 s ahead and is accepted
until 300 s after, so a repeated request is refused for as long as its timestamp is valid."""


class Signatures:
    """Verifies request signatures; rejects forged, old and repeated requests."""

    def __init__(self, signing_secret: str, now: Callable[[], float]) -> None:
        self._secret = signing_secret.encode()
        self._now = now
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._order: deque[tuple[float, str]] = deque()

    def refusal(self, body: bytes, timestamp: str, signature: str) -> str | None:
        """Why a request is rejected, as a sentence, or None. Accepted signatures are remembered.

        The signature covers the bytes of the body, whether or not they are UTF-8.
        """
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            return "The X-Slack-Request-Timestamp header is missing or malformed."
        if not signature.isascii():
            return "The signature is wrong."
        signed = b"v0:" + timestamp.encode() + b":" + body
        right = "v0=" + hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
        on_time = abs(self._now() - int(timestamp)) <= TOLERANCE_SECONDS
        if not (hmac.compare_digest(right, signature) and on_time):
            return "The signature is wrong, or the request is more than five minutes old."
        return None if self._is_new(signature) else "This request was already processed."

    def _is_new(self, signature: str) -> bool:
        now = self._now()
        with self._lock:
            while self._order and now - self._order[0][0] > REMEMBERED_SECONDS:
                self._seen.discard(self._order.popleft()[1])
            if signature in self._seen:
                return False
            self._seen.add(signature)
            self._order.append((now, signature))
            return True
