"""The Slack messages and the form of alerts."""
