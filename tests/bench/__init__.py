"""Measurements of speed and size, beside naive peers on the same machine in the same run."""
