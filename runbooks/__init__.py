"""Runbooks: Markdown pages with steps that a person can read and a machine can follow."""
