"""App Home as a Slack view."""
