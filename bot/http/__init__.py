"""The HTTP server, its endpoints and the metrics."""
