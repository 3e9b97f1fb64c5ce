"""The page: a workspace in the browser, drawn from the state of the local Slack."""

from bot.demo.page.server import Page
from bot.demo.page.workspace_view import Role

__all__ = ["Page", "Role"]
