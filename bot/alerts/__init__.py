"""Alert rules: sets them up, measures and evaluates them, and delivers their alerts."""
