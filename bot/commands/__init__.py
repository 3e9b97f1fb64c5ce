"""Dispatches commands, and handles conversations in natural language."""
