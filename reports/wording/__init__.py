"""Safe text, dates and times in words, suggestions, and words that several grammars share."""
