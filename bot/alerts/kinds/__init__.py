"""Measures alert rules: one module per kind; `registry` lists them."""
