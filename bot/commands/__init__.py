"""Dispatch of commands, and the conversation in natural language."""
