"""Schedules: their grammar, when they are due, and what they report."""
