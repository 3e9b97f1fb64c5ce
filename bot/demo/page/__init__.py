"""The web page: a workspace in the browser, showing the state of the local Slack."""

from bot.demo.page.server import Page
from bot.demo.page.workspace_view import Role

__all__ = ["Page", "Role"]
