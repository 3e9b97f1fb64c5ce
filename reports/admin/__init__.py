"""The status, the audit log and the help."""
