"""Screen: a run while it goes on, on a terminal or as plain lines. Reads events and Prometheus, and changes nothing."""
