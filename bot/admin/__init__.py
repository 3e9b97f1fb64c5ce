"""Status, audit log, help, and the database monitor."""
