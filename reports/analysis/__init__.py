"""Answers that explain usage: unit prices, changes, forecasts, limits. One file for each kind."""
