"""Playing: what the conductor leads: sales and draws, on-call, and what is kept of Prometheus and ledgers."""
