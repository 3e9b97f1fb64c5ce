"""A local OpenRouter: the management API over made-up usage."""
