"""Judging: a story in, findings out; pure, but for what it reads in the run directory."""
