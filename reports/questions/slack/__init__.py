"""Slack messages and the form of questions."""
