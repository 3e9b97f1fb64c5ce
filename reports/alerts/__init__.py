"""Alert rules: their grammar, what they measure, and when they trigger."""
