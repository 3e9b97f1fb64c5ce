"""Alert rules, their states, events and messages in the database."""
