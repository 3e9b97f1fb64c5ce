"""Parsing exported files."""
