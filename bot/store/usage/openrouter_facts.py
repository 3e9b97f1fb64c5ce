"""Names of the facts that store OpenRouter's guardrails, keys and models (JSON, with `at`)."""

GUARDRAILS, KEYS, MODELS = "guardrails", "key details", "models"
