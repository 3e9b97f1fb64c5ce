"""Modals: code shared by all features."""
