"""Game days: load, faults, SLOs and runbooks on one timeline; plan → conductor → run directory → report."""
