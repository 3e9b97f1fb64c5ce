"""Parses questions in natural language."""
