"""Fetches usage from OpenRouter into the cache."""
