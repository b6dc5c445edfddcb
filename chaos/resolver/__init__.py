"""A resolver of names whose answers can be made to fail, a process of its own with an HTTP API."""
