"""Story: the facts of one run, read from its run directory and nothing else. Judging and reporting start here."""
