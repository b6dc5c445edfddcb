"""Monitors: SLOs, the Prometheus that measures them, the rules that page, and the judge."""
