"""Slack messages of the status, the audit log and the help."""
