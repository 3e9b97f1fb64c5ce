"""Renderers: a Summary in; CSV, JSON, PDF, PNG, chart data or terminal text out."""
