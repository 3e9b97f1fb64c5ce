"""Checks that a request was signed by Slack, and hasn't been processed already, by this or any
other process."""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from bot.store import StoreError
from bot.store.database import patience
from bot.store.errors import CommitUnknownError, DatabaseLostError
from bot.store.expiring_keys import ExpiringKeys

log = logging.getLogger(__name__)

TOLERANCE_SECONDS = 300
"""Seconds by which a request's timestamp may be off, as Slack recommends."""
REMEMBERED_SECONDS = 600.0
"""Seconds for which a signature is remembered: its timestamp may be 300 s ahead and is accepted
until 300 s after, so a repeated request is refused for as long as its timestamp is valid."""
CLAIM_SECONDS = 1.0
"""How long a job waits for a locked database before it goes on without the check: people notice a
longer delay, and each process still rejects what it has already accepted itself."""


class Signatures:
    """Verifies signatures; rejects forged and old requests, and those that this process already
    got."""

    def __init__(self, signing_secret: str, now: Callable[[], float]) -> None:
        self._secret = signing_secret.encode()
        self._now = now
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._order: deque[tuple[float, str]] = deque()

    def refusal(self, body: bytes, timestamp: str, signature: str) -> str | None:
        """The reason why a request is rejected, as a sentence; None if it isn't. Accepted
        signatures are remembered.

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
            return "The signature is wrong, or its timestamp is off by more than five minutes."
        return None if self._is_new(signature) else "This request has already been processed."

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


class SharedSignatures:
    """The signatures accepted by any process, in the database that the processes share.

    For a single process, `Signatures` is enough, and nothing is stored here.
    """

    def __init__(self, keys: ExpiringKeys) -> None:
        self._keys = keys

    def claim(self, signature: str) -> bool:
        """Whether no process has claimed the request with this signature; if so, claims it.

        Waits for the database, so it is for jobs, after the acknowledgement. Also True without a
        signature, and if the database can be read but the claim can't be stored: a full disk must
        not stop answers. Raises DatabaseLostError if the database is unreachable.
        """
        if not signature or not self._keys.shared:
            return True
        key = f"request {hashlib.sha256(signature.encode()).hexdigest()}"
        try:
            with patience(CLAIM_SECONDS):
                is_new = self._keys.claim(key, timedelta(seconds=REMEMBERED_SECONDS))
        except CommitUnknownError:
            return True  # assume that nobody has claimed it
        except DatabaseLostError:
            raise
        except StoreError:
            return True  # the database's monitor logs it
        if not is_new:
            log.warning("Ignored a request that another process has already processed")
        return is_new
