"""Alert rules: set up, measure, evaluate and deliver."""
