"""Charts, as vectors, pictures and native Slack charts."""
