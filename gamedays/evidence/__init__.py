"""Evidence: what rehearsals show of runbooks, and what is held against runbook pages."""
