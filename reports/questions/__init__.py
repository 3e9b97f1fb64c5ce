"""Questions: grammar, summary, follow-ups and their wording."""
