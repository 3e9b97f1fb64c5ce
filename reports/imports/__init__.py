"""Parses exported files."""
