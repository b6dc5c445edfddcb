"""Coverage: faults, SLOs, alerts and runbooks of a target: what was rehearsed, and what never was."""
