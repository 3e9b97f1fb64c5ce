"""The client of Slack's Web API, posting, and Socket Mode."""
