"""The demonstration: local stand-ins for Slack and OpenRouter, and a page to use them."""
