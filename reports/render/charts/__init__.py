"""Charts: vector drawings for PDF, PNG images, and data for native Slack charts."""
