"""Status, audit log and help."""
