"""How Airbyte is asked: settings, authentication, retries, time budget, answers, redaction."""
