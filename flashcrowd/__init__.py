"""The shared vocabulary of flashcrowd: it imports nothing of ours, everything of ours imports it."""

__version__ = "0.1.0"
