"""Scheduled reports: set up, build and deliver."""
