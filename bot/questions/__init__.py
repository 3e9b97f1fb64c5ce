"""Following up, sharing and asking questions by form."""
