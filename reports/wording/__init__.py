"""Safe text, dates in words, and suggestions."""
