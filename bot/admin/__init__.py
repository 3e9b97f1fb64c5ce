"""The status, the audit log and the help, and the watch over the database."""
