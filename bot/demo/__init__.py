"""The demo: a local Slack, a local OpenRouter, and a web page to use them."""
