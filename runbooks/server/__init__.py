"""Server: takes Alertmanager's webhook, diagnoses at once, and mitigates where everybody who has a say allows it."""
