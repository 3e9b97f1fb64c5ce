"""Import usage from exported files."""
