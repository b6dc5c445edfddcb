"""The other side of faults that something else holds: its API."""
