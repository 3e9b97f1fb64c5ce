"""Periods, time ranges and their buckets."""
