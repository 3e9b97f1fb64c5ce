"""Questions in natural language."""
