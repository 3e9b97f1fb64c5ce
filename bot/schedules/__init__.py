"""Scheduled reports: setup, content and delivery."""
