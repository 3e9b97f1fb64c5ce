"""Building blocks of Slack messages and modals."""
