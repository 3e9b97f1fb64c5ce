"""Logs, ticks, priorities and other parts of the running process."""
