"""Chaos: faults that are broken on purpose, seen to bite, and healed whatever happens to us."""
