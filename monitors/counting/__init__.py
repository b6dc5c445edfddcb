"""Counting: how many events were bad, asked of Prometheus, and what makes such a count worth less."""
