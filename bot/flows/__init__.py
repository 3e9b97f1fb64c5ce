"""The streets: one a file, read from top to bottom. The edges of the world come as arguments."""
