"""Who may use the bot, and what they may do."""
