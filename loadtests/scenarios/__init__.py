"""Scenarios: one Locust file each; `flashcrowd load list` shows them by the first line of their docstring."""
