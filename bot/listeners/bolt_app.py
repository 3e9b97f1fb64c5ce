"""The Bolt app, configured so that no acknowledgement waits for the network."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from bot.slack.client import Slack

log = logging.getLogger(__name__)

_ANYTHING = re.compile(".*", re.DOTALL)


def make_app(slack: Slack, token: str) -> App:
    """An app whose listeners run inline: they validate, submit the work and acknowledge.

    The HTTP endpoint verifies signatures (Socket Mode needs none). `authorize` uses the cached
    identity, because Bolt would call `auth.test` before each acknowledgement. The installation is
    always the bot's own, even if a request comes from another workspace of an Enterprise Grid.
    """

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        identity = slack.known_identity()
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_token=token,
            bot_id=identity.bot_id if identity else None,
            bot_user_id=identity.user_id if identity else None,
        )

    app = App(
        logger=_quiet_logger(),
        client=slack.client,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=True,
    )
    app.error(_unreadable)
    app.use(_refuse_broken_text)
    return app


def _refuse_broken_text(body: dict[str, Any], next_: Callable[[], None]) -> BoltResponse | None:
    """Refuse half a surrogate pair, which JSON can say and no database or response can.

    Slack never sends one. Stored with other things, it would keep all of them from being stored.
    """
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        return _unreadable(error)
    next_()
    return None


def _unreadable(error: Exception) -> BoltResponse:
    """Refuse a payload that a listener fails on.

    Listeners only look at the payload, hand the work over and acknowledge, so a failure means that
    the payload is malformed. Its content isn't logged, because it may contain what people wrote.
    """
    log.warning("Could not read the payload of a request: %s", type(error).__name__)
    log.debug("A listener raised this", exc_info=error)
    return BoltResponse(status=400, body="The payload is not one that Slack sends.")


def _quiet_logger() -> logging.Logger:
    """A logger at ERROR: Bolt warns about custom `authorize` at startup and logs whole bodies."""
    logger = logging.getLogger("bot.bolt")
    logger.setLevel(logging.ERROR)
    return logger


def register_fallbacks(app: App) -> None:
    """Acknowledge everything that has no listener, so that people see no warning in Slack."""

    def ignore(ack: Ack, body: dict[str, Any]) -> None:
        log.debug("No listener for a %s", body.get("type", "request"))
        ack()

    app.action({"action_id": _ANYTHING})(ignore)
    app.event(_ANYTHING)(ignore)
