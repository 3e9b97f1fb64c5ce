"""Listeners for Slack's requests: each only checks, hands the work over and acknowledges."""
