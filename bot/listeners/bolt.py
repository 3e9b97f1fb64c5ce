"""Bolt, set up so that nothing before an acknowledgement waits for the network."""

from __future__ import annotations

import logging
import re
from typing import Any

from slack_bolt import Ack, App
from slack_bolt.authorization import AuthorizeResult

from bot.slack import Slack

log = logging.getLogger(__name__)

_ANYTHING = re.compile(".*", re.DOTALL)


def make_app(slack: Slack, token: str) -> App:
    """An app whose listeners run inline: they check, hand over and acknowledge.

    Requests are verified at the door (and need no signature in Socket Mode), and `authorize`
    answers from what is known, since Bolt would call `auth.test` before the acknowledgement.
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

    return App(
        logger=_quiet_logger(),
        client=slack.client,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=True,
    )


def _quiet_logger() -> logging.Logger:
    """Bolt warns of our own `authorize` at every start, and at INFO it logs whole bodies."""
    logger = logging.getLogger("bot.bolt")
    logger.setLevel(logging.ERROR)
    return logger


def register_rest(app: App) -> None:
    """Acknowledge what nobody listens to, so that nobody sees a warning for it."""

    def ignore(ack: Ack, body: dict[str, Any]) -> None:
        log.debug("Nobody listens to a %s", body.get("type", "request"))
        ack()

    app.action({"action_id": _ANYTHING})(ignore)
    app.event(_ANYTHING)(ignore)
