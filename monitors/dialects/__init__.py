"""Dialects: Sloth's and OpenSLO's files, both read and written, and what gets lost from one to the other."""
