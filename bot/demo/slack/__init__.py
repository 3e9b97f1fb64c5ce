"""A local Slack over real HTTP that behaves like Slack and refuses what Slack refuses."""

from bot.demo.slack.blocks import validate, validate_view
from bot.demo.slack.bot_client import BotClient
from bot.demo.slack.mentions import escaped
from bot.demo.slack.schema import Problem
from bot.demo.slack.server import LocalSlack
from bot.demo.slack.signing import Ack, Forge
from bot.demo.slack.workspace import Channel, User

__all__ = [
    "Ack",
    "BotClient",
    "Channel",
    "Forge",
    "LocalSlack",
    "Problem",
    "User",
    "escaped",
    "validate",
    "validate_view",
]
