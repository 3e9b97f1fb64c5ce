"""Usage figures, dimensions, members, limits and coverage."""
