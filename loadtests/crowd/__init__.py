"""Crowd: the engine that holds a process's viewers on one event loop. It knows no Locust and no target files."""
