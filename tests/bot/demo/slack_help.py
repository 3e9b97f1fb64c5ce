"""What the tests of the local Slack share."""

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.demo.slack import LocalSlack


def client_of(slack: LocalSlack) -> WebClient:
    """slack_sdk's own client, without any retries."""
    return WebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[], timeout=60)


def refusal(method: Callable[..., Any], **args: Any) -> dict[str, Any]:
    """The body of the answer with which Slack refuses this call."""
    with pytest.raises(SlackApiError) as refused:
        method(**args)
    assert refused.value.response["ok"] is False
    return dict(refused.value.response.data)


def error_of(method: Callable[..., Any], **args: Any) -> str:
    """The name of the error with which Slack refuses this call."""
    return str(refusal(method, **args)["error"])
