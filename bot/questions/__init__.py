"""Follow-ups, sharing, and the question form."""
