"""Door one: what comes from Slack. A listener checks, hands over and acknowledges, no more."""
