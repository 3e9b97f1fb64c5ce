"""The Home tab as a Slack view."""
