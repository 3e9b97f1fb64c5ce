"""Reading exported files."""
