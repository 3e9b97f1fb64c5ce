"""Answering questions, for all features: visibility, figures, files, answer messages."""
