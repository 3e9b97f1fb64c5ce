"""All input and output: Slack, OpenRouter, the database, the clock, the environment."""

__version__ = "0.2.0"
