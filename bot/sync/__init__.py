"""Fetching usage from OpenRouter into the cache."""
