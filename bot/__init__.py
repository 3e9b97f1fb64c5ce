"""Everything that does I/O: Slack, OpenRouter, the database, the clock, the environment."""

__version__ = "0.2.0"
