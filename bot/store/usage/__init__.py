"""Usage and the directory in the database."""
