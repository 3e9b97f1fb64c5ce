"""Rules for the words of a text. A rule returns how many words it read; 0 if it doesn't apply."""
