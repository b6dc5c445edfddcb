"""Comparison: what changed from one game day to another, chance set apart from change; each from its run directory."""
