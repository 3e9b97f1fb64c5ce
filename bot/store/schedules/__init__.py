"""Schedules, report runs and notices in the database."""
