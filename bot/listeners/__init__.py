"""Slack listeners: each only validates the payload, submits the work and acknowledges."""
