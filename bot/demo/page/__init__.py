"""The page: a workspace in the browser, drawn from what the local Slack holds."""

from bot.demo.page.server import Page
from bot.demo.page.workspace_view import Role

__all__ = ["Page", "Role"]
