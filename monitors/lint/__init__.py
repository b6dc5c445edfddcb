"""Lint: what is doubtful in SLO files: queries that can't work, and what a server at hand doesn't have."""
