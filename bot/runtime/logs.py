"""Logs to stderr, as text or JSON, with every secret masked."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterable
from datetime import UTC, datetime

HIDDEN = "***"
_QUIET = ("httpx", "httpcore", "slack_sdk", "waitress")
_SILENT = ("apscheduler", "waitress.queue")
"""They warn about every skipped tick and every queued request."""
_REPEATING = ("slack_sdk.web.base_client",)
"""What it logs, it raises as well; whoever called it logs what that means."""


class Redacting(logging.Formatter):
    """Formats a record, including its traceback, and masks the secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secrets = [secret for secret in secrets if secret]

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return self.hide(super().format(record))

    def hide(self, text: str) -> str:
        """A text with each secret replaced by `***`."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


class RedactingJson(Redacting):
    """Formats a record as one line of JSON, and masks the secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": self.hide(record.getMessage()),
        }
        if record.exc_info:
            entry["traceback"] = self.hide(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


def set_up(level: str, secrets: Iterable[str], *, as_json: bool) -> None:
    """Send all logs to stderr, for libraries only from WARNING up.

    At lower levels, libraries log whole request bodies and addresses.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter((RedactingJson if as_json else Redacting)(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in _SILENT:
        logging.getLogger(name).setLevel(max(logging.ERROR, root.level))
    for name in _REPEATING:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    log = logging.getLogger("bot")

    def last_resort(arguments: threading.ExceptHookArgs) -> None:
        kind, error = arguments.exc_type, arguments.exc_value
        if error:
            log.critical(
                "A thread ended with an exception", exc_info=(kind, error, arguments.exc_traceback)
            )

    threading.excepthook = last_resort
