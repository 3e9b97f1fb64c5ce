"""Gathers from the cache what the answers in `reports.analysis` are worked out from."""
