"""What the modals of all features share."""
