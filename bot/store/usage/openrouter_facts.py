"""Names of the facts with what OpenRouter says of guardrails, keys and models (JSON, with `at`)."""

GUARDRAILS, KEYS, MODELS = "guardrails", "key details", "models"
