"""Analyses as Slack messages."""
