"""Importing usage from exported files."""
