"""Slack messages and the form of schedules."""
