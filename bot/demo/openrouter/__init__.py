"""A local OpenRouter: the management API with sample usage."""
