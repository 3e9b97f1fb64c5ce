"""The world: Slack, OpenRouter, the database, the clock. Everything that looks out."""

__version__ = "0.2.0"
