"""Reads from the cache what the answers in `reports.analysis` are computed from."""
