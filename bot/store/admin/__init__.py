"""The audit log and the status in the database."""
