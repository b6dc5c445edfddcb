"""Verbs: what one command does, in code: parse is before, printing after."""
